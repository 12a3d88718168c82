"""London calendar days and the instants at which they begin."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")


def day_of(instant: datetime) -> date:
    """The London day of an instant."""
    return instant.astimezone(LONDON).date()


def start_of(day: date) -> datetime:
    """The first instant of a London day, UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=LONDON).astimezone(UTC)
