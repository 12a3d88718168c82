"""What follows from the facts and the date alone, without anybody's move. Run after every change of facts and by timer.

Because everything that ends an engagement ends it here, no fact can be forgotten: consent over, hard stop, job or claim
over, person gone or dead, nobody moved for too long.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

import msgspec

from contracts.employer_link import ActionDue, ConsentExpired, ConsentWithdrawn, EngagementClosed
from contracts.vocabulary import EngagementEnd
from employer_link.model import Claim, Claimant, Consent, Engagement, Policy
from employer_link.rules.decision import (
    Decision,
    Event,
    ids,
    job_lost,
    live,
    moved,
    person_lost,
    with_consent,
    with_engagement,
)


def settle(claim: Claim, claimants: Mapping[str, Claimant | None], *, now: datetime, today: date, policy: Policy) -> Decision:
    """Ends what has lost its ground and announces actions whose day has come. claimants: by id, None = never heard of."""
    events: list[Event] = []
    for consent in list(claim.consents.values()):
        after, event = _consent(claim, consent, claimants.get(consent.claimant_id), now, today)
        if event is not None:
            claim = with_consent(claim, after)
            events.append(event)
    for engagement in list(claim.engagements.values()):
        if engagement.state == "closed":
            continue
        reason = _ground_lost(claim, engagement, today, policy)
        if reason is not None:
            claim = with_engagement(claim, moved(engagement, today, policy, state="closed", closed_reason=reason))
            events.append(EngagementClosed(**ids(claim, engagement), reason=reason))
        elif engagement.state in ("agreed", "following_up"):
            claim, due = _actions_due(claim, engagement, today, policy)
            events.extend(due)
    return Decision(claim, tuple(events))


def _consent(
    claim: Claim, consent: Consent, claimant: Claimant | None, now: datetime, today: date
) -> tuple[Consent, Event | None]:
    if consent.state != "live":
        return consent, None
    names = {
        "consent_id": consent.consent_id,
        "claim_id": claim.claim_id,
        "claimant_id": consent.claimant_id,
        "employer_id": consent.employer_id,
    }
    if claimant is not None and claimant.forbids(consent.employer_id):
        return msgspec.structs.replace(consent, state="withdrawn", ended_at=now), ConsentWithdrawn(**names)
    if today > consent.expires_on or person_lost(claim, consent.claimant_id):
        return msgspec.structs.replace(consent, state="expired", ended_at=now), ConsentExpired(**names)
    return consent, None


def _ground_lost(claim: Claim, engagement: Engagement, today: date, policy: Policy) -> EngagementEnd | None:
    if person_lost(claim, engagement.claimant_id):
        return "claim_closed"
    if not live(claim.consents.get(engagement.consent_id), today):
        return "consent_ended"
    if job_lost(claim, engagement.claimant_id, engagement.employer_id, today):
        return "job_ended"
    if engagement.due_on is not None and today > engagement.due_on + timedelta(days=policy.overdue_days):
        return "expired"
    return None


def _actions_due(claim: Claim, engagement: Engagement, today: date, policy: Policy) -> tuple[Claim, list[Event]]:
    events: list[Event] = []
    actions = list(engagement.actions)
    for index, action in enumerate(actions):
        if action.done_on is None and not action.announced and action.due_on <= today:
            actions[index] = msgspec.structs.replace(action, announced=True)
            events.append(ActionDue(**ids(claim, engagement), action_id=action.action_id))
    if events:
        claim = with_engagement(claim, moved(engagement, today, policy, state="following_up", actions=tuple(actions)))
    return claim, events


def next_day(claim: Claim, policy: Policy) -> date | None:
    """The first day on which `settle` will find something to do if nobody moves; None: never."""
    days: list[date] = [c.expires_on + timedelta(days=1) for c in claim.consents.values() if c.state == "live"]
    for engagement in claim.engagements.values():
        if engagement.state == "closed":
            continue
        if engagement.due_on is not None:
            days.append(engagement.due_on + timedelta(days=policy.overdue_days + 1))
        if engagement.state in ("agreed", "following_up"):
            days.extend(a.due_on for a in engagement.actions if a.done_on is None and not a.announced)
        days.extend(_job_ends(claim, engagement))
    return min(days, default=None)


def _job_ends(claim: Claim, engagement: Engagement) -> list[date]:
    """The day after the last of this person's jobs with this employer, if all of them are known to end."""
    ends = [
        job.ended_on
        for job in claim.employments.values()
        if (job.claimant_id, job.employer_id) == (engagement.claimant_id, engagement.employer_id)
    ]
    known = [end for end in ends if end is not None]
    return [max(known) + timedelta(days=1)] if known and len(known) == len(ends) else []
