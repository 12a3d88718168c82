"""Figures in words that a Work Coach can read out. Nothing is decided here: the words say what the other rules did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from earnings.model import Payment
from earnings.rules.attribution import Placed
from earnings.rules.average import Share
from earnings.rules.employments import YtdCheck

WHY = {
    "closed": "because the period had ended",
    "statement": "because a statement came, changed or was withdrawn",
    "late_payment": "because another payment was reported",
    "correction": "because an employer corrected a report",
    "invalidation": "because HMRC no longer links a payment to the job",
    "determination": "because somebody decided on a payment, a query or a dispute",
    "identity": "because the people on the claim, or who they are, changed",
    "boundary": "because the dates of the period changed",
}
"""Cause of an assessment → words."""

MARKERS = {
    "payment_conflict": "Two reports have one number and differ; the first counts until somebody finds out which is right.",
    "duplicate_employment": "Two jobs of one employer report the same pay; it may be one job counted twice.",
    "two_wages": "Two monthly wages fall into one assessment period; one may belong to the next.",
    "several_periods": "A report covers more than one pay period; it is not a rise.",
    "payday_overdue": "A regular payday has passed and no pay was reported; nil may be wrong.",
    "ytd_mismatch": "A year-to-date figure does not fit the reports before it.",
    "negative_total": "The reports add up to less than nil; nil counts.",
    "late": "A report came later than its payday.",
    "no_statement": "No statement of this period is known.",
    "statement_disagrees": "The statement's net pay does not fit what employers reported.",
    "irregular": "Pay has no regular pattern.",
    "self_employed": "The claim has self-employed earnings, which HMRC's reports do not show.",
    "strike_or_absence": "A report says that there was a strike or unpaid absence.",
    "surplus": "Earnings of an earlier period are carried over; they are not a rise.",
    "disputed": "The claimant disputes the earnings of this period.",
    "reallocation_open": "A decision maker may move one of the two wages (regulation 61(6)).",
}
"""Quality marker → words."""


def money(pence: int) -> str:
    """Pounds as people read them: £1,050.00."""
    return f"{'-' if pence < 0 else ''}£{abs(pence) // 100:,}.{abs(pence) % 100:02d}"


def day(when: date) -> str:
    """8 June 2026."""
    return f"{when.day} {when:%B %Y}"


def of_payment(payment: Payment, placed: Placed | None, period: tuple[date, date] | None, check: YtdCheck | None) -> list[str]:
    """Sentences about one report. placed, period: None when it lies in no assessment period of a known claim."""
    employer = payment.employer_name or "an employer"
    said = [
        f"{money(payment.gross)} gross from {employer}, paid on {day(payment.paid_on)},"
        f" reported to us on {day(payment.received_on)}."
    ]
    if placed is None or period is None:
        said.append("It counts nowhere: no assessment period of a known claim holds its date.")
    else:
        said.append(placed.reason)
        if placed.counts:
            said.append(f"{money(placed.amount)} of it counts in the period from {day(period[0])} to {day(period[1])}.")
        else:
            said.append("Nothing of it counts any more.")
    if payment.conflict:
        said.append("Another report with the same number says something else; this one came first and stays.")
    if check is not None and not check.matches:
        said.append(f"By the year-to-date figures it would have been {money(check.implied)}, not {money(check.reported)}.")
    return said


def of_share(share: Share) -> str:
    """How one job enters the monthly average."""
    name = share.job.employer_name or "A job"
    if share.since is None:
        return f"{name} enters with its {money(share.total)} of this period: it is paid monthly, has ended or had no payday yet."
    paid = f"{name} enters with {money(share.total)} since {day(share.since)},"
    if share.paydays_a_year is None:
        return f"{paid} shared over {_count(share.over, 'assessment period')}, because its pay is irregular."
    return f"{paid} shared over {_count(share.over, 'regular payday')}, times {share.paydays_a_year} paydays a year, by 12."


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def of_person(entry: Mapping[str, Any], here: Sequence[Placed], away: Sequence[Placed], shares: Sequence[Share]) -> list[str]:
    """Sentences about a person's entry of a period as it was published.

    here: their reports that have their home there. away: those that a decision moved from there to another period.
    """
    gross, attributed = entry["gross_pence"], entry["attributed_pence"]
    if gross is None:
        said = ["What was earned is not known: without a National Insurance number HMRC's reports reach nobody."]
    elif entry["indicative"]:
        source = "was self-reported" if entry["basis"] == "self_reported" else "the statement shows as net pay"
        said = [f"At least {money(gross)} was earned: that {source}. Gross pay is not known."]
    else:
        said = [
            f"{money(gross)} gross was earned by the general rule: taxable pay and pension contributions as reported to HMRC."
        ]
        if attributed != max(0, gross):
            said.append(f"{money(attributed)} counts, after decisions on single payments.")
    for item in here:
        counts = "" if item.amount == item.payment.gross else f" {money(item.amount)} of it counts."
        said.append(f"{_reported(item)}: {item.reason}{counts}")
    said += [f"{_reported(item)}, does not count here: {item.reason}" for item in away]
    average = entry["gross_monthly_average_pence"]
    if average is not None:
        said.append(f"Compared with thresholds is the monthly average, {money(average)} (regulation 90(6)).")
        said += [of_share(share) for share in shares]
    if entry["net_pence"] is not None:
        said.append(f"The statement shows {money(entry['net_pence'])} net; that figure is for the award, not for thresholds.")
    return [*said, *(MARKERS[marker] for marker in entry["quality"])]


def _reported(item: Placed) -> str:
    payment = item.payment
    return f"{money(payment.gross)}, paid on {day(payment.paid_on)} and reported to us on {day(payment.received_on)}"


def of_period(
    start: date,
    end: date,
    *,
    explicit: bool,
    closed: bool,
    versions: Sequence[tuple[int, str, date]],
    cycle: date | None = None,
) -> list[str]:
    """Sentences about a period: its dates, whether it has ended, and each assessment (version, cause, day). cycle: the
    entitlement date determined first, where its cycle is kept."""
    source = "projected from the entitlement date by regulation 21"
    if cycle is not None:
        source += f", on the cycle of the one determined first, {day(cycle)} (regulation 21A)"
    if explicit:
        source = "a statement gave these dates"
    said = [f"The assessment period runs from {day(start)} to {day(end)}: {source}."]
    if not closed:
        said.append("It has not ended; its figures are of today.")
    said += [f"Assessed on {day(on)} (version {version}) {WHY[why]}." for version, why, on in versions]
    return said
