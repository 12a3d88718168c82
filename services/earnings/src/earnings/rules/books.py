"""One person's pay, sorted into jobs and periods: the ground on which figures and quality markers stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from earnings.model import Claimant, Determination, Payment
from earnings.rules.attribution import Placed, place
from earnings.rules.calendar import Period, index_of
from earnings.rules.employments import Employment, employments
from earnings.rules.policy import Policy


class Member(NamedTuple):
    """A person on a claim with the pay reported for their NINO.

    until: from this day on their pay counts on a later claim (None: on this one).
    """

    claimant_id: str
    claimant: Claimant | None
    payments: tuple[Payment, ...] = ()
    until: date | None = None

    @property
    def nino_known(self) -> bool:
        """Whether RTI reports can reach this person at all."""
        return self.claimant is not None and self.claimant.person is not None


class JobBook(NamedTuple):
    """A job and what it gave in each period (by index), after decisions."""

    job: Employment
    cells: dict[int, list[Placed]]

    def total(self, index: int) -> int:
        """Attributed pence in this period; may be negative."""
        return sum(item.amount for item in self.cells.get(index, ()))

    def paydays(self, index: int) -> int:
        """Number of days on which counted pay was reported."""
        return len({item.payment.paid_on for item in self.cells.get(index, ()) if item.counts})

    def wages(self, index: int) -> list[Placed]:
        """Counted positive payments."""
        return [item for item in self.cells.get(index, ()) if item.counts and item.amount > 0]


class Books(NamedTuple):
    """One person's books. raw: pence by period before decisions. homes: payment id → (index, placed), index after decisions."""

    member: Member
    jobs: tuple[JobBook, ...]
    raw: dict[int, int]
    homes: dict[str, tuple[int, Placed]]


def keep(member: Member, periods: Sequence[Period], determinations: Iterable[Determination], policy: Policy) -> Books:
    """Place every payment and sort it. Payments outside the periods belong to none of them."""
    placed = place(member.payments, determinations, policy)
    raw: dict[int, int] = {}
    homes: dict[str, tuple[int, Placed]] = {}
    for item in placed:
        if member.until is not None and item.on >= member.until:
            continue
        index = index_of(periods, item.on)
        if index is not None:
            raw[index] = raw.get(index, 0) + item.raw
        if item.moved_to is not None:
            index = index_of(periods, item.moved_to)
        if index is not None:
            homes[item.payment.payment_id] = (index, item)
    jobs = []
    for job in employments(placed):
        cells: dict[int, list[Placed]] = {}
        for item in job.placed:
            home = homes.get(item.payment.payment_id)
            if home is not None:
                cells.setdefault(home[0], []).append(item)
        jobs.append(JobBook(job, cells))
    return Books(member, tuple(jobs), raw, homes)
