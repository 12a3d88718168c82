"""employer-link.engagement: what the claimant is told about the three-way conversation."""

from __future__ import annotations

from contracts.employer_link import ApprovalsRevoked, ConsentGiven, EngagementShared, PlanAgreed
from notifications.acts import messages
from notifications.acts.documents import claim
from notifications.setup import Setup
from streaming.work import Work

Told = ConsentGiven | EngagementShared | ApprovalsRevoked | PlanAgreed


def told(work: Work, setup: Setup, event: Told) -> None:
    """A message to the claimant for what they should know. Employers are told by the employer link's own feed."""
    match event:
        case ConsentGiven():
            if event.given_by == "on_behalf":
                _tell(work, setup, event, "consent-recorded", None, event.consent_id)
        case EngagementShared():
            if event.party == "claimant":
                _tell(work, setup, event, "engagement-shared", event.case_id, event.engagement_id)
        case ApprovalsRevoked():
            _tell(work, setup, event, "engagement-changed", event.case_id, event.engagement_id)
        case PlanAgreed():
            _tell(work, setup, event, "plan-agreed", event.case_id, event.engagement_id)


def _tell(work: Work, setup: Setup, event: Told, template: str, case_id: str | None, regarding: str) -> None:
    messages.request(
        work,
        setup,
        claim(work, event.claim_id),
        template=template,
        claimant_id=event.claimant_id,
        case_id=case_id,
        regarding=regarding,
    )
