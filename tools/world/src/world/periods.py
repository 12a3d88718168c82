"""Assessment periods by the calendar (SI 2013/376 reg 21), computed here independently of any service."""

from __future__ import annotations

import calendar
import itertools
from dataclasses import dataclass
from datetime import date, timedelta

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """First and last day of an assessment period."""

    start: date
    end: date

    def holds(self, day: date) -> bool:
        """Whether the day lies in the period."""
        return self.start <= day <= self.end


def _start_in(year: int, month: int, day: int) -> date:
    last = calendar.monthrange(year, month)[1]
    if day == 31:
        return date(year, month, last)
    if day in (29, 30) and month == 2:
        return date(year, month, 28 if last == 29 else 27)
    return date(year, month, day)


def starts(entitlement: date, count: int) -> list[date]:
    """The first `count` period starts of a claim entitled from that day."""
    result = []
    for index in range(count):
        years, month = divmod(entitlement.month - 1 + index, 12)
        result.append(_start_in(entitlement.year + years, month + 1, entitlement.day))
    return result


def closed_by(entitlement: date, last_day: date) -> list[Period]:
    """All periods that have ended before `last_day` (so that it is a day on which they are closed)."""
    months = (last_day.year - entitlement.year) * 12 + last_day.month - entitlement.month + 2
    if months < 2:
        return []
    first_days = starts(entitlement, months)
    found = [Period(a, b - ONE_DAY) for a, b in itertools.pairwise(first_days)]
    return [period for period in found if period.end < last_day]


def add_months(day: date, months: int) -> date:
    """Same day of a later (or earlier) month, the last day when that month is shorter."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
