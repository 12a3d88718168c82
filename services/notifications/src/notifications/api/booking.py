"""Judge a slot that a caller names: it must still be free, and allowed for this claimant."""

from __future__ import annotations

from datetime import timedelta

from notifications import slot_ids
from notifications.acts import contacts, documents
from notifications.model import Appointment, ClaimDoc, CoachDoc, OfficeDoc
from notifications.rules.calendars import (
    MEETING_OF,
    SlotKey,
    calendar_of,
    fits,
    is_free,
    private_room_free,
    slot_at,
)
from notifications.rules.search import surroundings
from notifications.rules.slots import reason_against
from notifications.setup import Setup
from streaming.errors import Refused
from streaming.work import Work

FURTHEST = timedelta(days=366)
"""Bank holidays are known this far ahead."""


def judged(
    work: Work, setup: Setup, doc: ClaimDoc, *, case_id: str, claimant_id: str, slot_id: str, moving: Appointment | None = None
) -> tuple[SlotKey, bool]:
    """The slot and whether its private room is used. Raises Refused: 422 not a slot, 409 taken or not allowed (with the reason).

    moving: the appointment whose own present time does not count.
    """
    key = slot_ids.read(slot_id)
    person = doc.person(claimant_id)
    if key is None or person is None or key.starts_at > work.now + FURTHEST:
        raise Refused(422, "slot-invalid", "This is not a slot of this service. Read the slots again.")
    coach = documents.coach(work, key.coach_id)
    office = documents.office(work, key.office_id) if key.office_id else None
    chosen_minutes = min(
        moving.minutes if moving else key.minutes, setup.policy.in_work_minutes
    )  # shorter is for people to choose
    wish = contacts.wish_of(work, setup, doc, case_id, person, "appointment-offer", chosen_minutes)
    but = moving.appointment_id if moving else None
    private = contacts.private_room_used(wish.needs, key.channel)
    if not _free(setup, coach, office, key, private=private, but=but):
        raise Refused(409, "slot-taken", "This time is no longer free. Read the slots again.")
    offices = {key.office_id: office} if key.office_id else {}
    slot = slot_at(key, slot_id, coach, office, but=but)
    reason = reason_against(slot, wish.needs, surroundings(wish.terms, coach, offices))
    if reason is not None:
        raise Refused(409, "slot-not-allowed", "This slot does not fit. Choose another one.", extra={"reason": reason})
    return key, private


def _free(setup: Setup, coach: CoachDoc, office: OfficeDoc | None, key: SlotKey, *, private: bool, but: str | None) -> bool:
    end = key.starts_at + timedelta(minutes=key.minutes)
    calendar = calendar_of(coach, setup.policy.usual_hours)
    if not fits(coach, calendar, key.starts_at, key.minutes) or not is_free(coach.taken, key.starts_at, end, but=but):
        return False
    in_private = private and MEETING_OF[key.channel] == "in_person"
    return not in_private or private_room_free(office, key.starts_at, end, but=but)
