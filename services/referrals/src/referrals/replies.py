"""What the other services say about a case: messages sent, appointments offered, kept or missed, engagements with employers."""

from __future__ import annotations

from typing import Any

import msgspec

from contracts import employer_link, notifications
from referrals import cases
from referrals.desk import Desk
from referrals.london import day_of
from referrals.model import Case, Contact, Person, WaitingOn

BEGUN_BY_THE_SERVICE = frozenset({"appointment-offer", "appointment-notice", "coach-message"})
"""Message templates that begin a contact. Reminders, confirmations, answers and prescribed notices do not."""

EXPLANATION = "explanation-corrected"
"""What somebody gets who was contacted for a reason that was not so; it is about the flag."""

replace = msgspec.structs.replace


def handle(desk: Desk, event: msgspec.Struct) -> None:
    """One event of notifications or employer-link. What belongs to no case known here only counts as contact."""
    claimant_id = getattr(event, "claimant_id", None)
    if claimant_id is None or desk.doc.erased or claimant_id in desk.doc.erased_people:
        desk.work.outcome = "ignored"
        return
    case_id = getattr(event, "case_id", None) or ""
    desk = _where_now(desk, claimant_id, case_id)
    person = desk.person(claimant_id)
    case = person.cases.get(case_id)
    name = type(event).__name__
    match event:
        case notifications.MessageRequested():
            _asked(desk, person, event)
        case notifications.MessageSent():
            _sent(desk, person, case, event)
        case notifications.MessageFailed() | notifications.MessageWithdrawn():
            person = desk.keep(_forget(person, event.message_id))
            if case is not None and case.open:
                _remember(desk, person, case, name, case.waiting_on, unread=True, message_id=event.message_id)
        case notifications.AppointmentOffered():
            _moved(desk, person, case, name, "claimant", appointment_id=event.appointment_id)
        case notifications.AppointmentBooked():
            if case is not None and case.open:
                cases.begun(desk, person, case, name, appointment_id=event.appointment_id)
        case notifications.AppointmentAttended():
            person = desk.keep(replace(person, last_kept_appointment=day_of(desk.work.now)))
            if case is not None and case.open:
                cases.begun(desk, person, case, name, appointment_id=event.appointment_id)
        case notifications.NoSlotFound():
            _moved(desk, person, case, name, "us", would_help=list(event.would_help))
        case employer_link.EngagementOpened():
            if case is not None and case.open:
                cases.begun(desk, person, case, name, "claimant", engagement_id=event.engagement_id)
        case employer_link.EngagementShared():
            party: WaitingOn = "employer" if event.party == "employer" else "claimant" if event.party == "claimant" else "us"
            _moved(desk, person, case, name, party, engagement_id=event.engagement_id)
        case _:
            ids = {key: getattr(event, key) for key in ("appointment_id", "engagement_id") if hasattr(event, key)}
            _moved(desk, person, case, name, "us", **ids)
    desk.save()


def _where_now(desk: Desk, claimant_id: str, case_id: str) -> Desk:
    """The claim that has the case: when its person moved, it went along, and what was begun before is told under the old one."""
    at, passed = desk, {desk.claim_id}
    while case_id and case_id not in at.person(claimant_id).cases:
        gone = at.doc.departed.get(claimant_id)
        if gone is None or gone.to is None or gone.to in passed:
            return desk
        at = Desk(desk.work, gone.to, desk.setup)
        passed.add(gone.to)
    return at


def _asked(desk: Desk, person: Person, event: notifications.MessageRequested) -> None:
    if event.party == "claimant" and event.template in BEGUN_BY_THE_SERVICE | {EXPLANATION}:
        desk.keep(replace(person, asked={**person.asked, event.message_id: event.regarding}))


def _sent(desk: Desk, person: Person, case: Case | None, event: notifications.MessageSent) -> None:
    """The first message sent for a case is its first contact. Several about one thing count once."""
    regarding = person.asked.get(event.message_id)
    if regarding is None:
        return
    person = _forget(person, event.message_id)
    if regarding in person.flags:
        desk.keep(person)
        if case is not None:
            cases.explained(desk, person, case, message_id=event.message_id)
        return
    if all(contact.ref != regarding for contact in person.contacts):
        contact = Contact(on=desk.today, kind="message", ref=regarding)
        person = replace(person, contacts=(*person.contacts, contact))
    person = desk.keep(person)
    if case is not None and case.open:
        cases.contacted(desk, person, case, "MessageSent", message_id=event.message_id)


def _forget(person: Person, message_id: str) -> Person:
    return replace(person, asked={key: value for key, value in person.asked.items() if key != message_id})


def _moved(desk: Desk, person: Person, case: Case | None, event: str, waiting_on: WaitingOn, **ids: Any) -> None:
    if case is not None and case.open:
        _remember(desk, person, case, event, waiting_on, unread=waiting_on == "us", **ids)


def _remember(desk: Desk, person: Person, case: Case, event: str, waiting_on: WaitingOn, *, unread: bool, **ids: Any) -> None:
    noted = cases.note(desk, replace(case, waiting_on=waiting_on, unread=case.unread or unread), event, **ids)
    cases.keep(desk, person, noted)
