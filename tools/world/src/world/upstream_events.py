"""CloudEvents about a person: contact preferences, easements, conditionality (binary mode, type = topic)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from contracts import topics
from world import rti
from world.documents import derived_id
from world.model import Claim, Contact, Easement, Person

_EVERY_DAY = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event, published on `day`."""

    day: date
    topic: str
    claim_id: str
    event_id: str
    value: bytes

    def headers(self, at: datetime) -> tuple[tuple[str, bytes], ...]:
        """CloudEvents 1.0 headers."""
        return (
            ("ce_specversion", b"1.0"),
            ("ce_id", self.event_id.encode()),
            ("ce_type", self.topic.encode()),
            ("ce_source", b"urn:example:uc-full-service"),
            ("ce_time", at.strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()),
            ("ce_partitionkey", self.claim_id.encode()),
            ("content-type", b"application/json"),
        )


def about(claim: Claim, person: Person) -> Iterator[Event]:
    """All events about the person on this claim; versions rise per person and topic."""
    for version, contact in enumerate(person.contact, start=1):
        yield _event(claim, topics.CONTACT_PREFERENCES, contact.since, _preferences(person, contact, version))
    for version, easement in enumerate(sorted(person.easements, key=lambda e: e.since), start=1):
        yield _event(claim, topics.CLAIMANT_EASEMENT, easement.decided_on, _easement(person, easement, version))
    if person.conditionality is not None:
        facts = person.conditionality
        body = {
            "claimant_id": person.person_id,
            "version": 1,
            "from": claim.entitlement.isoformat(),
            "age_band": facts.age_band,
            "expected_hours": facts.hours,
            "legal_group": facts.legal_group,
            "partner_ineligible": False,
        }
        yield _event(claim, topics.CLAIMANT_CONDITIONALITY, claim.arrives_on, body)


def _event(claim: Claim, topic: str, day: date, body: dict[str, Any]) -> Event:
    event_id = derived_id(topic, body["claimant_id"], str(body["version"]))
    day = max(day, claim.arrives_on)
    return Event(day=day, topic=topic, claim_id=claim.claim_id, event_id=event_id, value=rti.encode(body))


def _preferences(person: Person, contact: Contact, version: int) -> dict[str, Any]:
    return {
        "claimant_id": person.person_id,
        "version": version,
        "from": contact.since.isoformat(),
        "until": None,
        "channels_allowed": list(contact.channels),
        "email": contact.email,
        "phone": contact.phone,
        "address": contact.address,
        "language": contact.language,
        "needs": list(contact.needs),
        "quiet_hours": _hours(_EVERY_DAY, contact.quiet),
        "working_pattern": _hours(_EVERY_DAY[:5], contact.works),
    }


def _hours(days: tuple[str, ...], span: tuple[str, str] | None) -> list[dict[str, Any]] | None:
    return None if span is None else [{"days": list(days), "from": span[0], "to": span[1]}]


def _easement(person: Person, easement: Easement, version: int) -> dict[str, Any]:
    # "No contact until" names the first day on which contact is allowed again.
    free = easement.until + timedelta(days=1)
    return {
        "claimant_id": person.person_id,
        "version": version,
        "from": easement.since.isoformat(),
        "until": easement.until.isoformat(),
        "no_contact_until": None if easement.voluntary_only else free.isoformat(),
        "voluntary_only": easement.voluntary_only,
        "review_on": free.isoformat(),
    }
