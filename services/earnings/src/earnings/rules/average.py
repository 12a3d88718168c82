"""Averaging of pay that is not monthly (regulation 90(6) of SI 2013/376): over an identifiable cycle or three periods."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

from earnings.rules.books import JobBook
from earnings.rules.calendar import Period
from earnings.rules.employments import Employment
from earnings.rules.policy import Policy


def half_up(amount: Fraction) -> int:
    """Nearest penny, halves away from nil."""
    doubled = abs(amount) * 2
    whole = (doubled.numerator // doubled.denominator + 1) // 2
    return whole if amount >= 0 else -whole


def expected_paydays(first: date, every_days: int, start: date, end: date) -> int:
    """Regular paydays from `first` on that lie in [start, end]. A payday without pay still counts."""
    step = timedelta(days=every_days)
    begin = max(start, first)
    skipped = -((first - begin) // step)
    payday = first + step * skipped
    return 0 if payday > end else (end - payday) // step + 1


def is_averaged(job: Employment, period: Period, policy: Policy) -> bool:
    """Monthly pay is not averaged, nor a job that has ended by the period's last day: its own total counts."""
    if not job.open_at(period.end):
        return False
    frequency = job.frequency(period.end)
    return frequency in policy.paydays_a_year or frequency in policy.irregular_frequencies


class Share(NamedTuple):
    """How one job enters a period's monthly average. amount: pence a month, not rounded.

    total: attributed pence of the period, or since `since`, first day of the look-back, if the job is averaged. over: what
    the total is shared over: regular paydays since then, or periods if the pay has no regular pattern; 0 for none.
    paydays_a_year: None if the pay has no regular pattern.
    """

    job: Employment
    amount: Fraction
    total: int
    since: date | None = None
    over: int = 0
    paydays_a_year: int | None = None


def _share(job: Employment, periods: Sequence[Period], totals: Sequence[int], policy: Policy) -> Share:
    """totals: the job's attributed pence in each of `periods`, the look-back that ends with the period in question."""
    frequency = job.frequency(periods[-1].end)
    if frequency in policy.irregular_frequencies:
        known = [(period, total) for period, total in zip(periods, totals, strict=True) if period.end >= job.known_from]
        total = sum(pence for _, pence in known)
        return Share(job, Fraction(total, len(known)), total, known[0][0].start, len(known))
    paydays = expected_paydays(job.first_payday, policy.payday_every_days[frequency], periods[0].start, periods[-1].end)
    if paydays == 0:
        return Share(job, Fraction(totals[-1]), totals[-1])
    a_year = policy.paydays_a_year[frequency]
    return Share(job, Fraction(sum(totals) * a_year, paydays * 12), sum(totals), periods[0].start, paydays, a_year)


def shares(books: Sequence[JobBook], periods: Sequence[Period], index: int, policy: Policy) -> list[Share]:
    """Each job of the period on its own; empty when none of them is averaged."""
    period = periods[index]
    live = [book for book in books if book.job.known_from <= period.end]
    if not any(is_averaged(book.job, period, policy) for book in live):
        return []
    first = max(0, index - policy.lookback_periods + 1)
    found = []
    for book in live:
        if is_averaged(book.job, period, policy):
            totals = [book.total(position) for position in range(first, index + 1)]
            found.append(_share(book.job, periods[first : index + 1], totals, policy))
        else:
            found.append(Share(book.job, Fraction(book.total(index)), book.total(index)))
    return found


def average(books: Sequence[JobBook], periods: Sequence[Period], index: int, policy: Policy) -> int | None:
    """Gross monthly average in pence, each job on its own, then added; None when no job of this period is averaged."""
    found = shares(books, periods, index, policy)
    return max(0, half_up(sum((share.amount for share in found), Fraction(0)))) if found else None
