"""Request bodies about support. Codes and figures; nobody's story."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints

from contracts.vocabulary import Jurisdiction
from referrals.api.bodies import Body, Code, Id
from referrals.rules.support import Grade, Level, Mandation, ReferralStatus, Skill

Words = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class NewBarrier(Body):
    """resolved: it holds the claimant back no more."""

    code: Code
    level: Level = "medium"
    resolved: bool = False


class Kind(Body):
    kind: Code


class NewAssessment(Body):
    skill: Skill
    grade: Grade


class NewReferral(Body):
    """alternatives_considered: codes or short names of what was considered first; true: they were, without naming them."""

    type: Words
    provider_id: Id
    alternatives_considered: Annotated[list[Words], Field(max_length=20)] | Words | bool = False
    mandation: Mandation = "none"

    def considered(self) -> list[str]:
        """The alternatives as a list."""
        given = self.alternatives_considered
        if isinstance(given, bool):
            return ["not_named"] if given else []
        return [given] if isinstance(given, str) else given


class Status(Body):
    status: ReferralStatus


class NewGrant(Body):
    purpose: Code
    amount_pence: Annotated[int, Field(ge=1, le=1_000_000)]


class Item(Body):
    """mandatory: a person says so, for a case that allows it. by: the day it is to be done."""

    activity: Code
    mandatory: bool = False
    hours_per_week: Annotated[int, Field(ge=1, le=60)] | None = None
    by: date | None = None


class NewCommitment(Body):
    """goal_pence: the claimant's own goal for monthly gross pay."""

    items: Annotated[list[Item], Field(min_length=1, max_length=20)]
    goal_pence: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    review_on: date | None = None


class NewProvider(Body):
    """districts empty: every district."""

    name: Words
    types: Annotated[list[Code], Field(min_length=1)]
    nations: list[Jurisdiction] = Field(default_factory=list)
    districts: list[Words] = Field(default_factory=list)
    accredited_until: date | None = None
    open: bool = True
