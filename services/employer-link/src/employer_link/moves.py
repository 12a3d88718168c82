"""Each move as the rule that a command runs under the lock; they differ only in what they need from the documents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import TypeAlias

from contracts.vocabulary import Answer, Ask, EngagementEnd, Party
from employer_link.model import Action, Claim, Employer, Engagement, Policy
from employer_link.rules import engagements
from employer_link.rules.decision import Decision
from streaming.work import Work

Rule: TypeAlias = Callable[[Work, Claim, Engagement, date], Decision]
"""(work, claim, engagement, today) → Decision. Raises Illegal."""


def _employer(work: Work, engagement: Engagement) -> Employer:
    return work.get("employer", engagement.employer_id) or Employer(employer_id=engagement.employer_id)


def sharing(override: str | None, policy: Policy) -> Rule:
    """The coach shares it with the employer."""

    def rule(work: Work, claim: Claim, engagement: Engagement, today: date) -> Decision:
        claimant = work.get("claimant", engagement.claimant_id)
        employer = _employer(work, engagement)
        return engagements.share(claim, claimant, employer, engagement, override=override, today=today, policy=policy)

    return rule


def contacting(channel: str, outcome: str, override: str | None, policy: Policy) -> Rule:
    """The coach contacts the employer outside the platform."""

    def rule(work: Work, claim: Claim, engagement: Engagement, today: date) -> Decision:
        return engagements.contact(
            claim,
            work.get("claimant", engagement.claimant_id),
            _employer(work, engagement),
            engagement,
            channel=channel,
            outcome=outcome,
            override=override,
            today=today,
            policy=policy,
        )

    return rule


def amending(ask: Ask | None, plan: Sequence[tuple[Party, date]] | None, why: str, policy: Policy) -> Rule:
    """The coach edits the ask or the plan (owner and day of each action)."""

    def rule(work: Work, claim: Claim, engagement: Engagement, today: date) -> Decision:
        actions = None
        if plan is not None:
            actions = [Action(action_id=work.next_id("action"), owner=owner, due_on=due_on) for owner, due_on in plan]
        return engagements.amend(claim, engagement, ask=ask, actions=actions, why=why, today=today, policy=policy)

    return rule


def answering(answer: Answer, policy: Policy) -> Rule:
    """The employer answers."""

    def rule(work: Work, claim: Claim, engagement: Engagement, today: date) -> Decision:
        action_id = work.next_id("action")
        return engagements.answer(claim, engagement, answer=answer, action_id=action_id, today=today, policy=policy)

    return rule


def approving(party: Party, policy: Policy) -> Rule:
    """A party approves."""

    def rule(work: Work, claim: Claim, engagement: Engagement, today: date) -> Decision:
        return engagements.approve(claim, engagement, party, today=today, policy=policy)

    return rule


def completing(party: Party, action_id: str | None, policy: Policy) -> Rule:
    """The owner of an action has done it."""

    def rule(work: Work, claim: Claim, engagement: Engagement, today: date) -> Decision:
        return engagements.done(claim, engagement, party, action_id=action_id, today=today, policy=policy)

    return rule


def closing(reason: EngagementEnd, policy: Policy) -> Rule:
    """The coach closes it."""

    def rule(work: Work, claim: Claim, engagement: Engagement, today: date) -> Decision:
        return engagements.close(claim, engagement, reason=reason, today=today, policy=policy)

    return rule
