"""Inbound topics: what each event changes. Facts are stored first; then the claim is judged from all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from contracts import earnings, employer_link, envelope, notifications, topics
from contracts.errors import ContractError
from referrals import facts, leaving, replies
from referrals.desk import KIND, Desk, Setup
from referrals.judging import judge_changes
from streaming.records import Bad, Cause, Ignored, Item, Prepared, Record
from streaming.work import Work

TOPICS = (
    topics.EARNINGS_CIRCUMSTANCES,
    topics.EARNINGS_PERIOD,
    topics.EARNINGS_PAYMENT,
    topics.NOTIFICATIONS_APPOINTMENT,
    topics.NOTIFICATIONS_MESSAGE,
    topics.EMPLOYER_LINK_ENGAGEMENT,
)

SNAPSHOTS = (topics.EARNINGS_CIRCUMSTANCES, topics.EARNINGS_PERIOD)
"""Their versions tell duplicates; everything else goes through the inbox."""


def inbound() -> dict[str, Callable[[Sequence[Record]], Sequence[Prepared]]]:
    """Topic → prepare, for the service's Spec."""
    return {topic: partial(_prepare_all, topic) for topic in TOPICS}


def _prepare_all(topic: str, records: Sequence[Record]) -> Sequence[Prepared]:
    return [_prepare(topic, record) for record in records]


def _prepare(topic: str, record: Record) -> Prepared:
    try:
        head = envelope.parse(record.headers)
        event = envelope.decode(head.type, record.value, topic=topic)
    except ContractError as error:
        return Bad(record, error.reason)
    if event is None:
        return Ignored(record, "unknown_type")
    claim_id = getattr(event, "claim_id", None)
    if not isinstance(claim_id, str) or not claim_id or "\x00" in claim_id:
        return Bad(record, "claim_id_invalid")
    roots = [(KIND, claim_id)]
    if isinstance(event, earnings.ClaimantMoved):
        roots += [(KIND, other) for other in (event.from_claim_id, event.to_claim_id) if other != claim_id]
    cause = Cause(head.id, head.correlation_id or head.id, head.traceparent)
    return Item(record, cause, tuple(roots), event, None if topic in SNAPSHOTS else f"{head.source}/{head.id}")


def handle(setup: Setup, work: Work, item: Item) -> None:
    """One event. Unlisted types are of no interest here."""
    match item.body:
        case earnings.ClaimErased() as event:
            leaving.erase_claim(Desk(work, event.claim_id, setup))
        case earnings.ClaimantMoved() as event:
            leaving.move(setup, work, event)
            _circumstances(setup, work, event.claim_id, event.claim)
        case earnings.ClaimantErased() as event:
            _circumstances(setup, work, event.claim_id, event.claim)
            leaving.erase_person(Desk(work, event.claim_id, setup), event.claimant_id)
        case (
            earnings.ClaimOpened()
            | earnings.ClaimChanged()
            | earnings.ClaimSuspended()
            | earnings.ClaimResumed()
            | earnings.ClaimClosed()
            | earnings.ClaimantChanged()
        ) as event:
            _circumstances(setup, work, event.claim_id, event.claim)
        case earnings.PeriodAssessed() as event:
            _period(setup, work, event)
        case earnings.EarningsQueryRaised() as event:
            desk = Desk(work, event.claim_id, setup)
            desk.keep(facts.with_query(desk.person(event.claimant_id), event))
            desk.save()
        case earnings.EarningsQueryResolved() as event:
            desk = Desk(work, event.claim_id, setup)
            desk.keep(facts.without_query(desk.person(event.claimant_id), event))
            desk.save()
        case msgspec.Struct() as event if type(event).__name__ in _ELSEWHERE:
            replies.handle(Desk(work, getattr(event, "claim_id"), setup), event)  # noqa: B009 - checked in prepare
        case _:
            work.outcome = "ignored"


_ELSEWHERE = frozenset(
    event.__name__
    for event in (
        notifications.AppointmentOffered,
        notifications.AppointmentBooked,
        notifications.AppointmentDeclined,
        notifications.AppointmentExpired,
        notifications.AppointmentMoved,
        notifications.AppointmentCancelled,
        notifications.AppointmentAtRisk,
        notifications.AppointmentAttended,
        notifications.AppointmentMissed,
        notifications.NoSlotFound,
        notifications.MessageRequested,
        notifications.MessageSent,
        notifications.MessageFailed,
        notifications.MessageWithdrawn,
        employer_link.EngagementOpened,
        employer_link.EngagementShared,
        employer_link.EngagementAnswered,
        employer_link.EngagementApproved,
        employer_link.ApprovalsRevoked,
        employer_link.PlanAgreed,
        employer_link.ActionDue,
        employer_link.EngagementClosed,
    )
)


def _circumstances(setup: Setup, work: Work, claim_id: str, claim: earnings.Claim) -> None:
    desk = Desk(work, claim_id, setup)
    before = desk.doc
    after = facts.with_claim(before, claim, work.now)
    if after is None:
        work.outcome = "superseded"
        return
    desk.doc = after
    leaving.follow_circumstances(desk, before)
    judge_changes(desk, before)
    desk.save()
    leaving.carry_on(desk)


def _period(setup: Setup, work: Work, event: earnings.PeriodAssessed) -> None:
    desk = Desk(work, event.claim_id, setup)
    before = desk.doc
    after = facts.with_period(before, event)
    if after is None:
        work.outcome = "superseded"
        return
    desk.doc = after
    if not desk.doc.erased:
        judge_changes(desk, before)
    desk.save()
    leaving.carry_on(desk)
