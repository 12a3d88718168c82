"""I3 for what follows a flag: messages, appointments, consents and engagements are in the documents as on the topics, and
what the provider took is what the platform says it sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.faults.reading import Event

from streaming.records import Root

MESSAGES = {"sent": "MessageSent", "delivered": "MessageDelivered", "failed": "MessageFailed", "withdrawn": "MessageWithdrawn"}
APPOINTMENTS = {
    "offered": {"AppointmentOffered", "AppointmentMoved"},
    "booked": {"AppointmentBooked", "AppointmentMoved", "AppointmentAtRisk", "AppointmentOffered"},
    "attended": {"AppointmentAttended"},
    "missed": {"AppointmentMissed"},
    "cancelled": {"AppointmentCancelled"},
    "declined": {"AppointmentDeclined"},
    "expired": {"AppointmentExpired"},
}
"""State → the last event about the appointment can be one of these."""


def messages(docs: Mapping[Root, Any], events: Iterable[Event], accepted: Iterable[str]) -> Iterator[str]:
    """accepted: references of what the provider took."""
    told: dict[str, set[str]] = defaultdict(set)
    for event in events:
        if event.type.startswith("Message"):
            told[event.body["message_id"]].add(event.type)
    kept = {key: one for (kind, _), doc in docs.items() if kind == "claim" for key, one in doc.messages.items()}
    for key, message in kept.items():
        if "MessageRequested" not in told[key]:
            yield f"message {key} is {message.state} and was never published as requested"
        wanted = MESSAGES.get(message.state)
        if wanted is not None and wanted not in told[key]:
            yield f"message {key} is {message.state}, published: {', '.join(sorted(told[key]))}"
        if wanted is None and told[key] & {"MessageSent", "MessageFailed", "MessageWithdrawn"}:
            yield f"message {key} is {message.state}, published: {', '.join(sorted(told[key]))}"
    taken = set(accepted)
    sent = {key for key, types in told.items() if "MessageSent" in types}
    yield from (f"message {key} was taken by the provider and never published as sent" for key in sorted(taken - sent))
    yield from (f"message {key} was published as sent and the provider never took it" for key in sorted(sent - taken))


def appointments(docs: Mapping[Root, Any], events: Iterable[Event]) -> Iterator[str]:
    """The state of each appointment and the last event about it."""
    last: dict[str, str] = {}
    for event in events:
        if event.type.startswith("Appointment"):
            last[event.body["appointment_id"]] = event.type
    for (kind, _), doc in docs.items():
        for key, one in doc.appointments.items() if kind == "claim" else ():
            if last.get(key) not in APPOINTMENTS[one.state]:
                yield f"appointment {key} is {one.state}, the last that was published: {last.get(key)}"


def engagements(docs: Mapping[Root, Any], events: Iterable[Event]) -> Iterator[str]:
    """Consents and engagements that are kept were published, and those that ended, as ended."""
    told: dict[str, set[str]] = defaultdict(set)
    for event in events:
        for name in ("consent_id", "engagement_id"):
            if name in event.body:
                told[event.body[name]].add(event.type)
    ends = {"live": None, "withdrawn": "ConsentWithdrawn", "expired": "ConsentExpired"}
    for (kind, _), doc in docs.items():
        if kind != "claim":
            continue
        for key, consent in doc.consents.items():
            ended = ends[consent.state]
            if "ConsentGiven" not in told[key] or (ended is not None and ended not in told[key]):
                yield f"consent {key} is {consent.state}, published: {', '.join(sorted(told[key]))}"
        for key, one in doc.engagements.items():
            closed = "EngagementClosed" in told[key]
            if "EngagementOpened" not in told[key] or closed != (one.state == "closed"):
                yield f"engagement {key} is {one.state}, published: {', '.join(sorted(told[key]))}"
