"""One RTI payment event, read into the platform's own shape. Money is decimal; only used fields are checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec

from earnings.intake.checks import BadField, instant, iso_day, pounds_number, text, whole_number
from earnings.intake.facts import PaymentFact
from earnings.intake.identity import Pseudonyms
from earnings.model import Payment, Source
from earnings.rules.calendar import london_day

SCHEMA = "rti-payment/1"
_OFFICE = re.compile(r"00[1-9]|0[1-9][0-9]|[1-9][0-9][0-9]", re.ASCII)
_REFERENCE = re.compile(r"[^ ].{1,9}")
_PAYROLL = re.compile(r"[^ ].{0,34}")
_PAYMENT_ID = re.compile(r"[1-9][0-9]{0,37}", re.ASCII)
_UTC = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z", re.ASCII)
_FREQUENCIES = frozenset({"W1", "W2", "W4", "M1", "M3", "M6", "MA", "IO", "IR"})
_LATE = frozenset("ABCDEFGH")
_HOURS = frozenset("ABCDE")

_encode = msgspec.msgpack.Encoder().encode


def payment_id(event: Mapping[str, Any]) -> str:
    """`uniquePaymentId`: a text of up to 38 digits."""
    return _matching(event, "uniquePaymentId", _PAYMENT_ID, 38)


def payment(event: Mapping[str, Any], source: Source, pseudonyms: Pseudonyms) -> PaymentFact:
    """Raises BadField. `received_at` is `apiAvailableTimestamp`; without it the handler puts our own receipt."""
    if event.get("schemaVersion") != SCHEMA:
        raise BadField("schemaVersion")
    record_id = payment_id(event)
    nino = text(event, "nationalInsuranceNumber", 16)
    person = pseudonyms.person(nino)
    if person is None:
        raise BadField("nationalInsuranceNumber")
    employer = f"{_matching(event, 'hmrcOfficeNumber', _OFFICE, 3)}/{_matching(event, 'employerPayeRef', _REFERENCE, 10)}"
    payroll = _matching(event, "payrollId", _PAYROLL, 35) if "payrollId" in event else None
    sequence = whole_number(event, "uniqueEmploymentSequenceNumber", 1, 9999)
    if sequence is None and payroll is None:
        raise BadField("payrollId")
    paid_on = iso_day(event, "paymentDate")
    if paid_on is None:
        raise BadField("paymentDate")
    taxable = pounds_number(event, "taxablePayInPeriod", required=True)
    submitted = _utc(event, "hmrcReceiptTimestamp")
    if submitted is None:
        raise BadField("hmrcReceiptTimestamp")
    available = _utc(event, "apiAvailableTimestamp")
    received = available or submitted
    report = Payment(
        payment_id=record_id,
        employer=employer,
        job=str(sequence) if sequence is not None else str(payroll),
        payroll_id=payroll,
        paid_on=paid_on,
        received_at=received,
        received_on=london_day(received),
        submitted_at=submitted,
        gross=taxable + pounds_number(event, "employeePensionContributions"),
        taxable=taxable,
        year_to_date=pounds_number(event, "taxablePayToDate", required=True),
        frequency=_one_of(event, "payFrequency", _FREQUENCIES) or _missing("payFrequency"),
        source=source,
        periods_covered=whole_number(event, "earningsPeriodsCovered", 1, 99) or 1,
        late_reason=_one_of(event, "latePayeReportingReason", _LATE),
        started_on=iso_day(event, "employmentStartDate"),
        ended_on=iso_day(event, "employmentEndDate"),
        after_leaving=_yes(event, "paymentAfterLeaving"),
        irregular=_yes(event, "irregularPayment"),
        strike_or_absence=_yes(event, "onStrikeWithinPayPeriod") | _yes(event, "unpaidAbsencePayPeriod"),
        hours_band=_one_of(event, "numberOfNormalHoursWorked", _HOURS),
        employer_name=text(event, "employerName1", 28) if event.get("employerName1") is not None else None,
        invalid_from=iso_day(event, "paymentNoLongerValid"),
    )
    return PaymentFact(record_id, person, msgspec.structs.replace(report, content=_content(report)), available is not None)


def _content(report: Payment) -> bytes:
    """Digest of what the report says. Transport times and the mark that it is no longer valid are not part of it."""
    return blake2b(
        _encode(
            (
                report.employer, report.job, report.payroll_id, report.paid_on, report.gross, report.taxable,
                report.year_to_date, report.frequency, report.periods_covered, report.late_reason, report.started_on,
                report.ended_on, report.after_leaving, report.irregular, report.strike_or_absence, report.hours_band,
            )
        ),
        digest_size=16,
    ).digest()  # fmt: skip


def _missing(name: str) -> str:
    raise BadField(name)


def _matching(event: Mapping[str, Any], name: str, pattern: re.Pattern[str], limit: int) -> str:
    value = text(event, name, limit)
    if not pattern.fullmatch(value):
        raise BadField(name)
    return value


def _one_of(event: Mapping[str, Any], name: str, allowed: frozenset[str]) -> str | None:
    value = event.get(name)
    if value is not None and (not isinstance(value, str) or value not in allowed):
        raise BadField(name)
    return value


def _yes(event: Mapping[str, Any], name: str) -> bool:
    return _one_of(event, name, frozenset({"Y"})) == "Y"


def _utc(event: Mapping[str, Any], name: str) -> datetime | None:
    value = event.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not _UTC.fullmatch(value):
        raise BadField(name)
    return instant(value, name)
