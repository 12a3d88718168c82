"""What changed about single payments and jobs since it was last published."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from contracts.earnings import EmploymentEnded, EmploymentStarted, PaymentAttributed, PaymentInvalidated
from contracts.ids import employer_id, employment_id, period_id
from earnings.model import Attributed, Claim, JobSeen
from earnings.rules.attribution import Placed
from earnings.rules.books import Books
from earnings.rules.calendar import Period
from earnings.rules.employments import Employment

LEFT = "not_of_this_claim"
"""The rule of a payment that was published under this claim and no longer belongs to anybody on it."""


def payment_events(
    claim_id: str, claim: Claim, all_books: Sequence[Books], periods: Sequence[Period]
) -> tuple[dict[str, Attributed], dict[str, JobSeen], list[msgspec.Struct]]:
    """What is published about payments and jobs from now on, and the events that say so."""
    attributed, jobs = dict(claim.attributed), dict(claim.jobs)
    events: list[msgspec.Struct] = []
    for books in all_books:
        claimant = books.member.claimant_id
        for book in books.jobs:
            if books.member.until is None or book.job.known_from < books.member.until:
                _job_events(claim_id, claimant, book.job, jobs, events)
        for payment_id, (index, item) in books.homes.items():
            before = attributed.get(payment_id)
            after = _now(claimant, periods[index], item, before)
            if after != before:
                attributed[payment_id] = after
                events.append(_payment_event(claim_id, claimant, item, after))
    present = {payment_id for books in all_books for payment_id in books.homes}
    for payment_id in sorted(attributed.keys() - present):
        before = attributed[payment_id]
        if before.rule == LEFT:
            continue
        attributed[payment_id] = Attributed(before.start, 0, LEFT, before.version + 1, True, before.claimant_id)
        if not before.invalid:
            person = before.claimant_id
            events.append(PaymentInvalidated(claim_id=claim_id, claimant_id=person, payment_id=payment_id, cause=LEFT))
    return attributed, jobs, events


def _now(claimant: str, period: Period, item: Placed, before: Attributed | None) -> Attributed:
    now = Attributed(period.start, item.amount, item.rule, 1, item.rule == "no_longer_valid", claimant)
    if before is None:
        return now
    now = msgspec.structs.replace(now, version=before.version)
    return now if now == before else msgspec.structs.replace(now, version=before.version + 1)


def _payment_event(claim_id: str, claimant: str, item: Placed, now: Attributed) -> msgspec.Struct:
    payment = item.payment
    if now.invalid:
        return PaymentInvalidated(claim_id=claim_id, claimant_id=claimant, payment_id=payment.payment_id, cause="no_longer_valid")
    employer = employer_id(payment.employer)
    return PaymentAttributed(
        claim_id=claim_id,
        claimant_id=claimant,
        payment_id=payment.payment_id,
        employment_id=employment_id(claimant, employer, payment.job),
        employer_id=employer,
        gross_pence=item.amount,
        payment_date=payment.paid_on,
        received_at=payment.received_at,
        period_id=period_id(claim_id, now.start),
        rule=item.rule,
        reason=item.reason,
        version=now.version,
    )


def _job_events(claim_id: str, claimant: str, job: Employment, jobs: dict[str, JobSeen], events: list[msgspec.Struct]) -> None:
    employer = employer_id(job.employer)
    key = employment_id(claimant, employer, job.job)
    before = jobs.get(key)
    started = job.started_on or job.known_from
    now = JobSeen(claimant, started, job.ended_on)
    if now == before:
        return
    jobs[key] = now
    reopened = before is not None and before.ended_on is not None and job.ended_on is None
    if before is None or before.started_on != started or reopened:
        events.append(
            EmploymentStarted(
                claim_id=claim_id,
                claimant_id=claimant,
                employment_id=key,
                employer_id=employer,
                employer_name=job.employer_name,
                started_on=started,
                frequency=job.frequencies[-1][1],
            )
        )
    if job.ended_on is not None and (before is None or before.ended_on != job.ended_on):
        events.append(
            EmploymentEnded(
                claim_id=claim_id, claimant_id=claimant, employment_id=key, employer_id=employer, ended_on=job.ended_on
            )
        )
