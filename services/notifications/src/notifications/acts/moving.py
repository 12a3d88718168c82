"""A claimant goes to another claim: how they may be reached, what protects them and how often they were contacted go along."""

from __future__ import annotations

from msgspec.structs import replace

from contracts.earnings import ClaimantMoved
from notifications.acts import messages, people
from notifications.acts.documents import claim, save
from notifications.setup import Setup
from streaming.work import Work


def take_along(work: Work, setup: Setup, event: ClaimantMoved) -> None:
    """Once, with whichever of the two claims' events comes first; what upstream says under the new claim goes on counting."""
    who = event.claimant_id
    source, target = claim(work, event.from_claim_id), claim(work, event.to_claim_id)
    if event.from_claim_id == event.to_claim_id or any(doc.erased or who in doc.erased_claimants for doc in (source, target)):
        return
    newest = max((item.version for item in target.preferences if item.claimant_id == who), default=-1)
    brought = tuple(
        people.sealed_anew(setup, source.claim_id, target.claim_id, item)
        for item in source.preferences
        if item.claimant_id == who and item.version > newest
    )
    contacts = tuple(item for item in source.contacts if item.claimant_id == who and item not in target.contacts)
    disputes = tuple(item for item in source.disputes if item.claimant_id == who)
    if disputes:
        save(work, replace(source, disputes=tuple(item for item in source.disputes if item not in disputes)))
    if not (brought or contacts or disputes):
        return
    others = tuple(item for item in target.disputes if item not in disputes)
    doc = replace(
        target,
        preferences=(*target.preferences, *brought),
        contacts=(*target.contacts, *contacts),
        disputes=(*others, *disputes),
    )
    messages.address_waiting(work, setup, save(work, doc))
