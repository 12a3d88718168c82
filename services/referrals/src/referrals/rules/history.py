"""A person's closed assessment periods, oldest first, and what can be concluded from each."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cached_property

import msgspec

from referrals.rules.thresholds import RANK, Status, Thresholds, status_of

NEARBY = "two_wages_nearby"
"""A period that lost its pay to a neighbour with two wages: no conclusion either, but no query of its own."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One employment as known in a period. gross in pence, within the period."""

    employment_id: str
    gross: int
    paydays: int = 0
    frequency: str = "M1"
    started_on: date | None = None
    ended_on: date | None = None


class Ap(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One closed period of one person, by value. Pence; None = not known.

    amount: gross pay used for thresholds (average, else attributed). household: combined amount, own for a single person.
    blocking: codes that withhold the conclusion; partner_withheld: the other person's figure is doubtful.
    carried: known by its conclusion only (from an earlier claim): it compares, but does not count in windows.
    """

    period_id: str
    start: date
    end: date
    version: int = 1
    amount: int | None
    attributed: int | None
    household: int | None
    thresholds: Thresholds | None
    blocking: tuple[str, ...] = ()
    partner_withheld: bool = False
    markers: tuple[str, ...] = ()
    in_work: bool = False
    self_employed: bool = False
    jobs: tuple[Job, ...] = ()
    carried: bool = False

    @property
    def own_known(self) -> bool:
        """The person's own figures are beyond doubt."""
        return self.attributed is not None and not self.blocking

    @cached_property
    def status(self) -> Status | None:
        """The period's conclusion; None = withheld."""
        if self.amount is None or self.household is None or self.thresholds is None:
            return None
        if not self.own_known or self.partner_withheld:
            return None
        return status_of(self.amount, self.household, self.thresholds)

    @property
    def paid(self) -> bool:
        return (self.attributed or 0) > 0

    def open_job(self) -> bool:
        """A job without a leaving date by the period's last day."""
        listed = any(_open(job, self.end) for job in self.jobs)
        return listed or (self.in_work and not self.paid and not self.self_employed)


History = Sequence[Ap]
"""Oldest first; the last one is judged."""


def _open(job: Job, end: date) -> bool:
    started = job.started_on is None or job.started_on <= end
    return started and (job.ended_on is None or job.ended_on > end)


def previous(history: History) -> Ap | None:
    """The last period before the judged one that has a conclusion; withheld ones are passed over."""
    for place in range(len(history) - 2, -1, -1):
        if history[place].status is not None:
            return history[place]
    return None


def previous_own(history: History) -> Ap | None:
    """As `previous`, but for the person's own pay only: a partner's doubtful figure does not matter."""
    return next((ap for ap in reversed(history[:-1]) if ap.own_known), None)


def moved(history: History) -> int:
    """-1, 0, 1: how the status moved against the previous conclusion; 0 also when there is none."""
    now, before = history[-1].status, previous(history)
    if now is None or before is None or before.status is None:
        return 0
    return (RANK[now] > RANK[before.status]) - (RANK[now] < RANK[before.status])


def pay_is_cause(history: History) -> bool:
    """With the previous period's thresholds the status would have changed too."""
    now, before = history[-1], previous(history)
    if before is None or before.thresholds is None or now.amount is None or now.household is None:
        return False
    return status_of(now.amount, now.household, before.thresholds) != before.status


def own_change(history: History) -> int:
    """Own amount less that of the previous conclusion, in pence; 0 when there is none."""
    before = previous(history)
    return 0 if before is None else (history[-1].amount or 0) - (before.amount or 0)


def window(history: History, periods: int) -> Sequence[Ap] | None:
    """The last `periods` periods if they follow each other without a gap and none is carried."""
    last = history[-periods:]
    if len(last) < periods or any(ap.carried for ap in last):
        return None
    joined = all(later.start == earlier.end + timedelta(days=1) for earlier, later in itertools.pairwise(last))
    return last if joined else None


def withhold_neighbours(aps: Sequence[Ap]) -> tuple[Ap, ...]:
    """Two wages of one job in a period leave the period before or after it without pay from that job: withhold those too."""
    result = list(aps)
    for place, ap in enumerate(aps):
        if not is_two_wages(ap):
            continue
        doubled = {job.employment_id for job in _doubled(ap)}
        for other in (place - 1, place + 1):
            if 0 <= other < len(aps) and not aps[other].carried and _lacks(aps[other], doubled):
                blocking = tuple(code for code in result[other].blocking if code != "two_wages")
                if NEARBY not in blocking:
                    result[other] = msgspec.structs.replace(result[other], blocking=(*blocking, NEARBY))
    return tuple(result)


def is_two_wages(ap: Ap) -> bool:
    """This period itself holds two wages (not only a neighbour of one that does)."""
    return "two_wages" in ap.blocking and bool(_doubled(ap))


def _doubled(ap: Ap) -> list[Job]:
    return [job for job in ap.jobs if job.frequency == "M1" and job.paydays >= 2]


def _lacks(ap: Ap, employments: set[str]) -> bool:
    paid = {job.employment_id for job in ap.jobs if job.gross}
    return not employments <= paid
