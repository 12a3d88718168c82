"""From a job's terms to what it really pays on each payday."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from typing import Final

from world.model import Job, Payslip, Terms
from world.periods import ONE_DAY, add_months

STEP_DAYS: Final = {"W1": 7, "W2": 14, "W4": 28}
PAYDAYS_A_YEAR: Final = {"W1": 52, "W2": 26, "W4": 13}


def half_up(amount: Fraction) -> int:
    """Whole pence, half up."""
    return int((amount + Fraction(1, 2)) // 1)


def monthly_pence(terms: Terms) -> int:
    """What the terms pay in an average month: hours x wage x 52 / 12."""
    return half_up(Fraction(terms.hours_x100 * terms.wage_pence * 52, 1200))


def hours_for(monthly: int, wage_pence: int) -> int:
    """Weekly hours (hundredths) that pay about `monthly` pence at the wage."""
    return half_up(Fraction(monthly * 1200, 52 * wage_pence))


def pension_pence(gross: int, percent: int) -> int:
    """Employee's pension contribution under net pay arrangements: not part of taxable pay, but of gross pay."""
    return gross * percent // 100


def terms_on(job: Job, day: date) -> Terms:
    """The terms in force; before the first ones, the first."""
    current = job.terms[0]
    for terms in job.terms:
        if terms.since <= day:
            current = terms
    return current


def paydays(job: Job, until: date) -> Iterator[tuple[date, date]]:
    """(first day paid for, payday), in order, up to `until`."""
    if isinstance(job.payday, int):
        first = date(job.started_on.year, job.started_on.month, job.payday)
        if first < job.started_on:
            first = add_months(first, 1)
        index = 0
        while (payday := add_months(first, index)) <= until:
            yield add_months(payday, -1) + ONE_DAY, payday
            index += 1
        return
    step = timedelta(days=STEP_DAYS[job.frequency])
    payday = job.payday
    while payday <= until:
        yield payday - step + ONE_DAY, payday
        payday += step


def payslips(job: Job, since: date, until: date) -> list[Payslip]:
    """True payslips with a payday in [since, until]. The one that settles a job carries `final`."""
    slips = []
    for first_day, payday in paydays(job, until):
        last_day = payday
        if job.ended_on is not None:
            if job.ended_on < first_day:
                break
            last_day = min(last_day, job.ended_on)
        if payday < since:
            continue
        slips.append(
            Payslip(
                slip_id=f"{job.job_id}.{payday.isoformat()}",
                job_id=job.job_id,
                person_id=job.person_id,
                payday=payday,
                gross_pence=_gross(job, first_day, last_day, payday),
                final=job.ended_on is not None and job.ended_on <= payday,
            )
        )
    return slips


def _gross(job: Job, first_day: date, last_day: date, payday: date) -> int:
    """Pay of the days worked out of the whole pay period, each at the terms in force that day."""
    whole = (payday - first_day).days + 1
    total = Fraction(0)
    day = max(first_day, job.started_on)
    while day <= last_day:
        terms = terms_on(job, day)
        later = [t.since for t in job.terms if t.since > day]
        until = min([last_day, *(since - ONE_DAY for since in later)])
        weekly = Fraction(terms.hours_x100 * terms.wage_pence, 100)
        per_period = weekly * Fraction(52, 12) if isinstance(job.payday, int) else weekly * STEP_DAYS[job.frequency] / 7
        total += per_period * Fraction((until - day).days + 1, whole)
        day = until + ONE_DAY
    return half_up(total)
