"""Bodies of requests. Unknown fields are refused; texts are short."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.vocabulary import Answer, Ask, EngagementEnd, Party

Id = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class Body(BaseModel):
    """Strict: what is not documented is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(Body):
    """`{}`."""


class OnBehalfOf(Body):
    """A coach records an act of the claimant: whose, why, and on what evidence. All three or none."""

    on_behalf_of: Id | None = None
    reason: Line | None = None
    evidence: Line | None = None


class NewConsent(OnBehalfOf):
    """fields: names of the employer view. expires_on: the last day. purpose: a code goes to topics, other words stay here."""

    claimant_id: Id
    employer_id: Id
    fields: Annotated[list[str], Field(min_length=1, max_length=20)]
    purpose: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    expires_on: date
    wording_version: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")]


class EmployerContact(OnBehalfOf):
    """employer_id null: every employer."""

    employer_id: Id | None = None
    allowed: bool


class NewEngagement(Body):
    """Opens a draft."""

    case_id: Id
    employer_id: Id
    consent_id: Id
    ask: Ask


class Share(Body):
    """override_reason: why the contact cap does not hold here; kept with the contact."""

    override_reason: Line | None = None


class PlannedAction(Body):
    """One action of a plan."""

    owner: Party
    due_on: date


class Amendment(Body):
    """A new ask, a new plan, or both. why: everybody is told it if it is a code, else `other`."""

    by: Literal["coach"] = "coach"
    ask: Ask | None = None
    actions: Annotated[list[PlannedAction], Field(max_length=20)] | None = None
    why: Line = "amended"


class Contact(Share):
    """A contact with the employer outside the platform. Topics carry codes only; other words stay here."""

    channel: Line
    outcome: Line


class Close(Body):
    """How it ended."""

    reason: EngagementEnd


class Answered(Body):
    """The employer's answer."""

    answer: Answer


class ActionIsDone(Body):
    """An agreed action of the caller's; without action_id the one that is due first."""

    action_id: Id | None = None


class NewWebhook(Body):
    """url: https, public, without credentials."""

    url: Annotated[str, StringConstraints(min_length=1, max_length=2048)]
