"""One claim while it is being made up: mutable, then frozen into facts by `world.generate`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random
from typing import Final

from world.model import Easement, Employer, EventKind, Frequency, Job, LatentEvent, Payslip, Terms
from world.pay import STEP_DAYS, hours_for, monthly_pence, payslips, terms_on
from world.periods import ONE_DAY, Period

PATTERNS: Final[tuple[Frequency, ...]] = ("M1", "W1", "W4", "W2")
PATTERN_WEIGHTS: Final = (62, 16, 11, 11)
FLOOR_RISE: Final = date(2026, 4, 1)


@dataclass(slots=True)
class Misreport:
    """The first report of a payslip says something else; put right on a later day.

    away: the payment was never this person's and is marked as no longer valid, instead of corrected.
    """

    first_pence: int
    put_right_on: date
    away: bool = False


@dataclass(slots=True)
class DraftJob:
    """A job being made up. `base` holds the agreed terms; `job` adds the rise of the wage floor where it bites."""

    draft: Draft
    base: Job
    changes: list[LatentEvent] = field(default_factory=list)

    @property
    def job(self) -> Job:
        """The job as it really is."""
        floor = self._floored()
        if floor is None:
            return self.base
        terms = sorted((*self.base.terms, floor), key=lambda t: t.since)
        return replace(self.base, terms=tuple(terms))

    @property
    def events(self) -> list[LatentEvent]:
        """What really happened to this job, in order of days."""
        floor = self._floored()
        if floor is None:
            return self.changes
        before = monthly_pence(terms_on(self.base, FLOOR_RISE))
        rise = self._event(0, FLOOR_RISE, "wage_floor_rise", before, monthly_pence(floor))
        return sorted([*self.changes, rise], key=lambda event: event.day)

    def _floored(self) -> Terms | None:
        """The terms that the rise of the wage floor forces on 1 April, if any."""
        base = self.base
        agreed = terms_on(base, FLOOR_RISE)
        ended = base.ended_on is not None and base.ended_on < FLOOR_RISE
        if base.started_on >= FLOOR_RISE or ended or agreed.wage_pence >= 1271 or self.draft.end < FLOOR_RISE:
            return None
        return replace(agreed, since=FLOOR_RISE, wage_pence=1271)

    def _event(self, number: int, day: date, kind: EventKind, before: int, after: int) -> LatentEvent:
        return LatentEvent(
            event_id=f"{self.base.job_id}-{number}",
            person_id=self.base.person_id,
            job_id=self.base.job_id,
            day=day,
            kind=kind,
            before_pence=before,
            after_pence=after,
        )

    def event(self, day: date, kind: EventKind, before: int, after: int) -> None:
        """Something really happened to this job."""
        self.changes.append(self._event(len(self.changes) + 1, day, kind, before, after))

    def change(self, day: date, *, monthly: int, kind: EventKind) -> None:
        """From `day` on it pays about `monthly` pence: other hours, or for a raise another wage."""
        now = terms_on(self.job, day)
        if kind == "raise":
            terms = replace(now, since=day, wage_pence=round(now.wage_pence * monthly / monthly_pence(now)))
        else:
            terms = replace(now, since=day, hours_x100=hours_for(monthly, max(now.wage_pence, 1271)))
        kept = [t for t in self.base.terms if t.since < day]
        self.base = replace(self.base, terms=(*kept, terms))
        self.event(day, kind, monthly_pence(now), monthly_pence(terms))

    def end(self, day: date) -> None:
        """Last day of the job."""
        self.base = replace(self.base, ended_on=day)
        self.event(day, "job_end", monthly_pence(terms_on(self.job, day)), 0)

    def slips(self) -> list[Payslip]:
        """Payslips as they stand now, within the play."""
        return payslips(self.job, max(self.draft.entitlement, self.job.started_on), self.draft.end)

    def slip(self, period: Period) -> Payslip:
        """The last payslip with its payday in the period."""
        return [slip for slip in self.slips() if period.holds(slip.payday)][-1]

    def month_before(self, period: Period) -> date:
        """First day of work that the period's (monthly) payslip pays for."""
        if not isinstance(self.job.payday, int):
            return period.start
        previous = [slip.payday for slip in payslips(self.job, date(2000, 1, 1), self.slip(period).payday)]
        return previous[-2] + ONE_DAY if len(previous) > 1 else self.job.started_on


