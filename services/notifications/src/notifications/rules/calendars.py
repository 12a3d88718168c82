"""A coach's day: interview hours, leave, what is taken, and the slots that are left on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

import msgspec

from contracts.reference import WeeklyHours
from contracts.vocabulary import AppointmentChannel
from notifications.model import Calendar, CoachDoc, Interval, OfficeDoc, Window
from notifications.rules.hours import london_day, windows
from notifications.rules.slots import Meeting, Room, Slot

MEETING_OF: dict[AppointmentChannel, Meeting] = {
    "face_to_face": "in_person",
    "group": "in_person",
    "phone": "phone",
    "video": "online",
    "digital": "online",
}


class SlotKey(msgspec.Struct, frozen=True, array_like=True):
    """What a slot's id stands for."""

    coach_id: str
    office_id: str | None
    starts_at: datetime
    minutes: int
    channel: AppointmentChannel


def may_interview(coach: CoachDoc) -> bool:
    """Trained for in-work interviews and active. Without reference facts, a coach whose calendar was entered counts as both."""
    return coach.calendar is not None if coach.facts is None else coach.facts.active and coach.facts.trained_in_work


def home_office(coach: CoachDoc) -> str | None:
    """The coach's first office."""
    return coach.facts.offices[0] if coach.facts and coach.facts.offices else None


def calendar_of(coach: CoachDoc, usual_hours: Sequence[WeeklyHours]) -> Calendar:
    """The coach's own calendar, or the usual hours until they enter one."""
    if coach.calendar is not None:
        return coach.calendar
    return Calendar(pattern=tuple(Window(days=hours.days, from_=hours.from_, to=hours.to) for hours in usual_hours))


def minutes_a_day(coach: CoachDoc, limit: int) -> int:
    """The coach's own figure, else the reference data's; never more than the rule's limit."""
    own = coach.calendar.minutes_per_day if coach.calendar else None
    if own is None and coach.facts is not None:
        own = coach.facts.minutes_per_day
    return limit if own is None else min(own, limit)


def on_leave(calendar: Calendar, day: date) -> bool:
    """Whether the coach is away on that day."""
    return any(leave.from_ <= day <= leave.until for leave in calendar.leave)


def end_of(interval: Interval) -> datetime:
    """When it is over."""
    return interval.starts_at + timedelta(minutes=interval.minutes)


def is_free(taken: Sequence[Interval], start: datetime, end: datetime, *, but: str | None = None) -> bool:
    """No taken time shares a moment with [start, end). but: an appointment that is being moved."""
    return not any(item.appointment_id != but and item.starts_at < end and start < end_of(item) for item in taken)


def taken_on(coach: CoachDoc, day: date, *, but: str | None = None) -> list[Interval]:
    """The coach's interviews on a London day."""
    return [item for item in coach.taken if item.appointment_id != but and london_day(item.starts_at) == day]


def private_room_free(office: OfficeDoc | None, start: datetime, end: datetime, *, but: str | None = None) -> bool:
    """Whether the office has a private room left for that time."""
    if office is None or office.facts is None:
        return False
    busy = sum(item.appointment_id != but and item.starts_at < end and start < end_of(item) for item in office.taken)
    return busy < office.facts.rooms.get("private", 0)


def hours_on(calendar: Calendar, day: date) -> Iterator[tuple[datetime, datetime, str | None]]:
    """Interview hours of a day with their office; none on leave."""
    if on_leave(calendar, day):
        return
    for window in calendar.pattern:
        entry = WeeklyHours(days=window.days, from_=window.from_, to=window.to)
        for begin, end in windows((entry,), day):
            yield begin, end, window.office_id


def fits(coach: CoachDoc, calendar: Calendar, start: datetime, minutes: int) -> bool:
    """Whether an interview lies within the coach's interview hours, leave taken into account."""
    end = start + timedelta(minutes=minutes)
    return any(begin <= start and end <= close for begin, close, _ in hours_on(calendar, london_day(start)))


def room_for(meeting: Meeting, office: OfficeDoc | None, start: datetime, end: datetime, *, but: str | None = None) -> Room:
    """The best room to be had: private when one is left, else an open desk; none for phone and online."""
    if meeting != "in_person":
        return "none"
    return "private" if private_room_free(office, start, end, but=but) else "desk"


def slot_at(key: SlotKey, slot_id: str, coach: CoachDoc, office: OfficeDoc | None, *, but: str | None = None) -> Slot:
    """The slot a key stands for, with what else the coach has that day."""
    end = key.starts_at + timedelta(minutes=key.minutes)
    others = taken_on(coach, london_day(key.starts_at), but=but)
    meeting = MEETING_OF[key.channel]
    return Slot(
        id=slot_id,
        coach_id=key.coach_id,
        office_id=key.office_id,
        starts_at=key.starts_at,
        minutes=key.minutes,
        room=room_for(meeting, office, key.starts_at, end, but=but),
        channel=meeting,
        booked_that_day=len(others),
        booked_minutes=sum(item.minutes for item in others),
        trained=may_interview(coach),
    )


def free_times(
    coach: CoachDoc, calendar: Calendar, day: date, *, minutes: int, grid_minutes: int, channel: AppointmentChannel
) -> Iterator[SlotKey]:
    """Times of a day that nobody has taken, on the grid, wholly inside the coach's interview hours."""
    for begin, close, office_id in hours_on(calendar, day):
        start = begin
        while start + timedelta(minutes=minutes) <= close:
            if is_free(coach.taken, start, start + timedelta(minutes=minutes)):
                yield SlotKey(coach.coach_id, office_id or home_office(coach), start.astimezone(UTC), minutes, channel)
            start += timedelta(minutes=grid_minutes)
