"""May this message go out now? Judged at the moment of sending, on what is known then (guards of the sending step).

The first stop in the guards' order is named: not contactable, case over, what it is about has changed, easement,
dispute, burden cap. Only messages that count as a contact are stopped by dispute and burden cap; the others answer
something the claimant did. That an appointment is cancelled is told to everybody but the dead and the erased: whoever is
not told travels for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

import msgspec

from contracts.reference import WeeklyHours
from notifications.model import Case, ClaimDoc, Contact, Message
from notifications.rules.easements import contact_allowed_from, voluntary_only
from notifications.rules.hours import first_moment_outside, local, london_day
from notifications.rules.templates import About, Template

OFFICE_MORNING = time(9, 0)


class BurdenCap(msgspec.Struct, frozen=True, kw_only=True):
    """At most `contacts` in `days`; a contact counts while it is fewer than `days` ago."""

    contacts: int
    days: int


class Go(msgspec.Struct, frozen=True, tag=True):
    """Send it."""


class Wait(msgspec.Struct, frozen=True, tag=True):
    """Not before `until`."""

    until: datetime


class Stop(msgspec.Struct, frozen=True, tag=True):
    """Never send it; `why` is a code."""

    why: str


Ruling = Go | Wait | Stop

GONE = ("died", "erased")
"""Codes of people whom nothing at all is sent to."""

STATES_OF: dict[About, tuple[str, ...]] = {
    "offer": ("offered",),
    "notice": ("offered", "booked"),
    "booking": ("booked",),
    "cancellation": ("cancelled", "expired"),
    "other": (),
}
"""What an appointment's state is when a message about it is still true."""


NOT_ON_CLAIM = "not_on_claim"


def not_contactable(doc: ClaimDoc, claimant_id: str) -> str | None:
    """guard-not-contactable: cannot be overridden. Returns the code of what stops, or None."""
    if doc.erased or claimant_id in doc.erased_claimants:
        return "erased"
    person = doc.person(claimant_id)
    if doc.snapshot is None or person is None:
        return NOT_ON_CLAIM
    if person.dead:
        return "died"
    if doc.snapshot.status != "open":
        return f"claim_{doc.snapshot.status}"
    return None


def case_over(case: Case | None, day: date) -> str | None:
    """Withdrawn, closed or exempt: nothing more is sent for the case."""
    if case is None:
        return None
    if case.ended is not None:
        return f"case_{case.ended}"
    if case.exempt and (case.exempt_until is None or day <= case.exempt_until):
        return "case_exempt"
    return None


def no_longer_true(doc: ClaimDoc, message: Message, template: Template) -> str | None:
    """The appointment has changed since the message was asked for."""
    appointment = doc.appointments.get(message.regarding)
    if appointment is None:
        return None
    if appointment.state not in STATES_OF[template.about]:
        return f"appointment_{appointment.state}"
    return "appointment_moved" if appointment.seat != message.seat else None


def within_cap(contacts: Sequence[Contact], claimant_id: str, day: date, cap: BurdenCap) -> bool:
    """Whether one more contact is allowed: those fewer than `days` ago are fewer than `contacts`."""
    recent = [
        contact for contact in contacts if contact.claimant_id == claimant_id and (day - london_day(contact.at)).days < cap.days
    ]
    return len(recent) < cap.contacts


def judge(doc: ClaimDoc, message: Message, template: Template, now: datetime, cap: BurdenCap) -> Ruling:
    """Go, wait or stop, for a message to the claimant."""
    day = london_day(now)
    case = doc.cases.get(message.case_id) if message.case_id else None
    why = not_contactable(doc, message.claimant_id) or case_over(case, day)
    if template.about == "cancellation" and why not in GONE:
        why = None
    why = why or no_longer_true(doc, message, template)
    if why is not None:
        return Stop(why)
    person = doc.person(message.claimant_id)
    if person is None:
        return Go()  # a cancellation, for somebody who left the claim: their easements are not known here any more
    allowed_from = contact_allowed_from(person, day)
    if allowed_from is not None:
        return Stop("easement") if template.counts_as_contact else Wait(local(allowed_from, OFFICE_MORNING))
    if template.basis == "mandatory" and voluntary_only(person, day):
        return Stop("easement")
    if template.counts_as_contact:
        if any(dispute.claimant_id == message.claimant_id for dispute in doc.disputes):
            return Stop("dispute")
        if not within_cap(doc.contacts, message.claimant_id, day, cap):
            return Stop("burden_cap")
    return Go()


def polite_time(now: datetime, quiet: Sequence[WeeklyHours], working: Sequence[WeeklyHours]) -> datetime:
    """The first moment from `now` on outside quiet hours and known working hours; `now` when there is none within a day."""
    moment = now
    for _ in range(4):
        later = first_moment_outside(working, first_moment_outside(quiet, moment))
        if later == moment:
            return moment
        moment = later
    return moment if moment - now <= timedelta(days=1) else now
