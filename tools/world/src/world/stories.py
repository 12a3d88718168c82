"""Working lives of single people: each story is one way in which pay moves, or seems to.

A story says what really happens and how employers report it. It never says what should be noticed: `world.truth` does.
`k` below is the index of the period in which something happens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from world.draft import Draft, DraftJob, DraftPerson, Misreport
from world.periods import Period

Story = Callable[[Draft, DraftPerson], None]


def days(number: int) -> timedelta:
    return timedelta(days=number)


def light_touch(draft: Draft) -> int:
    """A monthly amount above the AET of 991 pounds, every third one less than 50 pounds above."""
    rng = draft.rng
    return rng.randint(993_00, 1038_00) if rng.random() < 0.34 else rng.randint(1045_00, 1700_00)


def low(draft: Draft) -> int:
    """A monthly amount below the AET, every third one less than 50 pounds below."""
    rng = draft.rng
    return rng.randint(944_00, 987_00) if rng.random() < 0.34 else rng.randint(380_00, 930_00)


def some_period(draft: Draft, first: int, *, last: int = 0, avoid: tuple[int, ...] = ()) -> int:
    """Index of a period from `first` on, leaving `last` at the end."""
    choices = [k for k in range(first, len(draft.periods) - last) if k not in avoid]
    return draft.rng.choice(choices or [len(draft.periods) - 1])


def put_right(draft: Draft, period: Period) -> timedelta:
    """Days after the period's end on which a wrong report is corrected: before the due day, just after, or long after."""
    rng = draft.rng
    chosen = rng.choices([rng.randint(2, 5), 8, rng.randint(11, 18)], [60, 28, 12])[0]
    latest = (draft.end - period.end).days - 2
    return days(min(chosen, latest))


def misreport(draft: Draft, job: DraftJob, period: Period, first_pence: int) -> None:
    """The period's payslip is first reported with another amount."""
    slip = job.slip(period)
    draft.misreports[slip.slip_id] = Misreport(first_pence, period.end + put_right(draft, period))


def steady_low(draft: Draft, person: DraftPerson) -> None:
    draft.hire(person, low(draft))


def steady_light_touch(draft: Draft, person: DraftPerson) -> None:
    draft.hire(person, light_touch(draft))


def working_enough(draft: Draft, person: DraftPerson) -> None:
    draft.hire(person, draft.rng.randint(1990_00, 2400_00))


def working_enough_few_hours(draft: Draft, person: DraftPerson) -> None:
    """Few expected hours: enough at a pay that is Light Touch for others."""
    person.hours = draft.rng.choice([16, 20, 25])
    draft.hire(person, draft.rng.randint(1400_00, 1500_00))


def workless(draft: Draft, person: DraftPerson) -> None:
    """Nothing happens."""


def fall(draft: Draft, person: DraftPerson) -> None:
    """Hours are cut; the pay goes below the AET."""
    job = draft.hire(person, light_touch(draft))
    # Not in the fourth or seventh period: contact about standing still would come just before and forbid this one.
    k = some_period(draft, 1, avoid=(3, 6)) if job.job.frequency == "M1" else some_period(draft, 1, last=2)
    period = draft.periods[k]
    day = job.month_before(period)
    if draft.rng.random() < 0.25:
        day += days(draft.rng.randint(3, 12))
    job.change(day, monthly=low(draft), kind="hours_fall")


def fall_reported_late_in_truth(draft: Draft, person: DraftPerson) -> None:
    """Hours are cut, but payroll first reports the old pay and corrects it afterwards."""
    before = light_touch(draft)
    job = draft.hire(person, before, frequency="M1")
    period = draft.periods[some_period(draft, 1, avoid=(3, 6))]
    job.change(job.month_before(period), monthly=low(draft), kind="hours_fall")
    misreport(draft, job, period, before)


