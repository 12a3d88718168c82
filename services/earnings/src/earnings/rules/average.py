"""Averaging of pay that is not monthly (regulation 90(6) of SI 2013/376): over an identifiable cycle or three periods."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction

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


def monthly_average(job: Employment, periods: Sequence[Period], totals: Sequence[int], policy: Policy) -> Fraction:
    """Average a month in pence of one job, over the look-back that ends with the last of `periods`.

    totals: the job's attributed pence in each of `periods` (at most `lookback_periods`).
    """
    frequency = job.frequency(periods[-1].end)
    if frequency in policy.irregular_frequencies:
        since = [total for period, total in zip(periods, totals, strict=True) if period.end >= job.known_from]
        return Fraction(sum(since), len(since))
    paydays = expected_paydays(job.first_payday, policy.payday_every_days[frequency], periods[0].start, periods[-1].end)
    if paydays == 0:
        return Fraction(totals[-1])
    return Fraction(sum(totals) * policy.paydays_a_year[frequency], paydays * 12)
