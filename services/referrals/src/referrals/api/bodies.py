"""Request bodies. Unknown fields are refused; codes are short lower-case words, never free text."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.vocabulary import CaseState, ContactBasis, Jurisdiction, Language, RequestChannel, Weekday

Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.:-]{0,63}$")]
Id = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Assign(Body):
    """coach_id null takes the case off its coach. reason: upstream, leave, manual, office_move, or a note kept as manual."""

    coach_id: Id | None
    reason: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class ContactBody(Body):
    purpose: Code
    contact_basis: ContactBasis
    channel: RequestChannel
    minutes: Annotated[int, Field(ge=5, le=240)] | None = None
    language: Language | None = None


class RecordContact(Body):
    channel: Code
    outcome: Code


class Hold(Body):
    until: date
    code: Code


class Exempt(Body):
    code: Code
    until: date | None = None
    evidence_class: Code


class NotApplicable(Body):
    code: Code


class Close(Body):
    outcome: Literal["outcome_met", "exempt", "not_applicable", "declined"]


Why = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""A code, or a sentence that stays in the case and leaves in no event."""


class Reopen(Body):
    why: Why


class Undo(Body):
    """event_id: of a line of the case's history."""

    event_id: Id
    why: Why


class TakeOver(Body):
    reason: Why = "manual"


class Picked(Body):
    """etag: the version that was seen."""

    case_id: Id
    etag: Annotated[str, StringConstraints(min_length=1, max_length=100)]


class BulkAssign(Body):
    """coach_id null takes the cases off their coaches."""

    cases: list[Picked] = Field(min_length=1, max_length=100)
    coach_id: Id | None
    reason: Why


class WorklistFilter(Body):
    """The worklist's filters; left out: everything."""

    office: Id | None = None
    coach: Id | None = None
    state: CaseState | None = None
    due: date | None = None
    rule: Code | None = None
    waiting_on: Literal["us", "claimant", "employer"] | None = None
    unassigned: bool | None = None
    overdue: bool | None = None
    new: bool | None = None
    unread: bool | None = None
    complex_needs: bool | None = None
    q: Annotated[str, StringConstraints(min_length=3, max_length=128)] | None = None


class Contest(Body):
    """period_id null: earnings in general."""

    period_id: Id | None = None
    why_code: Code


class ContestClosed(Body):
    period_id: Id | None = None


class Hours(Body):
    """The same hours on these days, London time."""

    days: list[Weekday] = Field(min_length=1)
    from_: Clock = Field(alias="from")
    to: Clock


class Office(Body):
    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    nation: Jurisdiction
    district: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    opening: list[Hours]
    rooms: dict[Code, Annotated[int, Field(ge=0, le=1000)]]
    nearby: list[Id] = []
    active: bool = True


class Coach(Body):
    offices: list[Id]
    active: bool = True
    trained_in_work: bool
    specialisms: list[Code] = []
    minutes_per_day: Annotated[int, Field(ge=0, le=1440)]
    cover_coach_id: Id | None = None
    max_cases: Annotated[int, Field(ge=1, le=1000)] | None = None
