"""earnings.circumstances: who is on the claim and whether they may be contacted."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from contracts import earnings
from notifications.acts import appointments, contacts, moving, stops, times
from notifications.acts.appointments import expiry_id
from notifications.acts.documents import CLAIM, claim, save
from notifications.acts.messages import wait_id
from notifications.model import MOVED, ClaimDoc
from notifications.rules.meetings import is_open
from notifications.rules.sending import NOT_ON_CLAIM
from notifications.setup import Setup
from streaming.work import Work


def snapshot(work: Work, setup: Setup, event: Any) -> None:
    """A newer snapshot replaces the older one; what it stops is stopped at once, what waited for it goes on."""
    doc = claim(work, event.claim_id)
    newer = event.claim.version > _known_version(doc)
    if doc.erased and newer:
        save(work, replace(doc, erased=False))
    if isinstance(event, earnings.ClaimantMoved):
        moving.take_along(work, setup, event)
    if not newer:
        work.outcome = "superseded"
        return
    doc = replace(claim(work, event.claim_id), snapshot=event.claim)
    if isinstance(event, earnings.ClaimantErased):
        doc = _forget(work, doc, event.claimant_id)
    doc = save(work, doc)
    if event.backfill:
        return
    if isinstance(event, earnings.ClaimantMoved) and event.claim_id == event.from_claim_id != event.to_claim_id:
        doc = _gone(work, setup, doc, event.claimant_id)
    if doc.waiting:
        doc = contacts.answer_waiting(work, setup, doc)
    stops.after_circumstances(work, setup, doc)


def _gone(work: Work, setup: Setup, doc: ClaimDoc, claimant_id: str) -> ClaimDoc:
    """The person and their open cases are on another claim now, even if a snapshot still names them here."""
    theirs = {name: case for name, case in doc.cases.items() if case.claimant_id == claimant_id and case.ended is None}
    moved = {name: replace(case, ended=MOVED) for name, case in theirs.items()}
    doc = save(work, replace(doc, cases={**doc.cases, **moved}))
    return appointments.end_open(work, setup, doc, NOT_ON_CLAIM, claimant_id=claimant_id, case_id=None)


def claim_erased(work: Work, setup: Setup, event: earnings.ClaimErased) -> None:
    """Forget everything; only the fact of the erasure stays, so that nothing but a newer snapshot brings the claim back."""
    doc = claim(work, event.claim_id)
    for appointment in doc.appointments.values():
        if is_open(appointment):
            times.release(work, appointment)
    for person in doc.snapshot.claimants if doc.snapshot else ():
        work.append("erased_person", claimant_id=person.claimant_id)
    work.put(CLAIM, event.claim_id, ClaimDoc(claim_id=event.claim_id, erased=True, erased_version=_known_version(doc)))
    for timer in _timers(doc):
        work.cancel(timer)


def _known_version(doc: ClaimDoc) -> int:
    return doc.snapshot.version if doc.snapshot is not None else doc.erased_version


def _timers(doc: ClaimDoc) -> list[str]:
    return [*map(expiry_id, doc.appointments), *map(wait_id, doc.messages)]


def _forget(work: Work, doc: ClaimDoc, claimant_id: str) -> ClaimDoc:
    for appointment in doc.appointments.values():
        if appointment.claimant_id == claimant_id and is_open(appointment):
            times.release(work, appointment)
    work.append("erased_person", claimant_id=claimant_id)
    return replace(
        doc,
        erased_claimants=(*doc.erased_claimants, claimant_id),
        cases={name: case for name, case in doc.cases.items() if case.claimant_id != claimant_id},
        preferences=tuple(item for item in doc.preferences if item.claimant_id != claimant_id),
        disputes=tuple(item for item in doc.disputes if item.claimant_id != claimant_id),
        contacts=tuple(item for item in doc.contacts if item.claimant_id != claimant_id),
        waiting=tuple(item for item in doc.waiting if item.request.claimant_id != claimant_id),
        appointments={name: item for name, item in doc.appointments.items() if item.claimant_id != claimant_id},
        messages={name: item for name, item in doc.messages.items() if item.claimant_id != claimant_id},
    )
