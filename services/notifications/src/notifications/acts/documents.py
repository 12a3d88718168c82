"""Reading documents in a unit of work: a missing one is an empty one."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from notifications.model import Appointment, ClaimDoc, CoachDoc, Message, OfficeDoc
from streaming.errors import MoreRoots
from streaming.records import Root
from streaming.work import Work

CLAIM, COACH, OFFICE = "claim", "coach", "office"


def claim(work: Work, claim_id: str) -> ClaimDoc:
    """The claim's document."""
    found: ClaimDoc | None = work.get(CLAIM, claim_id)
    return found or ClaimDoc(claim_id=claim_id)


def coach(work: Work, coach_id: str) -> CoachDoc:
    """The coach's document."""
    found: CoachDoc | None = work.get(COACH, coach_id)
    return found or CoachDoc(coach_id=coach_id)


def office(work: Work, office_id: str) -> OfficeDoc:
    """The office's document."""
    found: OfficeDoc | None = work.get(OFFICE, office_id)
    return found or OfficeDoc(office_id=office_id)


def lock_together(work: Work, roots: Iterable[Root]) -> None:
    """Make sure that all of these are locked; asks for those that are not at once, not one redo each."""
    missing: list[Root] = []
    for root in roots:
        try:
            work.get(*root)
        except MoreRoots as more:
            missing.extend(more.roots)
    if missing:
        raise MoreRoots(missing)


def save(work: Work, doc: ClaimDoc) -> ClaimDoc:
    """Keep the claim's document."""
    work.put(CLAIM, doc.claim_id, doc)
    return doc


def with_appointment(doc: ClaimDoc, appointment: Appointment) -> ClaimDoc:
    """The claim with this appointment added or replaced."""
    return msgspec.structs.replace(doc, appointments={**doc.appointments, appointment.appointment_id: appointment})


def with_message(doc: ClaimDoc, message: Message) -> ClaimDoc:
    """The claim with this message added or replaced."""
    return msgspec.structs.replace(doc, messages={**doc.messages, message.message_id: message})
