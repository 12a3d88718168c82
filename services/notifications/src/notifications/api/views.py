"""What callers see. Pure: the same document always gives the same view, and so the same ETag."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from contracts.reference import WeeklyHours
from notifications.model import Appointment, CoachDoc, Message
from notifications.rules.calendars import calendar_of, minutes_a_day
from notifications.rules.slots import Limits, Slot


def instant(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


def appointment_view(item: Appointment) -> dict[str, Any]:
    """One appointment; nothing of the claimant but their id."""
    return {
        "appointment_id": item.appointment_id,
        "case_id": item.case_id,
        "claimant_id": item.claimant_id,
        "coach_id": item.coach_id,
        "office_id": item.office_id,
        "starts_at": instant(item.starts_at),
        "ends_at": instant(item.starts_at + timedelta(minutes=item.minutes)),
        "minutes": item.minutes,
        "channel": item.channel,
        "contact_basis": item.contact_basis,
        "purpose": item.purpose,
        "state": item.state,
        "offered_at": instant(item.offered_at),
        "answer_by": instant(item.expires_at),
        "ended_at": instant(item.ended_at),
        "at_risk": item.at_risk,
    }


def calendar_view(coach: CoachDoc, usual_hours: Sequence[WeeklyHours], limits: Limits) -> dict[str, Any]:
    """A coach's calendar as it counts today: their own entries, or the usual hours."""
    calendar = calendar_of(coach, usual_hours)
    return {
        "coach_id": coach.coach_id,
        "pattern": msgspec.to_builtins(calendar.pattern),
        "minutes_per_day": minutes_a_day(coach, limits.max_minutes_per_day),
        "leave": msgspec.to_builtins(calendar.leave),
        "own": coach.calendar is not None,
    }


def slot_view(slot: Slot, channel: str) -> dict[str, Any]:
    """A time that can be booked now."""
    return {
        "slot_id": slot.id,
        "coach_id": slot.coach_id,
        "office_id": slot.office_id,
        "starts_at": instant(slot.starts_at),
        "ends_at": instant(slot.starts_at + timedelta(minutes=slot.minutes)),
        "minutes": slot.minutes,
        "channel": channel,
        "private_room": slot.room == "private",
    }


def message_view(item: Message) -> dict[str, Any]:
    """A message's way; never its text or address."""
    return {
        "message_id": item.message_id,
        "case_id": item.case_id,
        "party": item.party,
        "template": item.template,
        "template_version": item.template_version,
        "language": item.language,
        "channel": item.channel,
        "regarding": item.regarding,
        "state": item.state,
        "requested_at": instant(item.requested_at),
        "due_at": instant(item.due_at),
        "sent_at": instant(item.sent_at),
        "delivered_at": instant(item.delivered_at),
        "failure": item.failure,
        "withdrawn_why": item.withdrawn_why,
        "attempts": item.attempts,
    }
