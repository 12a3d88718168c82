"""Weekly hours in London time: is a stretch of time inside them, does it overlap them, when do they end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from contracts.reference import WeeklyHours

LONDON = ZoneInfo("Europe/London")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def london_day(moment: datetime) -> date:
    """The calendar day in London at an instant."""
    return moment.astimezone(LONDON).date()


def clock_time(text: str) -> time:
    """`HH:MM` as a time of day; `24:00` is the midnight that ends the day. Raises ValueError."""
    return time.min if text == "24:00" else time.fromisoformat(text)


def local(day: date, at: time) -> datetime:
    """A wall-clock time in London on a day, as an aware instant."""
    return datetime.combine(day, at, tzinfo=LONDON)


def windows(hours: Sequence[WeeklyHours], day: date) -> Iterator[tuple[datetime, datetime]]:
    """The stretches of `hours` that begin on that London day. Hours whose end is not after their start run past midnight."""
    name = DAYS[day.weekday()]
    for entry in hours:
        if name in entry.days:
            begin, end = clock_time(entry.from_), clock_time(entry.to)
            yield local(day, begin), local(day if end > begin else day + timedelta(days=1), end)


def around(hours: Sequence[WeeklyHours], moment: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The stretches that may hold `moment`: those that began the London day before, and those of the day itself."""
    day = london_day(moment)
    yield from windows(hours, day - timedelta(days=1))
    yield from windows(hours, day)


def inside(hours: Sequence[WeeklyHours], start: datetime, end: datetime) -> bool:
    """Whether [start, end] lies wholly in one stretch. Ending exactly at closing time is inside."""
    return any(begin <= start and end <= close for begin, close in around(hours, start))


def overlaps(hours: Sequence[WeeklyHours], start: datetime, end: datetime) -> bool:
    """Whether [start, end) shares a moment with the hours. Only touching them is no overlap."""
    stretches = [*around(hours, start), *windows(hours, london_day(end))]
    return any(begin < end and start < close for begin, close in stretches)


def first_moment_outside(hours: Sequence[WeeklyHours], moment: datetime, limit: int = 8) -> datetime:
    """The first instant from `moment` on that is outside the hours; gives up after `limit` stretches and returns the last end."""
    for _ in range(limit):
        ends = [close for begin, close in around(hours, moment) if begin <= moment < close]
        if not ends:
            return moment
        moment = max(ends)
    return moment
