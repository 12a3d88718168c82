"""What each person was really paid in each assessment period, and whether anything can be concluded from it.

Built from payslips (latent) and the day an employer first reported them: by regulation 61 pay counts in the period in
which it was paid or reported, whichever is later. What a report *said* plays no part, only when it came.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Literal

from world.model import Claim, Job, Payslip, Report, World
from world.pay import PAYDAYS_A_YEAR, STEP_DAYS, half_up
from world.periods import Period, add_months, closed_by

LOOK_BACK = 3
"""Assessment periods over which pay that is not monthly is averaged (reg 90(6): three months where it fluctuates)."""
GIVE_UP_DAYS = 62
"""A payday overdue longer than this is taken as no pay."""

Withheld = Literal["two_wages", "several_periods", "payday_overdue", "payment_conflict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPay:
    """One job in one period: pay really received, and the monthly amount it stands for (pence)."""

    job_id: str
    pay_pence: int
    amount_pence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TruePeriod:
    """One person in one period. open_job: some job was held on a day of it. withheld: why nothing can be concluded.

    moved: pay of a payday in it counts in another period, or the other way round, because it was reported late.
    """

    period: Period
    jobs: tuple[JobPay, ...]
    open_job: bool
    strike: bool
    withheld: Withheld | None
    moved: bool = False

    @property
    def pay_pence(self) -> int:
        """True pay of the period."""
        return sum(job.pay_pence for job in self.jobs)

    @property
    def amount_pence(self) -> int:
        """The monthly amount that thresholds look at."""
        return sum(job.amount_pence for job in self.jobs)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A person's payslips with the day each one counts."""

    slip: Payslip
    counts_on: date
    conflict: bool


def evidence_of(slips: Mapping[str, Payslip], reports: Sequence[Report], jobs: Mapping[str, Job]) -> dict[str, list[Evidence]]:
    """Job id → its real payslips by the day they count. Slips that no report was made of do not count."""
    first: dict[str, date] = {}
    conflicts: set[str] = set()
    for report in reports:
        if report.kind == "original":
            first[report.slip_id] = report.on
        if report.kind == "conflict":
            conflicts.add(report.slip_id)
    found: dict[str, list[Evidence]] = defaultdict(list)
    for slip in slips.values():
        if slip.slip_id in first and jobs[slip.job_id].real:
            counts_on = max(slip.payday, first[slip.slip_id])
            found[slip.job_id].append(Evidence(slip, counts_on, slip.slip_id in conflicts))
    for evidence in found.values():
        evidence.sort(key=lambda item: item.slip.payday)
    return found


def periods_of(claim: Claim, last_day: date) -> list[Period]:
    """Periods of the claim that are closed on `last_day`; none that ends after the claim closed."""
    periods = closed_by(claim.entitlement, last_day)
    if claim.closed_on is not None:
        periods = [period for period in periods if period.end <= claim.closed_on]
    return periods


def true_periods(jobs: Sequence[Job], evidence: Mapping[str, list[Evidence]], periods: list[Period]) -> list[TruePeriod]:
    """One person's jobs over a claim's periods, in order."""
    withheld = _withheld(jobs, evidence, periods)
    result = []
    for index, period in enumerate(periods):
        window = periods[max(0, index - LOOK_BACK + 1) : index + 1]
        pay = tuple(
            JobPay(job_id=job.job_id, pay_pence=_total(evidence[job.job_id], period), amount_pence=_amount(job, evidence, window))
            for job in jobs
            if job.real and job.job_id in evidence
        )
        held = any(j.real and j.started_on <= period.end and (j.ended_on is None or j.ended_on >= period.start) for j in jobs)
        inside = [item.slip for job in pay for item in evidence[job.job_id] if period.holds(item.counts_on)]
        strike = any(slip.strike or slip.absence for slip in inside)
        known = [item for job in pay for item in evidence[job.job_id]]
        moved = any(period.holds(item.slip.payday) != period.holds(item.counts_on) for item in known)
        result.append(
            TruePeriod(period=period, jobs=pay, open_job=held, strike=strike, withheld=withheld.get(index), moved=moved)
        )
    return result


def _total(evidence: list[Evidence], period: Period) -> int:
    return sum(item.slip.gross_pence for item in evidence if period.holds(item.counts_on))


def _amount(job: Job, evidence: Mapping[str, list[Evidence]], window: list[Period]) -> int:
    """Monthly amount of one job at the end of the window's last period."""
    own = evidence[job.job_id]
    last = window[-1]
    ended = job.ended_on is not None and job.ended_on <= last.end
    if job.frequency == "M1" or ended:
        return _total(own, last)
    if job.frequency == "IR":
        return half_up(Fraction(sum(_total(own, period) for period in window), len(window)))
    expected = _expected_paydays(own[0].slip.payday, STEP_DAYS[job.frequency], Period(window[0].start, last.end))
    if not expected:
        return 0
    paid = sum(_total(own, period) for period in window)
    return half_up(Fraction(paid * PAYDAYS_A_YEAR[job.frequency], expected * 12))


def _expected_paydays(first: date, step: int, window: Period) -> int:
    """Regular paydays from the first one on that lie in the window."""
    if first > window.end:
        return 0
    upto_end = (window.end - first).days // step + 1
    before = 0 if first >= window.start else ((window.start - first).days - 1) // step + 1
    return upto_end - before


def _withheld(jobs: Sequence[Job], evidence: Mapping[str, list[Evidence]], periods: list[Period]) -> dict[int, Withheld]:
    found: dict[int, Withheld] = {}
    for job in jobs:
        own = evidence.get(job.job_id, [])
        if not job.real or not own:
            continue
        for index, period in enumerate(periods):
            inside = [item for item in own if period.holds(item.counts_on)]
            paid = sorted(item.slip.gross_pence for item in inside if item.slip.gross_pence > 0)
            if job.frequency == "M1" and len(paid) == 2 and 2 * paid[0] >= paid[1]:
                found[index] = "two_wages"
                for other in (index - 1, index + 1):
                    if 0 <= other < len(periods) and not _total(own, periods[other]):
                        found.setdefault(other, "two_wages")
            if any(item.slip.periods_covered > 1 for item in inside):
                found[index] = "several_periods"
            if any(item.conflict for item in inside):
                found[index] = "payment_conflict"
            if not inside and _overdue(job, own, period):
                found.setdefault(index, "payday_overdue")
    return found


def _overdue(job: Job, own: list[Evidence], period: Period) -> bool:
    """A regular payday of an open job has passed without pay."""
    earlier = [item.slip.payday for item in own if item.counts_on < period.start]
    if not earlier or job.frequency == "IR" or (job.ended_on is not None and job.ended_on <= period.end):
        return False
    due = add_months(earlier[-1], 1) if job.frequency == "M1" else earlier[-1] + timedelta(days=STEP_DAYS[job.frequency])
    return due <= period.end <= due + timedelta(days=GIVE_UP_DAYS)


def world_evidence(world: World) -> dict[str, list[Evidence]]:
    """`evidence_of` the whole world."""
    return evidence_of(world.slips, world.reports, world.jobs)
