"""An appointment's states: offered → booked → attended | missed | cancelled; offered → declined | expired."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from contracts.vocabulary import AppointmentState
from notifications.model import Appointment, Message

Move = Literal["accept", "decline", "move", "cancel", "attended", "missed"]

MOVES: dict[AppointmentState, tuple[Move, ...]] = {
    "offered": ("accept", "decline", "move"),
    "booked": ("move", "cancel", "attended", "missed"),
    "attended": (),
    "missed": (),
    "cancelled": (),
    "declined": (),
    "expired": (),
}
ONLY_AFTER_START: frozenset[Move] = frozenset({"attended", "missed"})
ONLY_BEFORE_START: frozenset[Move] = frozenset({"accept", "move", "cancel"})


def allowed(appointment: Appointment, now: datetime) -> tuple[Move, ...]:
    """The moves that are legal now. An offer past its last answer is as good as expired."""
    if appointment.state == "offered" and appointment.expires_at is not None and now >= appointment.expires_at:
        return ()
    too_soon_or_late = ONLY_BEFORE_START if now >= appointment.starts_at else ONLY_AFTER_START
    return tuple(move for move in MOVES[appointment.state] if move not in too_soon_or_late)


def is_open(appointment: Appointment) -> bool:
    """Offered or booked: a time is kept for it."""
    return bool(MOVES[appointment.state])


def ended(appointment: Appointment, state: AppointmentState, now: datetime, why: str | None = None) -> Appointment:
    """The appointment in a final state."""
    return msgspec.structs.replace(appointment, state=state, ended_at=now, why=why)


def last_answer(now: datetime, starts_at: datetime, valid_days: int) -> datetime:
    """Until when a voluntary offer can be accepted: `valid_days` from now, and a day before the meeting at the latest."""
    return max(now, min(now + timedelta(days=valid_days), starts_at - timedelta(days=1)))


def delivery_confirmed(appointment: Appointment, messages: dict[str, Message]) -> bool:
    """Whether the claimant was reached about this time. A failed delivery is never evidence of non-compliance."""
    return any(
        message.regarding == appointment.appointment_id and message.seat == appointment.seat and message.state == "delivered"
        for message in messages.values()
    )
