"""The common case, judged without the whole timeline: one more ordinary payment of a known job in the running period.

It can change nothing that is closed, so only its place is published. Whatever is less ordinary goes the long way; a
property test proves that both ways end in the same facts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from contracts.earnings import PaymentAttributed
from contracts.ids import employer_id, employment_id, period_id
from earnings.model import Attributed, Claim, JobSeen, Payment
from earnings.rules.attribution import BASIS_RULE, attribution_date
from earnings.rules.calendar import DAY, london_day
from earnings.rules.policy import Policy


def attribute(
    claim_id: str,
    claim: Claim,
    claimant_id: str,
    earlier: Sequence[Payment],
    report: Payment,
    now: datetime,
    policy: Policy,
) -> tuple[Claim, PaymentAttributed] | None:
    """The claim with the payment's place and the event for it; None: this payment needs the long way.

    earlier: the person's other payments.
    """
    running = _running(claim, now)
    if running is None or claim.determinations:
        return None
    if report.late_reason == "H" or report.invalid_from is not None or report.ended_on is not None:
        return None
    start, end = running
    on = attribution_date(report, policy)
    if not (start <= on <= end and start <= report.paid_on <= end) or report.payment_id in claim.attributed:
        return None
    employer = employer_id(report.employer)
    job = employment_id(claimant_id, employer, report.job)
    same_job = [known for known in earlier if known.job == report.job and known.employer == report.employer]
    if not _ordinary(claim.jobs.get(job), same_job, report, start, policy):
        return None
    rule, reason = BASIS_RULE[policy.attribution_basis]
    place = Attributed(start, report.gross, rule, 1, claimant_id=claimant_id)
    event = PaymentAttributed(
        claim_id=claim_id,
        claimant_id=claimant_id,
        payment_id=report.payment_id,
        employment_id=job,
        employer_id=employer,
        gross_pence=report.gross,
        payment_date=report.paid_on,
        received_at=report.received_at,
        period_id=period_id(claim_id, start),
        rule=rule,
        reason=reason,
        version=place.version,
    )
    return msgspec.structs.replace(claim, attributed={**claim.attributed, report.payment_id: place}), event


def _running(claim: Claim, now: datetime) -> tuple[date, date] | None:
    """First and last day of the period in progress, if the claim was judged since the one before it ended."""
    contract = claim.contract
    if contract is None or contract.closed_on is not None or claim.next_change is None or claim.next_change <= now:
        return None
    assessed = [item for item in claim.assessed if not item.gone]
    if not assessed:
        return None if claim.statements else (contract.entitlement, london_day(claim.next_change) - DAY)
    if not assessed[-1].closed:
        return None
    return assessed[-1].end + DAY, london_day(claim.next_change) - DAY


def _ordinary(seen: JobSeen | None, same_job: Sequence[Payment], report: Payment, start: date, policy: Policy) -> bool:
    """The job is known and open, its reports were never changed, and this newest one says nothing new about the job: not
    about its start, and not about two monthly wages in one period, which the period before would show too."""
    if seen is None or seen.ended_on is not None or not same_job:
        return False
    if any(known.late_reason == "H" or known.invalid_from is not None for known in same_job):
        return False
    if report.paid_on <= max(known.paid_on for known in same_job):
        return False
    if report.started_on is not None and any(known.started_on != report.started_on for known in same_job):
        return False
    here = [known for known in same_job if known.gross > 0 and attribution_date(known, policy) >= start]
    return not here or all(known.frequency not in policy.reallocation_frequencies for known in (*here, report))
