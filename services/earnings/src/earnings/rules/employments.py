"""Jobs as the payment reports show them: start, leaving date, frequency, paydays, year-to-date chain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from earnings.model import Payment
from earnings.rules.attribution import Placed
from earnings.rules.calendar import add_months, tax_year
from earnings.rules.policy import Policy


class Employment(NamedTuple):
    """One person's job with one payroll scheme.

    known_from: the reported start, or the first payday. frequencies: (payday, frequency) where it changed.
    placed: its payments in order of payday, all of them.
    """

    employer: str
    job: str
    known_from: date
    started_on: date | None
    ended_on: date | None
    first_payday: date
    frequencies: tuple[tuple[date, str], ...]
    employer_name: str | None
    placed: tuple[Placed, ...]

    def frequency(self, day: date) -> str:
        """How often the job paid by this day, as its newest report by then says."""
        return next((frequency for since, frequency in reversed(self.frequencies) if since <= day), self.frequencies[0][1])

    def open_at(self, day: date) -> bool:
        """Known to have begun, and not known to have ended, by this day."""
        return self.known_from <= day and (self.ended_on is None or self.ended_on > day)


def employments(placed: Iterable[Placed]) -> list[Employment]:
    """Jobs in order of first appearance. Reports that no longer count say nothing about a job, unless there is nothing else."""
    groups: dict[tuple[str, str], list[Placed]] = {}
    for item in placed:
        groups.setdefault((item.payment.employer, item.payment.job), []).append(item)
    found = [_employment(employer, job, items) for (employer, job), items in groups.items()]
    found.sort(key=lambda job: (job.known_from, job.employer, job.job))
    return found


def _by_payday(item: Placed) -> tuple[date, object, str]:
    return item.payment.paid_on, item.payment.submitted_at, item.payment.payment_id


def _employment(employer: str, job: str, items: list[Placed]) -> Employment:
    items.sort(key=_by_payday)
    speaking = [item.payment for item in items if item.counts] or [item.payment for item in items]
    started = [payment.started_on for payment in speaking if payment.started_on is not None]
    first_payday = speaking[0].paid_on
    started_on = started[-1] if started else None
    names = [payment.employer_name for payment in speaking if payment.employer_name]
    return Employment(
        employer=employer,
        job=job,
        known_from=first_payday if started_on is None else min(started_on, first_payday),
        started_on=started_on,
        ended_on=_leaving_date(speaking),
        first_payday=first_payday,
        frequencies=tuple(
            (payment.paid_on, payment.frequency)
            for before, payment in zip([None, *speaking], speaking, strict=False)
            if before is None or before.frequency != payment.frequency
        ),
        employer_name=names[-1] if names else None,
        placed=tuple(items),
    )


def _leaving_date(payments: Sequence[Payment]) -> date | None:
    """The newest reported leaving date. Pay marked *after leaving* does not reopen the job; ordinary later pay does."""
    ended: date | None = None
    for payment in payments:
        if payment.ended_on is not None:
            ended = payment.ended_on
        elif ended is not None and not payment.after_leaving and payment.paid_on > ended:
            ended = None
    return ended


def next_payday(job: Employment, last: date, policy: Policy) -> date | None:
    """The regular payday after `last`; None for patterns without a fixed interval."""
    frequency = job.frequency(last)
    days = policy.payday_every_days.get(frequency)
    if days is not None:
        return last + timedelta(days=days)
    return add_months(last, 1) if frequency == "M1" else None


class YtdCheck(NamedTuple):
    """Reported year-to-date against the chain: implied = year-to-date less the previous one. Pence."""

    payment_id: str
    previous: int
    implied: int
    reported: int

    @property
    def matches(self) -> bool:
        """Whether the amount reported for the period is what the year-to-date figures imply."""
        return self.implied == self.reported


def ytd_checks(job: Employment) -> list[YtdCheck]:
    """Year-to-date checks in order of payday, tax year by tax year (6 April to 5 April by payment date).

    A first report in the middle of a year whose figure does not begin there is skipped: earlier pay was not seen.
    """
    checks: list[YtdCheck] = []
    previous: tuple[int, int] | None = None
    for item in job.placed:
        payment = item.payment
        if not item.counts or payment.year_to_date is None:
            continue
        year = tax_year(payment.paid_on)
        if previous is not None:
            before = previous[1] if previous[0] == year else 0
            checks.append(YtdCheck(payment.payment_id, before, payment.year_to_date - before, payment.taxable))
        elif payment.year_to_date == payment.taxable:
            checks.append(YtdCheck(payment.payment_id, 0, payment.taxable, payment.taxable))
        previous = (year, payment.year_to_date)
    return checks
