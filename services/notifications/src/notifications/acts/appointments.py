"""What happens to an appointment: offered, booked, declined, moved, cancelled, expired, attended, missed, at risk."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from contracts import topics
from contracts.notifications import (
    AppointmentAtRisk,
    AppointmentAttended,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentDeclined,
    AppointmentExpired,
    AppointmentMissed,
    AppointmentMoved,
    AppointmentOffered,
)
from contracts.vocabulary import ContactBasis, Language
from notifications.acts import messages, times
from notifications.acts.documents import save, with_appointment
from notifications.model import Appointment, ClaimDoc
from notifications.rules.calendars import SlotKey
from notifications.rules.meetings import delivery_confirmed, ended, is_open, last_answer
from notifications.setup import Setup
from streaming.work import DueItem, Work, derive_id

OFFER_EXPIRY = "offer-expiry"


def _ids(doc: ClaimDoc, appointment: Appointment) -> dict[str, Any]:
    return {
        "appointment_id": appointment.appointment_id,
        "case_id": appointment.case_id,
        "claim_id": doc.claim_id,
        "claimant_id": appointment.claimant_id,
    }


def _publish(work: Work, doc: ClaimDoc, appointment: Appointment, event: Any) -> None:
    work.emit(topics.NOTIFICATIONS_APPOINTMENT, doc.claim_id, event, subject=appointment.appointment_id)


def expiry_id(appointment_id: str) -> str:
    """Name of the timer that ends an unanswered offer."""
    return derive_id(OFFER_EXPIRY, appointment_id)


def _set_expiry(work: Work, doc: ClaimDoc, appointment: Appointment) -> None:
    item = DueItem(
        id=expiry_id(appointment.appointment_id),
        root=("claim", doc.claim_id),
        due_at=appointment.expires_at or appointment.starts_at,
        name=OFFER_EXPIRY,
        payload={"appointment_id": appointment.appointment_id},
    )
    work.schedule(item)


def offer(
    work: Work,
    setup: Setup,
    doc: ClaimDoc,
    *,
    case_id: str,
    claimant_id: str,
    slot: SlotKey,
    private_room: bool,
    basis: ContactBasis,
    purpose: str,
    language: Language | None,
    told: bool = True,
) -> tuple[ClaimDoc, Appointment]:
    """Hold the slot and tell the claimant. told False: they are there and answer at once.

    A mandatory one is booked when its notice goes out; if it never does, it expires when it would begin.
    """
    expires_at = last_answer(work.now, slot.starts_at, setup.policy.offer_valid_days) if basis == "voluntary" else None
    appointment = Appointment(
        appointment_id=work.next_id("appointment"),
        case_id=case_id,
        claimant_id=claimant_id,
        coach_id=slot.coach_id,
        office_id=slot.office_id,
        starts_at=slot.starts_at,
        minutes=slot.minutes,
        channel=slot.channel,
        private_room=private_room,
        contact_basis=basis,
        purpose=purpose,
        language=language,
        state="offered",
        offered_at=work.now,
        expires_at=expires_at,
    )
    times.take(work, doc.claim_id, appointment)
    offered = AppointmentOffered(
        **_ids(doc, appointment),
        coach_id=slot.coach_id,
        office_id=slot.office_id,
        starts_at=slot.starts_at,
        minutes=slot.minutes,
        channel=slot.channel,
        contact_basis=basis,
    )
    _publish(work, doc, appointment, offered)
    _set_expiry(work, doc, appointment)
    doc = save(work, with_appointment(doc, appointment))
    if told:
        doc = _tell(work, setup, doc, appointment, "appointment-offer" if basis == "voluntary" else "appointment-notice")
    return doc, appointment


def _tell(work: Work, setup: Setup, doc: ClaimDoc, appointment: Appointment, template: str) -> ClaimDoc:
    return messages.request(
        work,
        setup,
        doc,
        template=template,
        claimant_id=appointment.claimant_id,
        case_id=appointment.case_id,
        regarding=appointment.appointment_id,
        purpose=appointment.purpose,
        seat=appointment.seat,
        language=appointment.language,
    )


def book(work: Work, setup: Setup, doc: ClaimDoc, appointment: Appointment, *, confirm: bool = True) -> ClaimDoc:
    """The claimant accepted, or a mandatory notice went out (then the notice is the confirmation)."""
    booked = replace(appointment, state="booked", expires_at=None)
    work.cancel(expiry_id(appointment.appointment_id))
    _publish(work, doc, booked, AppointmentBooked(**_ids(doc, booked)))
    doc = messages.review(work, setup, save(work, with_appointment(doc, booked)))
    return _tell(work, setup, doc, booked, "appointment-booked") if confirm else doc


def decline(work: Work, setup: Setup, doc: ClaimDoc, appointment: Appointment) -> ClaimDoc:
    """The claimant said no. Nothing follows from it."""
    doc = _end(work, setup, doc, ended(appointment, "declined", work.now))
    _publish(work, doc, appointment, AppointmentDeclined(**_ids(doc, appointment)))
    return doc


def expire(work: Work, setup: Setup, doc: ClaimDoc, appointment: Appointment, why: str) -> ClaimDoc:
    """The offer ends without an answer: its time is over, or there is no reason for it any more."""
    doc = _end(work, setup, doc, ended(appointment, "expired", work.now, why))
    _publish(work, doc, appointment, AppointmentExpired(**_ids(doc, appointment)))
    return doc


def cancel(work: Work, setup: Setup, doc: ClaimDoc, appointment: Appointment, *, by: str, reason: str) -> ClaimDoc:
    """A booked appointment will not take place; the claimant is told."""
    doc = _end(work, setup, doc, ended(appointment, "cancelled", work.now, reason))
    _publish(work, doc, appointment, AppointmentCancelled(**_ids(doc, appointment), by=by, reason=reason))
    return _tell(work, setup, doc, appointment, "appointment-cancelled")


def _end(work: Work, setup: Setup, doc: ClaimDoc, gone: Appointment) -> ClaimDoc:
    times.release(work, gone)
    work.cancel(expiry_id(gone.appointment_id))
    return messages.review(work, setup, save(work, with_appointment(doc, gone)))


def move(work: Work, setup: Setup, doc: ClaimDoc, appointment: Appointment, slot: SlotKey, *, private_room: bool) -> ClaimDoc:
    """Another time, same appointment; the claimant is told of it."""
    times.release(work, appointment)
    moved = replace(
        appointment,
        coach_id=slot.coach_id,
        office_id=slot.office_id,
        starts_at=slot.starts_at,
        minutes=slot.minutes,
        channel=slot.channel,
        private_room=private_room,
        seat=appointment.seat + 1,
        at_risk=None,
    )
    if moved.expires_at is not None:
        moved = replace(moved, expires_at=last_answer(work.now, slot.starts_at, setup.policy.offer_valid_days))
    times.take(work, doc.claim_id, moved)
    if moved.state == "offered":
        _set_expiry(work, doc, moved)
    event = AppointmentMoved(**_ids(doc, moved), from_=appointment.starts_at, to=moved.starts_at)
    _publish(work, doc, moved, event)
    doc = messages.review(work, setup, save(work, with_appointment(doc, moved)))
    if moved.contact_basis == "mandatory":
        template = "appointment-notice"
    else:
        template = "appointment-offer" if moved.state == "offered" else "appointment-moved"
    return _tell(work, setup, doc, moved, template)


def attended(work: Work, doc: ClaimDoc, appointment: Appointment) -> ClaimDoc:
    """They met."""
    doc = save(work, with_appointment(doc, ended(appointment, "attended", work.now)))
    _publish(work, doc, appointment, AppointmentAttended(**_ids(doc, appointment)))
    return doc


def missed(work: Work, doc: ClaimDoc, appointment: Appointment, reason: str | None) -> ClaimDoc:
    """They did not meet; whether the claimant had been reached about this time is said with it."""
    doc = save(work, with_appointment(doc, ended(appointment, "missed", work.now, reason)))
    event = AppointmentMissed(
        **_ids(doc, appointment), delivery_confirmed=delivery_confirmed(appointment, doc.messages), reason=reason
    )
    _publish(work, doc, appointment, event)
    return doc


def at_risk(work: Work, doc: ClaimDoc, appointment: Appointment, cause: str) -> ClaimDoc:
    """It may not take place; said once per cause."""
    if appointment.at_risk == cause:
        return doc
    doc = save(work, with_appointment(doc, replace(appointment, at_risk=cause)))
    _publish(work, doc, appointment, AppointmentAtRisk(**_ids(doc, appointment), cause=cause))
    return doc


def end_open(work: Work, setup: Setup, doc: ClaimDoc, why: str, *, claimant_id: str | None, case_id: str | None) -> ClaimDoc:
    """There is no reason to meet any more: offers expire, later bookings are cancelled."""
    for appointment in list(doc.appointments.values()):
        mine = claimant_id in (None, appointment.claimant_id) and case_id in (None, appointment.case_id)
        if not mine or not is_open(appointment):
            continue
        if appointment.state == "offered":
            doc = expire(work, setup, doc, appointment, why)
        elif _later(appointment, work.now):
            doc = cancel(work, setup, doc, appointment, by="system", reason=why)
    return doc


def _later(appointment: Appointment, now: datetime) -> bool:
    return appointment.starts_at > now
