"""How sure are we? Markers on one person's pay in one period, and the doubts that become earnings queries."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import combinations
from typing import NamedTuple

from earnings.rules.books import Books, JobBook
from earnings.rules.calendar import Period, london_day
from earnings.rules.employments import next_payday, ytd_checks
from earnings.rules.policy import Policy

DECIDED = frozenset({"reallocated", "determined", "disregarded"})


class Doubts(NamedTuple):
    """What the data of one person say against themselves, by period index."""

    causes: dict[int, set[str]]
    markers: dict[int, set[str]]


def two_wages(book: JobBook, index: int, policy: Policy) -> bool:
    """Monthly pay, two positive payments of one job in one period, the smaller at least half the larger, undecided.

    Regulation 61(6) lets a decision maker move one of them; until then nothing is concluded.
    """
    wages = book.wages(index)
    if len(wages) < 2 or any(item.rule in DECIDED for item in wages):
        return False
    if any(item.payment.frequency not in policy.reallocation_frequencies for item in wages):
        return False
    larger, smaller = sorted((item.amount for item in wages), reverse=True)[:2]
    return smaller >= policy.two_wages_share * larger


def payday_overdue(book: JobBook, index: int, period: Period, policy: Policy) -> bool:
    """Nil from an open job whose next regular payday was on or before the period's last day.

    After an early second wage the next payday is the one after it, so the period that follows two wages is not overdue.
    """
    if book.total(index) != 0 or book.wages(index) or not book.job.open_at(period.end):
        return False
    earlier = {item.payment.payment_id for cell, items in book.cells.items() if cell < index for item in items}
    paydays = [
        item.payment.paid_on
        for item in book.job.placed
        if item.counts and (item.payment.payment_id in earlier or item.on < period.start)
    ]
    if not paydays:
        return False
    due = next_payday(book.job, max(paydays), policy)
    if due is None or due > period.end or two_wages(book, index - 1, policy):
        return False
    return (period.end - due).days <= policy.overdue_give_up_days


def duplicate_employments(books: Books, index: int) -> list[tuple[JobBook, JobBook]]:
    """Pairs of jobs at one payroll scheme with the same payday, amount and year-to-date: one job under two payroll ids?"""
    return [
        (first, second)
        for first, second in combinations(books.jobs, 2)
        if first.job.employer == second.job.employer and _reports(first, index) & _reports(second, index)
    ]


def _reports(book: JobBook, index: int) -> set[tuple[object, int, int | None]]:
    return {
        (item.payment.paid_on, item.payment.gross, item.payment.year_to_date)
        for item in book.cells.get(index, ())
        if item.counts and item.payment.gross > 0
    }


def _of_payments(books: Books, mismatched: Collection[str], policy: Policy) -> Iterator[tuple[int, str, bool]]:
    """(index, marker, whether it is a doubt) that single payments give their period."""
    for payment_id, (index, item) in books.homes.items():
        payment = item.payment
        if payment.conflict:
            yield index, "payment_conflict", True
        if payment_id in mismatched:
            yield index, "ytd_mismatch", True
        if not item.counts:
            continue
        if payment.periods_covered > policy.max_periods_covered and item.rule not in DECIDED:
            yield index, "several_periods", True
        if payment.strike_or_absence:
            yield index, "strike_or_absence", False
        if payment.irregular or payment.frequency in policy.irregular_frequencies:
            yield index, "irregular", False
        if payment.late_reason != "H" and london_day(payment.submitted_at) > payment.paid_on:
            yield index, "late", False


def doubts(books: Books, periods: tuple[Period, ...], policy: Policy, settled: Collection[tuple[int, str]]) -> Doubts:
    """Markers by period. settled: (index, cause) that a person has looked at and let stand."""
    causes: dict[int, set[str]] = {}
    markers: dict[int, set[str]] = {}

    def note(index: int, marker: str, doubt: bool) -> None:
        if doubt and (index, marker) in settled:
            return
        markers.setdefault(index, set()).add(marker)
        if doubt:
            causes.setdefault(index, set()).add(marker)

    mismatched = {check.payment_id for book in books.jobs for check in ytd_checks(book.job) if not check.matches}
    for index, marker, doubt in _of_payments(books, mismatched, policy):
        note(index, marker, doubt)
    for index, period in enumerate(periods):
        if books.raw.get(index, 0) < 0:
            note(index, "negative_total", True)
        if len(books.jobs) > 1 and duplicate_employments(books, index):
            note(index, "duplicate_employment", True)
        for book in books.jobs:
            if payday_overdue(book, index, period, policy):
                note(index, "payday_overdue", True)
            if two_wages(book, index, policy) and (index, "two_wages") not in settled:
                note(index, "two_wages", True)
                note(index, "reallocation_open", False)
                for neighbour in (index - 1, index + 1):
                    if 0 <= neighbour < len(periods) and not book.wages(neighbour):
                        markers.setdefault(neighbour, set()).add("two_wages")
    return Doubts(causes, markers)
