"""Apply one event. One function per kind of event; the type of the body says which."""

from __future__ import annotations

from contracts import earnings, employer_link, referrals
from contracts.reference import CoachChanged, OfficeChanged
from contracts.upstream import ContactPreferences
from notifications.acts import contacts
from notifications.acts.documents import CLAIM, claim
from notifications.consumers import cases, circumstances, engagements, preferences, reference
from notifications.setup import Setup
from streaming.records import Item
from streaming.work import Work


def handle(setup: Setup, work: Work, item: Item) -> None:
    """One consumed event. Events that concern nobody here are applied by doing nothing."""
    body = item.body
    if _forgotten(work, item):
        work.outcome = "superseded"
        return
    match body:
        case (
            earnings.ClaimOpened()
            | earnings.ClaimChanged()
            | earnings.ClaimSuspended()
            | earnings.ClaimResumed()
            | earnings.ClaimClosed()
            | earnings.ClaimantChanged()
            | earnings.ClaimantErased()
            | earnings.ClaimantMoved()
        ):
            circumstances.snapshot(work, setup, body)
        case earnings.ClaimErased():
            circumstances.claim_erased(work, setup, body)
        case ContactPreferences():
            preferences.changed(work, setup, item.roots[0][1], body)
        case referrals.ContactRequested():
            contacts.requested(work, setup, body)
        case CoachChanged():
            reference.coach_changed(work, body)
        case OfficeChanged():
            reference.office_changed(work, body)
        case employer_link.ConsentGiven() | employer_link.EngagementShared() | employer_link.ApprovalsRevoked():
            engagements.told(work, setup, body)
        case employer_link.PlanAgreed():
            engagements.told(work, setup, body)
        case _:
            cases.changed(work, setup, body)


def _forgotten(work: Work, item: Item) -> bool:
    """The claim or the person was erased: nothing that comes later may be kept about them, but for a claim's newer snapshot."""
    kind, key = item.roots[0]
    if kind != CLAIM:
        return False
    doc = claim(work, key)
    if hasattr(item.body, "claim"):
        return False
    return doc.erased or getattr(item.body, "claimant_id", None) in doc.erased_claimants
