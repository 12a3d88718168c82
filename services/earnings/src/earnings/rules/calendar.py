"""Assessment periods: regulation 21 of SI 2013/376, with explicit upstream dates winning over projected ones."""

from __future__ import annotations

from calendar import isleap, monthrange
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
DAY = timedelta(days=1)


class Period(NamedTuple):
    """First and last day, both inclusive. `explicit`: the dates came from a statement."""

    start: date
    end: date
    explicit: bool = False


def start_in_month(day: int, year: int, month: int) -> date:
    """The start of the period that begins in this month, for a cycle of `day` (1 to 31).

    Regulation 21: the 31st means the last day of every month; the 29th and 30th become, in February only, the 27th,
    or the 28th in a leap year.
    """
    if day == 31:
        return date(year, month, monthrange(year, month)[1])
    if day >= 29 and month == 2:
        return date(year, month, 28 if isleap(year) else 27)
    return date(year, month, day)


def next_start(day: int, after: date) -> date:
    """First start of the cycle later than `after`."""
    here = start_in_month(day, after.year, after.month)
    if here > after:
        return here
    year, month = (after.year + 1, 1) if after.month == 12 else (after.year, after.month + 1)
    return start_in_month(day, year, month)


def is_start(day: int, candidate: date) -> bool:
    """Whether the cycle has a period that begins on this day."""
    return start_in_month(day, candidate.year, candidate.month) == candidate


def _starts_around(day: int, first: date, near: date) -> list[date]:
    starts = [first]
    while starts[-1] <= near:
        starts.append(next_start(day, starts[-1]))
    return starts


def series(entitlement: date, explicit: Iterable[tuple[date, date]], until: date, cycle: date | None = None) -> list[Period]:
    """All periods that begin on or before `until`, in order, without gap or overlap from the first one's start.

    explicit: (start, end) of upstream statements. Each replaces the projected period whose start is nearest (a tie: the
    earlier one); the period before it then ends the day before it. Later periods are projected from the day after its
    end: on the old cycle if that day is one of its starts, else on a new one that begins there. cycle: the entitlement date
    determined first, if another is determined now: its cycle is kept, and the first period has an odd length (regulation
    21A).
    """
    day, cursor = (cycle or entitlement).day, entitlement
    done: list[Period] = []
    for start, end in sorted(explicit):
        starts = _starts_around(day, cursor, start)
        nearest = min(range(len(starts)), key=lambda i: (abs((starts[i] - start).days), i))
        done.extend(Period(begin, following - DAY) for begin, following in pairwise(starts[: nearest + 1]))
        while done and done[-1].start >= start:
            done.pop()
        if done:
            done[-1] = done[-1]._replace(end=start - DAY)
        done.append(Period(start, end, True))
        cursor = end + DAY
        if not is_start(day, cursor):
            day = cursor.day
    while cursor <= until:
        following = next_start(day, cursor)
        done.append(Period(cursor, following - DAY))
        cursor = following
    return [period for period in done if period.start <= until]


def index_of(periods: Sequence[Period], day: date) -> int | None:
    """Which period holds the day; None before the first and after the last."""
    low, high = 0, len(periods)
    while low < high:
        middle = (low + high) // 2
        if periods[middle].end < day:
            low = middle + 1
        else:
            high = middle
    return low if low < len(periods) and periods[low].start <= day else None


def london_day(moment: datetime) -> date:
    """The calendar day in London at this moment."""
    return moment.astimezone(LONDON).date()


def london_midnight(day: date) -> datetime:
    """The moment at which this day begins in London."""
    return datetime.combine(day, time(), LONDON)


def tax_year(day: date) -> int:
    """The tax year (6 April to 5 April) that holds this day, named by the year it begins in."""
    return day.year if (day.month, day.day) >= (4, 6) else day.year - 1


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day."""
    position = day.year * 12 + day.month - 1 + months
    year, month = divmod(position, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
