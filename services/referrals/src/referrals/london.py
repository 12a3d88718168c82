"""London calendar days and the instants at which they begin."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")


@lru_cache(maxsize=1024)
def day_of(instant: datetime) -> date:
    """The London day of an instant."""
    return instant.astimezone(LONDON).date()


@lru_cache(maxsize=1024)
def start_of(day: date) -> datetime:
    """The first instant of a London day, UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=LONDON).astimezone(UTC)
