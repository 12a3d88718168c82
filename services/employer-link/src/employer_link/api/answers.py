"""Bodies of answers, for the API document. The views build them; a test holds the two together."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from contracts.vocabulary import Answer, Ask, EngagementEnd, EngagementState, GivenBy, Party
from web.answers import Answered
from web.answers import Page as Page

Etag = Annotated[str | None, Field(description="In lists: the item's ETag, for If-Match")]


class Recorded(Answered):
    """Who recorded an act of the claimant, why, and on what evidence."""

    coach_id: str
    reason: str
    evidence: str


class ConsentView(Answered):
    """A consent. expires_on: its last day."""

    consent_id: str
    claimant_id: str
    employer_id: str
    fields: list[str]
    purpose: str
    expires_on: date
    wording_version: str
    given_by: GivenBy
    given_at: datetime
    state: Literal["live", "withdrawn", "expired"]
    ended_at: datetime | None
    on_behalf: Recorded | None = None
    ended_on_behalf: Recorded | None = None
    etag: Etag = None


class EmployerContactView(Answered):
    """allowed: for employers that are not listed as forbidden."""

    claimant_id: str
    employer_id: None
    allowed: bool
    forbidden_employer_ids: list[str]
    on_behalf: Recorded | None = None


class ActionView(Answered):
    """One action of a plan."""

    action_id: str
    owner: Party
    due_on: date
    done_on: date | None


class PlanView(Answered):
    """The plan as it stands; agreed once all three have approved."""

    answer: Answer | None
    approvals: list[Party]
    actions: list[ActionView]


class EngagementView(Answered):
    """An engagement for the coach or the claimant. allowed: the reader's moves now."""

    engagement_id: str
    case_id: str
    claim_id: str
    claimant_id: str
    employer_id: str
    consent_id: str
    consent_expires_on: date
    state: EngagementState
    ask: Ask
    answer: Answer | None
    plan: PlanView
    next_mover: Party | None
    due_on: date | None
    opened_at: datetime
    shared_on: date | None
    closed_reason: EngagementEnd | None
    allowed: list[str]
    etag: Etag = None


class CoachContact(Answered):
    """Whom the employer speaks to."""

    coach_id: str | None
    office_id: str | None
    office_name: str | None


class EmployerEngagementView(Answered):
    """An engagement for its employer: fields that were not consented to are absent. Answers to moves carry no names."""

    engagement_id: str
    state: EngagementState
    employee_name: str | None = None
    payroll_id: str | None = None
    ask: Ask | None = None
    coach_contact: CoachContact | None = None
    consent_expires_on: date
    plan: PlanView | None = None
    next_mover: Party | None
    due_on: date | None


class EmployerEntry(Answered):
    """An employer found. paye_scheme: null until known."""

    employer_id: str
    name: str | None
    paye_scheme: str | None


class EventView(Answered):
    """An entry of the feed. cursor: goes on after this entry."""

    event_id: str
    type: str
    engagement_id: str
    employer_id: str
    at: datetime
    cursor: str


class WebhookView(Answered):
    """A registration. secret: only in the answer to the registration."""

    webhook_id: str
    url: str
    created_at: datetime
    secret: str | None = None
    etag: Etag = None
