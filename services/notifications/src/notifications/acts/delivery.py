"""What the provider said about a message, and what follows from it. Used by the sender, the sweeper and the receipts."""

from __future__ import annotations

from msgspec.structs import replace

from notifications.acts import appointments, messages
from notifications.acts.documents import save, with_message
from notifications.model import ClaimDoc, Message
from notifications.rules.delivery import forward
from notifications.setup import Setup
from streaming.work import Work

ACCEPTED = "sending"
"""The provider's own word for: taken, not delivered yet."""


def provider_said(work: Work, setup: Setup, doc: ClaimDoc, message: Message, *, provider_id: str, status: str) -> ClaimDoc:
    """Move the message forward. When a mandatory notice has gone out, its appointment is booked."""
    steps = forward(message, provider_id=provider_id, status=status, at=work.now)
    doc = messages.advance(work, doc, steps)
    if not any(step.news == "sent" for step in steps):
        return doc
    appointment = doc.appointments.get(message.regarding)
    if (
        appointment is not None
        and appointment.state == "offered"
        and appointment.contact_basis == "mandatory"
        and appointment.seat == message.seat
    ):
        doc = appointments.book(work, setup, doc, appointment, confirm=False)
    return doc


def refused(work: Work, doc: ClaimDoc, message: Message) -> ClaimDoc:
    """The provider will never take it (a wrong address, most often)."""
    return messages.fail(work, doc, message, "permanent")


def again_later(work: Work, doc: ClaimDoc, message: Message) -> ClaimDoc:
    """The provider did not take it; it is asked again."""
    return save(work, with_message(doc, replace(message, state="requested")))


def not_known(work: Work, doc: ClaimDoc, message: Message, *, looked_up: int) -> ClaimDoc:
    """Nobody can say yet whether the provider took it."""
    return save(work, with_message(doc, replace(message, state="unknown", looked_up=looked_up)))
