"""What a person earned in a period: gross for thresholds, average, basis, jobs, quality."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from contracts.earnings import PeriodClaimant, PeriodEmployment
from contracts.ids import employer_id, employment_id
from contracts.vocabulary import EarningsBasis, Marker
from earnings.model import Statement
from earnings.rules.average import average
from earnings.rules.books import Books, JobBook
from earnings.rules.calendar import Period
from earnings.rules.policy import Policy

MARKER_ORDER = {marker: position for position, marker in enumerate(get_args(Marker))}
PATTERNS = {"M1": "monthly", "W4": "four_weekly", "W2": "fortnightly", "W1": "weekly"}


def in_order(markers: set[str]) -> tuple[str, ...]:
    """Markers in the vocabulary's order, so that equal sets give equal events."""
    return tuple(sorted(markers, key=lambda marker: (MARKER_ORDER.get(marker, len(MARKER_ORDER)), marker)))


def _employments(books: Books, period: Period, index: int) -> tuple[PeriodEmployment, ...]:
    claimant = books.member.claimant_id
    rows = []
    for book in books.jobs:
        job = book.job
        if job.known_from > period.end and index not in book.cells:
            continue
        employer = employer_id(job.employer)
        rows.append(
            PeriodEmployment(
                employment_id=employment_id(claimant, employer, job.job),
                employer_id=employer,
                gross_pence=book.total(index),
                paydays=book.paydays(index),
                frequency=job.frequency(period.end),
                started_on=job.started_on,
                ended_on=job.ended_on if job.ended_on is not None and job.ended_on <= period.end else None,
            )
        )
    return tuple(rows)


def _pattern(books: Books, period: Period, index: int) -> str:
    live = [book for book in books.jobs if index in book.cells or book.job.open_at(period.end)]
    patterns = {PATTERNS.get(book.job.frequency(period.end), "irregular") for book in live}
    if any(item.payment.irregular for book in live for item in book.cells.get(index, ())):
        patterns.add("irregular")
    if not patterns:
        return "none"
    return patterns.pop() if len(patterns) == 1 else "mixed"


def _hours_band(jobs: Sequence[JobBook], index: int) -> str | None:
    bands = [
        (item.payment.paid_on, item.payment.payment_id, item.payment.hours_band)
        for book in jobs
        for item in book.cells.get(index, ())
        if item.counts and item.payment.hours_band is not None
    ]
    return max(bands)[2] if bands else None


def _disagree(statement: Statement, household_gross: int) -> bool:
    """The household's net employed pay in the statement cannot come from the gross pay that RTI shows."""
    employed = statement.net if statement.employed is None else statement.employed
    if employed is None:
        return False
    return employed > household_gross or (household_gross > 0 and employed == 0)


def assess(
    books: Books,
    periods: Sequence[Period],
    index: int,
    statement: Statement | None,
    markers: set[str],
    *,
    alone: bool,
    household_gross: int,
    policy: Policy,
) -> PeriodClaimant:
    """One person's entry of a period.

    alone: the only person on the claim, so that the household's statement speaks for them. household_gross: RTI pence of
    everybody on the claim. Without a known NINO nothing is known, except what the statement shows.
    """
    member, period = books.member, periods[index]
    known = member.nino_known
    raw = books.raw.get(index, 0)
    attributed: int | None = max(0, sum(book.total(index) for book in books.jobs)) if known else None
    gross: int | None = raw if known else None
    basis: EarningsBasis = "rti_gross" if any(index in book.cells for book in books.jobs) else "none"
    indicative = False
    net = statement.net if statement is not None and alone else None
    if statement is not None:
        if _disagree(statement, household_gross):
            markers.add("statement_disagrees")
        if statement.self_employed:
            markers.add("self_employed")
        if basis == "none" and alone:
            lower = statement.self_reported or statement.employed or None
            if lower is not None:
                basis = "self_reported" if statement.self_reported else "statement_net"
                gross = attributed = lower
                indicative = True
    else:
        markers.add("no_statement")
    jobs = _employments(books, period, index)
    return PeriodClaimant(
        claimant_id=member.claimant_id,
        in_work=bool(attributed) or any(book.job.open_at(period.end) for book in books.jobs) or "self_employed" in markers,
        gross_pence=gross,
        attributed_pence=attributed,
        net_pence=net,
        gross_monthly_average_pence=average(books.jobs, periods, index, policy) if known and not indicative else None,
        basis=basis,
        indicative=indicative,
        pay_pattern=_pattern(books, period, index),
        hours_band=_hours_band(books.jobs, index),
        employments=jobs,
        quality=in_order(markers),
    )
