"""The moves of an engagement: draft → shared → answered → agreed → following_up → closed.

Every move answers with a Decision or raises Illegal with the moves that are legal now. The party is who makes the move.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from contracts.employer_link import (
    ActionDone,
    ApprovalsRevoked,
    EmployerContacted,
    EmployerInvited,
    EngagementAnswered,
    EngagementApproved,
    EngagementClosed,
    EngagementOpened,
    EngagementShared,
    PlanAction,
    PlanAgreed,
)
from contracts.vocabulary import Answer, Ask, EngagementEnd, Party
from employer_link.model import Action, Claim, Claimant, Contact, Employer, Engagement, Illegal, Policy
from employer_link.rules.burden import next_allowed_on
from employer_link.rules.decision import (
    APPROVERS,
    Decision,
    Event,
    awaited,
    code,
    ids,
    job_lost,
    live,
    moved,
    person_lost,
    with_engagement,
)

COACH_REASONS: tuple[EngagementEnd, ...] = ("completed", "declined", "expired", "job_ended")
"""How a coach may close; consent_ended and claim_closed are only ever established from the facts."""


def allowed_moves(engagement: Engagement, party: Party) -> tuple[str, ...]:
    """The moves that this party may make now, by the names of the routes."""
    state = engagement.state
    if state == "closed":
        return ()
    moves: list[str] = []
    if party == "coach":
        if state == "draft" or (state == "shared" and engagement.next_mover == "coach"):
            moves.append("share")
        moves += ["amend", "contacts", "close"]
    if party == "employer" and state in ("shared", "answered"):
        moves.append("answer")
    if _may_approve(engagement, party):
        moves.append("approve")
    if state in ("agreed", "following_up") and any(a.owner == party and a.done_on is None for a in engagement.actions):
        moves.append("actions")
    return tuple(moves)


def _may_approve(engagement: Engagement, party: Party) -> bool:
    if engagement.state != "answered" or party in engagement.approvals:
        return False
    return party != "coach" or {"claimant", "employer"} <= set(engagement.approvals)


def _require(engagement: Engagement, party: Party, move: str) -> None:
    allowed = allowed_moves(engagement, party)
    if move not in allowed:
        raise Illegal("illegal-move", allowed=allowed)


def open_engagement(
    claim: Claim,
    claimant: Claimant | None,
    *,
    engagement_id: str,
    case_id: str,
    employer_id: str,
    consent_id: str,
    ask: Ask,
    now: datetime,
    today: date,
    policy: Policy,
) -> Decision:
    """A coach opens a draft under a live consent of the case's claimant for this employer; one open one per case and employer."""
    case = claim.cases.get(case_id)
    consent = claim.consents.get(consent_id)
    if case is None or not case.open:
        raise Illegal("case-not-open")
    if consent is None or (consent.claimant_id, consent.employer_id) != (case.claimant_id, employer_id):
        raise Illegal("consent-does-not-match")
    if claimant is not None and claimant.forbids(employer_id):
        raise Illegal("employer-contact-forbidden")
    if not live(consent, today):
        raise Illegal("consent-ended")
    if person_lost(claim, case.claimant_id):
        raise Illegal("claim-not-open")
    if job_lost(claim, case.claimant_id, employer_id, today):
        raise Illegal("job-ended")
    for other in claim.engagements.values():
        if (other.case_id, other.employer_id) == (case_id, employer_id) and other.state != "closed":
            raise Illegal("engagement-exists")
    draft = Engagement(
        engagement_id=engagement_id,
        case_id=case_id,
        claimant_id=case.claimant_id,
        employer_id=employer_id,
        consent_id=consent_id,
        ask=ask,
        opened_at=now,
    )
    mover, due_on = awaited(draft, today, policy)
    draft = msgspec.structs.replace(draft, next_mover=mover, due_on=due_on)
    event = EngagementOpened(**ids(claim, draft), consent_id=consent_id, ask=ask)
    return Decision(with_engagement(claim, draft), (event,))


