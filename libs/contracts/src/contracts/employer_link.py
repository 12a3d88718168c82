"""Events of the employer link: consents and three-way engagements. Ids and codes only."""

from __future__ import annotations

from datetime import date

import msgspec

from contracts.vocabulary import Answer, Ask, EngagementEnd, GivenBy, Party

# ---- employer-link.engagement.v1: consent ----


class _ConsentEvent(msgspec.Struct, frozen=True, kw_only=True):
    consent_id: str
    claim_id: str
    claimant_id: str
    employer_id: str


class ConsentGiven(_ConsentEvent, frozen=True, kw_only=True):
    """The claimant lets one employer see these fields, for this purpose, until a day (the last one)."""

    fields: tuple[str, ...]
    purpose: str
    expires_on: date
    wording_version: str
    given_by: GivenBy


class ConsentWithdrawn(_ConsentEvent, frozen=True, kw_only=True):
    """The claimant took the consent back."""


class ConsentExpired(_ConsentEvent, frozen=True, kw_only=True):
    """The consent's last day is over."""


class EmployerContactForbidden(msgspec.Struct, frozen=True, kw_only=True):
    """Hard stop: this employer (null: any) must not be contacted about this person."""

    claim_id: str
    claimant_id: str
    employer_id: str | None = None


class EmployerContactAllowed(EmployerContactForbidden, frozen=True, kw_only=True):
    """The hard stop was lifted by the claimant."""


# ---- employer-link.engagement.v1: engagement ----


class _EngagementEvent(msgspec.Struct, frozen=True, kw_only=True):
    engagement_id: str
    case_id: str | None = None
    claim_id: str
    claimant_id: str
    employer_id: str


class EmployerInvited(_EngagementEvent, frozen=True, kw_only=True):
    """An employer without an account was asked to join."""


class EngagementOpened(_EngagementEvent, frozen=True, kw_only=True):
    """A coach began a three-way conversation under a consent."""

    consent_id: str
    ask: Ask


class EngagementShared(_EngagementEvent, frozen=True, kw_only=True):
    """A party can see it now."""

    party: Party


class EngagementAnswered(_EngagementEvent, frozen=True, kw_only=True):
    """The employer answered the ask."""

    answer: Answer


class EngagementApproved(_EngagementEvent, frozen=True, kw_only=True):
    """A party approved the content; the first approval locks it, the coach approves last."""

    party: Party


class ApprovalsRevoked(_EngagementEvent, frozen=True, kw_only=True):
    """An edit took every approval back."""

    by: str
    why: str


class PlanAction(msgspec.Struct, frozen=True, kw_only=True):
    """One agreed action."""

    action_id: str
    owner: Party
    due_on: date


class PlanAgreed(_EngagementEvent, frozen=True, kw_only=True):
    """All three approved."""

    actions: tuple[PlanAction, ...]


class ActionDue(_EngagementEvent, frozen=True, kw_only=True):
    """An agreed action's day has come."""

    action_id: str


class ActionDone(_EngagementEvent, frozen=True, kw_only=True):
    """An agreed action was done."""

    action_id: str


class EmployerContacted(_EngagementEvent, frozen=True, kw_only=True):
    """A coach recorded a contact with the employer."""

    channel: str
    outcome: str


class EngagementClosed(_EngagementEvent, frozen=True, kw_only=True):
    """The engagement ended."""

    reason: EngagementEnd