def fall_that_never_was(draft: Draft, person: DraftPerson) -> None:
    """Pay stands still; payroll first reports too little and corrects it."""
    job = draft.hire(person, light_touch(draft), frequency="M1")
    misreport(draft, job, draft.periods[some_period(draft, 1, avoid=(3, 6))], draft.rng.randint(500_00, 930_00))


def fall_and_return(draft: Draft, person: DraftPerson) -> None:
    before = light_touch(draft)
    job = draft.hire(person, before, frequency="M1")
    k = some_period(draft, 1, last=2, avoid=(3, 6))
    job.change(job.month_before(draft.periods[k]), monthly=low(draft), kind="hours_fall")
    back = draft.periods[k + draft.rng.randint(1, min(2, len(draft.periods) - 1 - k))]
    job.change(job.month_before(back), monthly=before + draft.rng.randint(0, 40_00), kind="hours_rise")


def rise(draft: Draft, person: DraftPerson) -> None:
    """More hours; the pay goes above the AET."""
    job = draft.hire(person, low(draft))
    k = some_period(draft, 2) if job.job.frequency == "M1" else some_period(draft, 1, last=2)
    job.change(job.month_before(draft.periods[k]), monthly=light_touch(draft), kind="hours_rise")


def rise_reported_late_in_truth(draft: Draft, person: DraftPerson) -> None:
    """More hours, but payroll first reports the old pay and corrects it afterwards."""
    before = low(draft)
    job = draft.hire(person, before, frequency="M1")
    period = draft.periods[some_period(draft, 2)]
    job.change(job.month_before(period), monthly=light_touch(draft), kind="hours_rise")
    misreport(draft, job, period, before)


def rise_that_never_was(draft: Draft, person: DraftPerson) -> None:
    """Pay stands still; payroll first reports too much and corrects it."""
    job = draft.hire(person, low(draft), frequency="M1")
    misreport(draft, job, draft.periods[some_period(draft, 1)], draft.rng.randint(1100_00, 1600_00))


def growth(draft: Draft, person: DraftPerson) -> None:
    """At Light Touch, and it grows: by a raise or by hours, every third time reported late."""
    before = draft.rng.randint(1010_00, 1450_00)
    job = draft.hire(person, before)
    k = some_period(draft, 1)
    day = job.month_before(draft.periods[k])
    after = before * draft.rng.randint(109, 125) // 100
    job.change(day, monthly=after, kind=draft.rng.choice(["raise", "hours_rise"]))


