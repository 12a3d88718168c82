"""RTI payment events: one submission about one payslip as JSON (`data/payment.schema.json`)."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any, Final

from world.model import Employer, Job, Payslip, Report
from world.pay import pension_pence, terms_on
from world.reports import tax_year_start

_BANDS: Final = ((1600, "A"), (2400, "B"), (3000, "C"))


def payment(
    report: Report, slip: Payslip, job: Job, employer: Employer, nino: str, said_at: datetime, available_at: datetime
) -> dict[str, Any]:
    """The submission. said_at: when HMRC received it; available_at: when the platform could see it (UTC)."""
    pension = pension_pence(report.gross_pence, job.pension_percent)
    document: dict[str, Any] = {
        "schemaVersion": "rti-payment/1",
        "nationalInsuranceNumber": nino,
        "taxYear": _tax_year(slip.payday),
        "hmrcOfficeNumber": employer.office_number,
        "employerPayeRef": employer.reference,
        "employerName1": employer.name,
        "payrollId": job.payroll_id,
        "employmentStartDate": job.started_on.isoformat(),
        "payFrequency": job.frequency,
        "paymentDate": slip.payday.isoformat(),
        "earningsPeriodsCovered": slip.periods_covered,
        "taxablePayInPeriod": _money(report.gross_pence - pension),
        "taxablePayToDate": _money(report.ytd_pence),
        "taxDeductedOrRefunded": _money(max(0, report.gross_pence - pension - 1048_00) // 5),
        "employeePensionContributions": _money(pension),
        "numberOfNormalHoursWorked": _band(terms_on(job, slip.payday).hours_x100),
        "uniquePaymentId": report.unique_id,
        "hmrcReceiptTimestamp": _instant(said_at),
        "rtiReceivedDate": report.said_on.isoformat(),
        "apiAvailableTimestamp": _instant(available_at),
    }
    if job.sequence is not None:
        document["uniqueEmploymentSequenceNumber"] = job.sequence
    if job.frequency == "M1":
        document["monthlyPeriodNumber"] = _tax_month(slip.payday)
    elif job.frequency != "IR":
        document["weeklyPeriodNumber"] = min(54, (slip.payday - tax_year_start(slip.payday)).days // 7 + 1)
    else:
        document["irregularPayment"] = "Y"
    if slip.final and job.ended_on is not None:
        document["employmentEndDate"] = job.ended_on.isoformat()
    if slip.strike:
        document["onStrikeWithinPayPeriod"] = "Y"
    if slip.absence:
        document["unpaidAbsencePayPeriod"] = "Y"
    if report.late_reason is not None:
        document["latePayeReportingReason"] = report.late_reason
    if report.invalid_since is not None:
        document["paymentNoLongerValid"] = report.invalid_since.isoformat()
    return document


def encode(document: dict[str, Any]) -> bytes:
    """Compact JSON, fields in the order given."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _money(pence: int) -> float:
    # Two decimals survive the shortest notation of a double of this size.
    return pence / 100


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _tax_year(day: date) -> str:
    year = tax_year_start(day).year
    return f"{year % 100:02d}-{(year + 1) % 100:02d}"


def _tax_month(day: date) -> int:
    start = tax_year_start(day)
    months = (day.year - start.year) * 12 + day.month - start.month
    return months + (1 if day.day >= 6 else 0) if months else 1


def _band(hours_x100: int) -> str:
    return next((band for limit, band in _BANDS if hours_x100 < limit), "D")