@dataclass(slots=True)
class DraftPerson:
    """A person being made up."""

    person_id: str
    story: str = ""
    jobs: list[DraftJob] = field(default_factory=list)
    easements: list[Easement] = field(default_factory=list)
    self_employed_pence: int = 0
    hours: int | None = None
    young: bool = False
    legal_group: str = "all_requirements"
    died_on: date | None = None
    death_known_on: date | None = None
    nino_known_on: date | None = None


@dataclass(slots=True)
class Draft:
    """A claim, its people and what employers report about them.

    periods: the claim's periods whose conclusions fall inside the play. misreports, late, conflicts, replaced: by slip id.
    """

    rng: Random
    claim_id: str
    entitlement: date
    end: date
    periods: list[Period]
    employers: tuple[Employer, ...]
    next_job: Callable[[], int]
    people: list[DraftPerson] = field(default_factory=list)
    misreports: dict[str, Misreport] = field(default_factory=dict)
    late: dict[str, date] = field(default_factory=dict)
    conflicts: dict[str, int] = field(default_factory=dict)
    replaced: dict[str, Payslip | None] = field(default_factory=dict)
    closed_on: date | None = None
    suspended: tuple[date, date | None] | None = None

    def events(self) -> list[LatentEvent]:
        """Everything that happened to anybody's job on this claim."""
        return [event for person in self.people for job in person.jobs for event in job.events]

    def pattern(self) -> Frequency:
        """A pay pattern, monthly more often than not."""
        return self.rng.choices(PATTERNS, PATTERN_WEIGHTS)[0]

    def wage(self) -> int:
        """Pence an hour: one job in four at the wage floor of March, the others above the new one."""
        return 1221 if self.rng.random() < 0.25 else self.rng.randint(1275, 1650)

    def hire(
        self,
        person: DraftPerson,
        monthly: int,
        *,
        frequency: Frequency | None = None,
        started_on: date | None = None,
        wage: int | None = None,
        real: bool = True,
    ) -> DraftJob:
        """A job that pays about `monthly` pence a month (after the April rise of the wage floor). started_on None: long ago."""
        rng, number = self.rng, self.next_job()
        pay = wage if wage is not None else self.wage()
        frequency = frequency or self.pattern()
        since = started_on or self.entitlement - timedelta(days=rng.randint(120, 900))
        if since >= FLOOR_RISE:
            pay = max(pay, 1271)
        terms = (Terms(since=since, hours_x100=hours_for(monthly, max(pay, 1271)), wage_pence=pay),)
        job = Job(
            job_id=f"J{number:05d}",
            person_id=person.person_id,
            employer=rng.choice(self.employers).paye_reference,
            payroll_id=f"{rng.randint(1, 9999):04d}" if rng.random() < 0.8 else f"EMP/{number}",
            sequence=rng.randint(1, 40) if rng.random() < 0.6 else None,
            frequency=frequency,
            started_on=since,
            ended_on=None,
            payday=self._payday(frequency, started_on),
            terms=terms,
            pension_percent=5 if rng.random() < 0.2 else 0,
            real=real,
        )
        draft = DraftJob(self, job)
        if started_on is not None and real:
            draft.event(started_on, "job_start", 0, monthly_pence(terms[0]))
        person.jobs.append(draft)
        return draft

    def start_day(self, period: Period, days_before_pay: int) -> date:
        """A first working day early in the period, so that the first pay falls in the same period."""
        return period.start + timedelta(days=self.rng.randint(1, max(1, 12 - days_before_pay)))

    def _payday(self, frequency: Frequency, started_on: date | None) -> int | date:
        """Monthly: a day of the month well inside every period. Else the first payday, soon after the start."""
        rng = self.rng
        if frequency in ("M1", "IR"):
            return rng.choice([day for day in range(1, 27) if self._inside(day)])
        step = STEP_DAYS[frequency]
        if started_on is not None:
            return started_on + timedelta(days=rng.randint(5, min(step, 13)))
        return self.entitlement + timedelta(days=rng.randint(0, step - 1))

    def _inside(self, day: int) -> bool:
        """Whether that day of the month is always at least four days from either end of a period."""
        margin = timedelta(days=4)
        for period in self.periods:
            hits = [
                d
                for d in (date(period.start.year, period.start.month, day), date(period.end.year, period.end.month, day))
                if period.holds(d)
            ]
            if len(set(hits)) != 1 or not period.start + margin <= hits[0] <= period.end - margin:
                return False
            # The first pay of a job that starts in the period comes late enough for some days of work.
            if (hits[0] - period.start).days < 14:
                return False
        return True
