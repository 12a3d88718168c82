"""Performs a Decision: saves states, publishes events, fills employers' feeds and webhook queues, sets the claim's timer.

The one way that handlers, timers and commands change a claim, so that every change is settled before it is saved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import msgspec

from contracts.topics import EMPLOYER_LINK_ENGAGEMENT
from employer_link.model import Claim, Claimant, Delivery, Employer, Policy
from employer_link.rules.decision import Decision, Event
from employer_link.rules.settle import next_day, settle
from streaming.work import DueItem, Work, derive_id

LONDON = ZoneInfo("Europe/London")
SETTLE = "settle"

FEED = frozenset(
    {
        "EngagementShared", "EngagementAnswered", "EngagementApproved", "ApprovalsRevoked", "PlanAgreed",
        "ActionDue", "ActionDone", "EngagementClosed",
    }
)  # fmt: skip
"""What employers are told of, by id, once an engagement has been shared with them."""


def london_day(instant: datetime) -> date:
    """The calendar date in London."""
    return instant.astimezone(LONDON).date()


def start_of(day: date) -> datetime:
    """The first instant of a London day, in UTC."""
    return datetime.combine(day, time(), LONDON).astimezone(UTC)


def subject_of(event: Event) -> str:
    """The id an event is about."""
    for name in ("engagement_id", "consent_id", "claimant_id"):
        value = getattr(event, name, None)
        if isinstance(value, str):
            return value
    raise TypeError(f"{type(event).__name__} is about nothing")


def commit(
    work: Work, decision: Decision, policy: Policy, *, fired: bool = False, finish: Callable[[Claim], Claim] | None = None
) -> Claim:
    """Save a decision and what follows from it. Returns the claim as saved.

    fired: the claim's timer has just run and must be set again. finish: a last change after everything is told (erasure).
    """
    before: Claim | None = work.get("claim", decision.claim.claim_id)
    today = london_day(work.as_of)
    if decision.claimant is not None:
        work.put("claimant", decision.claimant.claimant_id, decision.claimant)
    concerned = {consent.claimant_id for consent in decision.claim.consents.values()}
    claimants: dict[str, Claimant | None] = {key: work.get("claimant", key) for key in sorted(concerned)}
    settled = settle(decision.claim, claimants, now=work.now, today=today, policy=policy)
    claim = settled.claim
    tell(work, claim, (*decision.events, *settled.events), decision.employer)
    if finish is not None:
        claim = finish(claim)
    if claim != before:
        work.put("claim", claim.claim_id, claim)
    _set_timer(work, before, claim, policy, fired)
    return claim


def _set_timer(work: Work, before: Claim | None, after: Claim, policy: Policy, fired: bool) -> None:
    due_id = derive_id(SETTLE, after.claim_id)
    was = None if before is None or fired else next_day(before, policy)
    day = next_day(after, policy)
    if day == was:
        return
    if day is None:
        work.cancel(due_id)
    else:
        work.schedule(DueItem(due_id, ("claim", after.claim_id), start_of(day), SETTLE))


def tell(work: Work, claim: Claim, events: Iterable[Event], employer: Employer | None = None) -> None:
    """Publish, and put what concerns an employer into its feed and, while the consent lives, its webhook queue."""
    employers: dict[str, Employer] = {} if employer is None else {employer.employer_id: employer}
    for event in events:
        event_id = work.emit(EMPLOYER_LINK_ENGAGEMENT, claim.claim_id, event, subject=subject_of(event))
        name = type(event).__name__
        if name not in FEED:
            continue
        engagement = claim.engagements[subject_of(event)]
        if engagement.shared_on is None:
            continue
        key = engagement.employer_id
        if key not in employers:
            employers[key] = work.get("employer", key) or Employer(employer_id=key)
        one = msgspec.structs.replace(employers[key], feed_head=employers[key].feed_head + 1)
        employers[key] = one
        work.append(
            "employer_event",
            employer_id=key,
            seq=one.feed_head,
            event_id=event_id,
            type=name,
            engagement_id=engagement.engagement_id,
            at=work.now,
        )
        if claim.consents[engagement.consent_id].state == "live":
            _queue(work, claim, one, engagement.engagement_id, event_id, name)
    for key, one in employers.items():
        work.put("employer", key, one)


def _queue(work: Work, claim: Claim, employer: Employer, engagement_id: str, event_id: str, name: str) -> None:
    for webhook in employer.webhooks:
        delivery_id = derive_id("delivery", webhook.webhook_id, event_id)
        work.put(
            "delivery",
            delivery_id,
            Delivery(
                delivery_id=delivery_id,
                webhook_id=webhook.webhook_id,
                employer_id=employer.employer_id,
                claim_id=claim.claim_id,
                engagement_id=engagement_id,
                event_id=event_id,
                type=name,
                at=work.now,
                next_at=work.now,
            ),
        )
