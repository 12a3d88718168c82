"""Take and give back a time: the coach's document is locked, and the office's when a private room is used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from notifications.acts import documents
from notifications.model import Appointment, Interval
from notifications.rules.calendars import end_of
from streaming.work import Work

KEPT = timedelta(days=7)
"""How long a past interval is kept: long enough for every daily count."""


def _without(taken: Sequence[Interval], appointment_id: str, now: datetime) -> tuple[Interval, ...]:
    return tuple(item for item in taken if item.appointment_id != appointment_id and end_of(item) > now - KEPT)


def interval_of(claim_id: str, appointment: Appointment) -> Interval:
    """The time an appointment takes."""
    return Interval(
        appointment_id=appointment.appointment_id,
        claim_id=claim_id,
        starts_at=appointment.starts_at,
        minutes=appointment.minutes,
        office_id=appointment.office_id,
        private=appointment.private_room,
    )


def take(work: Work, claim_id: str, appointment: Appointment) -> None:
    """Keep the time for this appointment, in place of what it had before with this coach."""
    interval = interval_of(claim_id, appointment)
    coach = documents.coach(work, appointment.coach_id)
    taken = (*_without(coach.taken, appointment.appointment_id, work.now), interval)
    work.put(documents.COACH, coach.coach_id, replace(coach, taken=taken))
    if appointment.office_id is not None:
        _known_at(work, appointment.office_id, appointment.coach_id)
    if appointment.private_room and appointment.office_id is not None:
        office = documents.office(work, appointment.office_id)
        taken = (*_without(office.taken, appointment.appointment_id, work.now), interval)
        work.put(documents.OFFICE, office.office_id, replace(office, taken=taken))


def _known_at(work: Work, office_id: str, coach_id: str) -> None:
    """Whoever has a time at an office must be found when it closes."""
    office = documents.office(work, office_id)
    if coach_id not in (*office.coaches, *office.guests):
        work.put(documents.OFFICE, office_id, replace(office, guests=(*office.guests, coach_id)))


def release(work: Work, appointment: Appointment) -> None:
    """Give the time back."""
    coach = documents.coach(work, appointment.coach_id)
    work.put(documents.COACH, coach.coach_id, replace(coach, taken=_without(coach.taken, appointment.appointment_id, work.now)))
    if appointment.private_room and appointment.office_id is not None:
        office = documents.office(work, appointment.office_id)
        taken = _without(office.taken, appointment.appointment_id, work.now)
        work.put(documents.OFFICE, office.office_id, replace(office, taken=taken))
