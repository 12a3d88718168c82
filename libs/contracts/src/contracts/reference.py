"""Reference data that every service listens to: offices and coaches (compacted, by id)."""

from __future__ import annotations

import msgspec

from contracts.vocabulary import Jurisdiction, Weekday


class WeeklyHours(msgspec.Struct, frozen=True, kw_only=True):
    """Same hours on these days, London time, `HH:MM`; `to` is the end."""

    days: tuple[Weekday, ...]
    from_: str = msgspec.field(name="from")
    to: str


class OfficeChanged(msgspec.Struct, frozen=True, kw_only=True):
    """An office as it is now. rooms: kind (`desk`, `private`) → number. nearby: office ids, nearest first.

    active false: the office has closed; its cases go to the nearest one that has not.
    """

    office_id: str
    version: int
    name: str
    nation: Jurisdiction
    district: str
    opening: tuple[WeeklyHours, ...]
    rooms: dict[str, int]
    nearby: tuple[str, ...] = ()
    active: bool = True


class CoachChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A coach as they are now: offices (ids, home office first), whether they may work, minutes of interviews a day.

    max_cases: cases at a time, where this differs from the usual number.
    """

    coach_id: str
    version: int
    offices: tuple[str, ...]
    active: bool
    trained_in_work: bool
    specialisms: tuple[str, ...] = ()
    minutes_per_day: int
    cover_coach_id: str | None = None
    max_cases: int | None = None