def _contact(
    claim: Claim,
    claimant: Claimant | None,
    employer: Employer,
    engagement: Engagement,
    today: date,
    policy: Policy,
    override: str | None,
    channel: str,
    outcome: str,
) -> Employer:
    """The hard stops at the egress, then the burden cap, then the contact is counted. Only the cap can be overridden."""
    if claimant is not None and claimant.forbids(engagement.employer_id):
        raise Illegal("employer-contact-forbidden")
    if not live(claim.consents.get(engagement.consent_id), today):
        raise Illegal("consent-ended")
    if claim.status != "open" or person_lost(claim, engagement.claimant_id):
        raise Illegal("claim-not-open")
    if job_lost(claim, engagement.claimant_id, engagement.employer_id, today):
        raise Illegal("job-ended")
    wait = next_allowed_on((c.on for c in employer.contacts), today, cap=policy.cap_contacts, days=policy.cap_days)
    if wait is not None and override is None:
        raise Illegal("employer-contact-cap", next_allowed_on=wait)
    recent = tuple(c for c in employer.contacts if (today - c.on).days < policy.cap_days)
    counted = Contact(
        on=today,
        engagement_id=engagement.engagement_id,
        channel=channel,
        outcome=outcome,
        override=override if wait is not None else None,
    )
    return msgspec.structs.replace(employer, contacts=(*recent, counted))


def share(
    claim: Claim,
    claimant: Claimant | None,
    employer: Employer,
    engagement: Engagement,
    *,
    override: str | None,
    today: date,
    policy: Policy,
) -> Decision:
    """The employer can see it from now on. Counts as a contact."""
    _require(engagement, "coach", "share")
    employer = _contact(claim, claimant, employer, engagement, today, policy, override, "platform", "shared")
    names = ids(claim, engagement)
    events: list[Event] = []
    if not employer.invited:
        employer = msgspec.structs.replace(employer, invited=True)
        events.append(EmployerInvited(**names))
    events.append(EngagementShared(**names, party="employer"))
    after = moved(engagement, today, policy, state="shared", shared_on=engagement.shared_on or today)
    return Decision(with_engagement(claim, after), tuple(events), employer=employer)


def contact(
    claim: Claim,
    claimant: Claimant | None,
    employer: Employer,
    engagement: Engagement,
    *,
    channel: str,
    outcome: str,
    override: str | None,
    today: date,
    policy: Policy,
) -> Decision:
    """A coach contacts the employer outside the platform; the same stops hold. Nobody's turn changes."""
    _require(engagement, "coach", "contacts")
    employer = _contact(claim, claimant, employer, engagement, today, policy, override, channel, outcome)
    after = msgspec.structs.replace(engagement, revision=engagement.revision + 1)
    event = EmployerContacted(**ids(claim, engagement), channel=code(channel), outcome=code(outcome))
    return Decision(with_engagement(claim, after), (event,), employer=employer)


def answer(claim: Claim, engagement: Engagement, *, answer: Answer, action_id: str, today: date, policy: Policy) -> Decision:
    """The employer answers. An offer becomes the plan's first action, theirs; a changed answer revokes all approvals.

    need_time: the employer keeps the move, with more time. wrong_contact: the coach's move. none, not_our_employee: closed.
    """
    _require(engagement, "employer", "answer")
    names = ids(claim, engagement)
    events: list[Event] = [EngagementAnswered(**names, answer=answer)]
    if engagement.state == "answered":
        events.append(ApprovalsRevoked(**names, by="employer", why="answer_changed"))
    changes: dict[str, Any] = {"answer": answer, "approvals": ()}
    match answer:
        case "need_time":
            later = today + timedelta(days=policy.more_time)
            changes |= {"state": "shared", "next_mover": "employer", "due_on": later}
        case "wrong_contact":
            later = today + timedelta(days=policy.wrong_contact)
            changes |= {"state": "shared", "next_mover": "coach", "due_on": later}
        case "none" | "not_our_employee":
            changes |= {"state": "closed", "closed_reason": "declined"}
            events.append(EngagementClosed(**names, reason="declined"))
        case "more_hours" | "different_shifts" | "training" | "higher_role":
            offered = Action(action_id=action_id, owner="employer", due_on=today + timedelta(days=policy.default_action))
            changes |= {"state": "answered", "actions": engagement.actions or (offered,)}
    return Decision(with_engagement(claim, moved(engagement, today, policy, **changes)), tuple(events))


