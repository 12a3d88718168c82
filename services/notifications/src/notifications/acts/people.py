"""A claimant's preferences in force, opened for use and sealed for keeping."""

from __future__ import annotations

from datetime import datetime

import msgspec

from contracts.upstream import ContactPreferences
from notifications.model import ClaimDoc, Preferences
from notifications.rules import preferences as rules
from notifications.rules.hours import london_day
from notifications.rules.preferences import Details
from notifications.setup import Setup


def _bound(claim_id: str, claimant_id: str) -> bytes:
    """What the encryption is tied to, so that a sealed value cannot be put on another person's record."""
    return f"{claim_id}\x1f{claimant_id}".encode()


def seal(setup: Setup, claim_id: str, sent: ContactPreferences) -> Preferences:
    """Preferences as kept. Raises BadPreferences."""
    plain = msgspec.json.encode(rules.details_of(sent))
    return Preferences(
        claimant_id=sent.claimant_id,
        version=sent.version,
        first=sent.from_,
        last=sent.until,
        channels=sent.channels_allowed,
        language=sent.language,
        sealed=setup.cipher.encrypt(plain, _bound(claim_id, sent.claimant_id)),
    )


def sealed_anew(setup: Setup, claim_id: str, other_id: str, known: Preferences) -> Preferences:
    """The same preferences for the person's record under another claim."""
    plain = setup.cipher.decrypt(known.sealed, _bound(claim_id, known.claimant_id))
    return msgspec.structs.replace(known, sealed=setup.cipher.encrypt(plain, _bound(other_id, known.claimant_id)))


def in_force(doc: ClaimDoc, claimant_id: str, now: datetime) -> Preferences | None:
    """The preferences that apply on the London day of `now`."""
    return rules.in_force(doc.preferences, claimant_id, london_day(now))


def details(setup: Setup, claim_id: str, preferences: Preferences | None) -> Details | None:
    """Opened for use. Never log or publish it."""
    if preferences is None:
        return None
    plain = setup.cipher.decrypt(preferences.sealed, _bound(claim_id, preferences.claimant_id))
    return msgspec.json.decode(plain, type=Details)
