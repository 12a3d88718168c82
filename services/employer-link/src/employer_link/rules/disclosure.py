"""What an employer may see of an engagement, decided at the egress, every time (views, feed, webhooks)."""

from __future__ import annotations

from datetime import date
from typing import Literal

from employer_link.model import (
    ALWAYS_SHOWN,
    EMPLOYER_FIELDS,
    PERSONAL,
    Claim,
    Claimant,
    Engagement,
)
from employer_link.rules.decision import live, person_lost

Visibility = Literal["hidden", "gone", "visible"]


def visibility(claim: Claim, claimant: Claimant | None, engagement: Engagement, today: date) -> Visibility:
    """hidden: the employer never saw it (404). gone: the ground for showing it has ended (410). visible: allowed fields."""
    if engagement.shared_on is None:
        return "hidden"
    if not live(claim.consents.get(engagement.consent_id), today):
        return "gone"
    if claimant is not None and claimant.forbids(engagement.employer_id):
        return "gone"
    if person_lost(claim, engagement.claimant_id):
        return "gone"
    return "visible"


def shown_fields(claim: Claim, claimant: Claimant | None, engagement: Engagement, today: date) -> tuple[str, ...]:
    """The fields of the employer view, in its order; empty unless visible. Once closed, nothing identifies the person."""
    if visibility(claim, claimant, engagement, today) != "visible":
        return ()
    consented = claim.consents[engagement.consent_id].fields
    closed = engagement.state == "closed"
    return tuple(
        name for name in EMPLOYER_FIELDS if name in ALWAYS_SHOWN or (name in consented and not (closed and name in PERSONAL))
    )