def growth_reported_late(draft: Draft, person: DraftPerson) -> None:
    """Pay grows in the third period, but is first reported as before."""
    before = draft.rng.randint(1010_00, 1450_00)
    job = draft.hire(person, before, frequency="M1", wage=draft.rng.randint(1290, 1500))
    period = draft.periods[2]
    job.change(job.month_before(period), monthly=before * draft.rng.randint(112, 125) // 100, kind="raise")
    misreport(draft, job, period, before)


def growth_that_never_was(draft: Draft, person: DraftPerson) -> None:
    """Pay stands still at Light Touch; in the third period too much is reported first."""
    before = draft.rng.randint(1010_00, 1450_00)
    job = draft.hire(person, before, frequency="M1")
    misreport(draft, job, draft.periods[2], before * draft.rng.randint(112, 128) // 100)


def first_job(draft: Draft, person: DraftPerson) -> None:
    """Out of work, then a job, paid for the first time in the period it began."""
    rng = draft.rng
    frequency = draft.pattern()
    k = some_period(draft, 1)
    monthly = light_touch(draft) if rng.random() < 0.25 else rng.randint(420_00, 985_00)
    draft.hire(person, monthly, frequency=frequency, started_on=draft.start_day(draft.periods[k], 3))


def first_job_reported_as_nil(draft: Draft, person: DraftPerson) -> None:
    """A first job whose first pay is reported as nothing and corrected afterwards."""
    k = some_period(draft, 1)
    start = draft.start_day(draft.periods[k], 3)
    job = draft.hire(person, draft.rng.randint(500_00, 985_00), frequency="M1", started_on=start)
    misreport(draft, job, draft.periods[k], 0)


def paid_by_mistake(draft: Draft, person: DraftPerson) -> None:
    """Out of work; a payroll posts somebody else's pay to this person and takes it back."""
    period = draft.periods[some_period(draft, 1)]
    start = draft.start_day(period, 3)
    job = draft.hire(person, draft.rng.randint(500_00, 1300_00), frequency="M1", started_on=start, real=False)
    slip = job.slip(period)
    draft.misreports[slip.slip_id] = Misreport(slip.gross_pence, period.end + put_right(draft, period), away=True)
    for other in job.slips():
        if other.slip_id != slip.slip_id:
            draft.replaced[other.slip_id] = None


def job_lost(draft: Draft, person: DraftPerson) -> None:
    """The job ends; after the last pay there is none."""
    job = draft.hire(person, draft.rng.randint(450_00, 940_00))
    period = draft.periods[some_period(draft, 1, last=1)]
    job.end(period.start + days(draft.rng.randint(2, 9)))


def job_lost_and_found(draft: Draft, person: DraftPerson) -> None:
    """The job ends, a period without pay, then another job within 91 days."""
    job = draft.hire(person, draft.rng.randint(450_00, 900_00), frequency="M1")
    job.end(job.slip(draft.periods[1]).payday)
    found = draft.periods[3]
    draft.hire(person, draft.rng.randint(450_00, 900_00), frequency="M1", started_on=found.start + days(2))


def second_job_lost(draft: Draft, person: DraftPerson) -> None:
    """Two jobs make Light Touch; one ends."""
    rng = draft.rng
    stays = rng.randint(520_00, 900_00)
    draft.hire(person, stays, frequency="M1")
    goes = draft.hire(person, light_touch(draft) - stays + 30_00, frequency="M1")
    period = draft.periods[some_period(draft, 1, avoid=(3, 6))]
    goes.end(goes.month_before(period) - days(1))


def second_job_found(draft: Draft, person: DraftPerson) -> None:
    """A second job brings the pay above the AET."""
    first = draft.rng.randint(450_00, 880_00)
    draft.hire(person, first, frequency="M1")
    period = draft.periods[some_period(draft, 2)]
    draft.hire(person, light_touch(draft) - first + 60_00, frequency="M1", started_on=period.start + days(1))


def threshold_moves(draft: Draft, person: DraftPerson) -> None:
    """Pay stands still between the AET of March and the one of April: the status changes, the pay does not."""
    draft.hire(person, draft.rng.randint(956_00, 988_00), wage=draft.rng.randint(1290, 1500))


def at_the_wage_floor(draft: Draft, person: DraftPerson) -> None:
    """About eighteen hours at the wage floor: pay follows the floor and the AET does too."""
    draft.hire(person, draft.rng.randint(991_60, 1003_00), frequency="M1", wage=1221)


def self_employed_too(draft: Draft, person: DraftPerson) -> None:
    """Self-employed on the side, and the job's hours are cut."""
    person.self_employed_pence = draft.rng.randint(60_00, 400_00)
    fall(draft, person)


def on_strike(draft: Draft, person: DraftPerson) -> None:
    """A strike or unpaid absence lowers one month's pay."""
    monthly = light_touch(draft)
    job = draft.hire(person, monthly, frequency="M1")
    period = draft.periods[some_period(draft, 1, last=1, avoid=(3, 6))]
    slip = job.slip(period)
    strike = draft.rng.random() < 0.5
    less = draft.rng.randint(550_00, 900_00)
    job.event(slip.payday - days(9), "strike" if strike else "unpaid_absence", monthly, less)
    job.draft.replaced[slip.slip_id] = replace(slip, gross_pence=less, strike=strike, absence=not strike)


def paid_early(draft: Draft, person: DraftPerson) -> None:
    """One payday is brought forward into the period before: two wages there, none in its own."""
    job = draft.hire(person, light_touch(draft), frequency="M1")
    k = some_period(draft, 1, last=1)
    slip = job.slip(draft.periods[k + 1])
    early = draft.periods[k].end - days(2)
    draft.replaced[slip.slip_id] = replace(slip, payday=early)


def reported_after_the_period(draft: Draft, person: DraftPerson) -> None:
    """One payday is reported only after its period: none there, two wages in the next."""
    job = draft.hire(person, light_touch(draft), frequency="M1")
    k = some_period(draft, 1, last=1)
    slip = job.slip(draft.periods[k])
    draft.late[slip.slip_id] = draft.periods[k].end + days(draft.rng.randint(1, 4))


def two_months_at_once(draft: Draft, person: DraftPerson) -> None:
    """A low-paid month is missed and paid with the next."""
    job = draft.hire(person, draft.rng.randint(700_00, 940_00), frequency="M1", wage=draft.rng.randint(1290, 1500))
    k = some_period(draft, 1, last=1)
    missed, double = job.slip(draft.periods[k]), job.slip(draft.periods[k + 1])
    draft.replaced[missed.slip_id] = None
    both = missed.gross_pence + double.gross_pence
    draft.replaced[double.slip_id] = replace(double, gross_pence=both, periods_covered=2)


def reported_twice_differently(draft: Draft, person: DraftPerson) -> None:
    """Low pay, one payslip reported twice under one id with different amounts."""
    job = draft.hire(person, draft.rng.randint(500_00, 900_00), frequency="M1", wage=draft.rng.randint(1290, 1500))
    slip = job.slip(draft.periods[some_period(draft, 1)])
    draft.conflicts[slip.slip_id] = slip.gross_pence + draft.rng.randint(10_00, 50_00)


def irregular(draft: Draft, person: DraftPerson) -> None:
    """Shifts change from month to month, around a low mean."""
    job = draft.hire(person, 600_00, frequency="IR", wage=draft.rng.randint(1290, 1500))
    for period in draft.periods[1:]:
        job.change(job.month_before(period), monthly=draft.rng.randint(450_00, 800_00), kind="shift_pattern")


def identity_known_later(draft: Draft, person: DraftPerson) -> None:
    """Low pay; the NINO is verified only in the second period."""
    person.nino_known_on = draft.periods[1].start + days(draft.rng.randint(3, 9))
    draft.hire(person, draft.rng.randint(500_00, 900_00), frequency="M1", wage=draft.rng.randint(1290, 1500))


def young_worker(draft: Draft, person: DraftPerson) -> None:
    """Eighteen to twenty: a lower working-enough threshold, the same AET."""
    person.young = True
    draft.hire(person, draft.rng.randint(1000_00, 1500_00))


SINGLE: Final[dict[Story, int]] = {
    steady_low: 34,
    steady_light_touch: 58,
    working_enough: 12,
    working_enough_few_hours: 6,
    workless: 26,
    fall: 46,
    fall_reported_late_in_truth: 12,
    fall_that_never_was: 10,
    fall_and_return: 8,
    rise: 44,
    rise_reported_late_in_truth: 11,
    rise_that_never_was: 8,
    growth: 14,
    growth_reported_late: 8,
    growth_that_never_was: 18,
    first_job: 56,
    first_job_reported_as_nil: 9,
    paid_by_mistake: 8,
    job_lost: 8,
    job_lost_and_found: 2,
    second_job_lost: 7,
    second_job_found: 7,
    threshold_moves: 10,
    at_the_wage_floor: 6,
    self_employed_too: 6,
    on_strike: 4,
    paid_early: 3,
    reported_after_the_period: 3,
    two_months_at_once: 3,
    reported_twice_differently: 3,
    irregular: 9,
    identity_known_later: 3,
    young_worker: 6,
}
"""How many of each in a world of about 500 people."""
