"""What happens when a time has come."""

from __future__ import annotations

from notifications.acts import appointments, messages
from notifications.acts.calendars import AT_RISK, concerns
from notifications.acts.documents import claim
from notifications.model import ClaimDoc
from notifications.rules.meetings import is_open
from notifications.setup import Setup
from streaming.spec import Due
from streaming.work import Work


def fire(setup: Setup, work: Work, due: Due) -> None:
    """One timer of a claim."""
    doc = claim(work, due.root[1])
    match due.name:
        case appointments.OFFER_EXPIRY:
            _expire(work, setup, doc, due.payload["appointment_id"])
        case messages.DETAILS_WAIT:
            messages.give_up_waiting(work, doc, due.payload["message_id"])
        case str() if due.name == AT_RISK:
            appointment = doc.appointments.get(due.payload["appointment_id"])
            if appointment is not None and is_open(appointment) and concerns(appointment, due.payload.get("office_id")):
                appointments.at_risk(work, doc, appointment, due.payload["cause"])
        case _:
            raise ValueError(f"no timer is called {due.name}")


def _expire(work: Work, setup: Setup, doc: ClaimDoc, appointment_id: str) -> None:
    appointment = doc.appointments.get(appointment_id)
    if appointment is not None and appointment.state == "offered":
        appointments.expire(work, setup, doc, appointment, "no_answer")
