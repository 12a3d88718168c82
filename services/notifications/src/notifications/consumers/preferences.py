"""upstream.claimant.contact-preferences: how to reach a person; kept encrypted, never passed on."""

from __future__ import annotations

from msgspec.structs import replace

from contracts.upstream import ContactPreferences
from notifications.acts import messages
from notifications.acts.documents import claim, save
from notifications.acts.people import seal
from notifications.rules.hours import london_day
from notifications.rules.preferences import BadPreferences, keep
from notifications.setup import Setup
from streaming.errors import Rejected
from streaming.work import Work


def changed(work: Work, setup: Setup, claim_id: str, event: ContactPreferences) -> None:
    """A newer version replaces the older one; messages that waited for contact details can go."""
    doc = claim(work, claim_id)
    try:
        new = seal(setup, claim_id, event)
    except BadPreferences as bad:
        raise Rejected(f"body_invalid:{bad.field}") from None
    kept = keep(doc.preferences, new, london_day(work.now))
    if kept is None:
        work.outcome = "superseded"
        return
    messages.address_waiting(work, setup, save(work, replace(doc, preferences=kept)))