def approve(claim: Claim, engagement: Engagement, party: Party, *, today: date, policy: Policy) -> Decision:
    """A party approves the content as it is. The coach's approval, the last, makes it the agreed plan."""
    if party == "coach" and engagement.state == "answered" and not _may_approve(engagement, "coach"):
        raise Illegal("coach-approves-last", allowed=allowed_moves(engagement, party))
    _require(engagement, party, "approve")
    names = ids(claim, engagement)
    events: list[Event] = [EngagementApproved(**names, party=party)]
    approvals = (*engagement.approvals, party)
    state = engagement.state
    if set(approvals) == set(APPROVERS):
        state = "agreed"
        plan = tuple(
            PlanAction(action_id=action.action_id, owner=action.owner, due_on=action.due_on)
            for action in engagement.actions
            if action.done_on is None
        )
        events.append(PlanAgreed(**names, actions=plan))
    after = moved(engagement, today, policy, state=state, approvals=approvals)
    return Decision(with_engagement(claim, after), tuple(events))


def amend(
    claim: Claim,
    engagement: Engagement,
    *,
    ask: Ask | None,
    actions: Sequence[Action] | None,
    why: str,
    today: date,
    policy: Policy,
) -> Decision:
    """A coach edits the ask or the plan. All approvals are void, everybody is told, an agreed plan must be approved anew.

    actions: the new plan; what is already done stays on record.
    """
    _require(engagement, "coach", "amend")
    if any(action.due_on < today for action in actions or ()):
        raise Illegal("due-on-past")
    changes: dict[str, Any] = {"approvals": ()}
    if ask is not None:
        changes["ask"] = ask
    if actions is not None:
        changes["actions"] = (*(a for a in engagement.actions if a.done_on is not None), *actions)
    if engagement.state in ("agreed", "following_up"):
        changes["state"] = "answered"
    if engagement.state in ("draft", "shared"):
        changes |= {"next_mover": engagement.next_mover, "due_on": engagement.due_on}
    after = moved(engagement, today, policy, **changes)
    event = ApprovalsRevoked(**ids(claim, engagement), by="coach", why=code(why))
    return Decision(with_engagement(claim, after), (event,))


def done(claim: Claim, engagement: Engagement, party: Party, *, action_id: str | None, today: date, policy: Policy) -> Decision:
    """The owner of an agreed action says it is done (None: the one due first). When all are, the coach's move is to close."""
    _require(engagement, party, "actions")
    mine = [a for a in engagement.actions if a.owner == party and a.done_on is None]
    if action_id is None:
        action_id = min(mine, key=lambda a: (a.due_on, a.action_id)).action_id
    if action_id not in {a.action_id for a in mine}:
        raise Illegal("not-your-open-action", allowed=allowed_moves(engagement, party))
    actions = tuple(msgspec.structs.replace(a, done_on=today) if a.action_id == action_id else a for a in engagement.actions)
    after = moved(engagement, today, policy, state="following_up", actions=actions)
    event = ActionDone(**ids(claim, engagement), action_id=action_id)
    return Decision(with_engagement(claim, after), (event,))


def close(claim: Claim, engagement: Engagement, *, reason: EngagementEnd, today: date, policy: Policy) -> Decision:
    """A coach ends it. `completed` needs an agreed plan."""
    _require(engagement, "coach", "close")
    if reason not in COACH_REASONS or (reason == "completed" and engagement.state not in ("agreed", "following_up")):
        raise Illegal("reason-not-allowed", allowed=allowed_moves(engagement, "coach"))
    after = moved(engagement, today, policy, state="closed", closed_reason=reason)
    return Decision(with_engagement(claim, after), (EngagementClosed(**ids(claim, engagement), reason=reason),))
