"""What another policy would have done."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field, RootModel

from referrals.whatif.compare import Change
from web.answers import Answered


class WhatIfAsked(Answered):
    """The question was taken; `Location` has the answer."""

    what_if_id: str
    state: Literal["waiting"]


class Progress(Answered):
    """Shares of the record: played, and in all (0 until it runs)."""

    done: int
    of: int


class SideView(Answered):
    """flags: raised (or reviews). claimants: different people. contacts: people on a coach's list, once a week."""

    flags: int
    claimants: int
    contacts: int
    coach_hours: float


class SumView(Answered):
    """What happened, what would have, and how many flags are in one of them only."""

    actual: SideView
    what_if: SideView
    added: int
    removed: int


class OfficeWeek(Answered):
    """One office in one week. rules: flags of each, as it happened and as it would have."""

    office_id: str | None
    week: date = Field(description="Its Monday")
    actual: SideView
    what_if: SideView
    rules: dict[str, tuple[int, int]]


class ReportView(Answered):
    """The answer. in_force, compared: hashes of the policies. offices null: all.

    us_per_evaluation: processor time of one evaluation, in microseconds.
    """

    in_force: str
    compared: str
    first: date
    last: date
    offices: list[str] | None
    claims: int
    evaluations: int
    elapsed_s: float
    us_per_evaluation: float
    minutes_per_meeting: int
    in_all: SumView
    rules: dict[str, SumView]
    weeks: list[OfficeWeek]
    assumptions: list[str]


class WhatIfView(Answered):
    """A what-if. offices null: all. report null: not answered yet, or failed."""

    what_if_id: str
    state: Literal["waiting", "running", "done", "failed"]
    progress: Progress
    from_: date = Field(alias="from")
    to: date
    offices: list[str] | None
    report: ReportView | None


class _Row(Answered):
    change: Change
    office_id: str | None
    rule_id: str
    kind: Literal["contact", "outcome", "review"]
    raised_on: date
    shown_on: date | None = Field(description="The day it came to a coach's list")
    shown_on_instead: date | None = Field(description="The day it would have, under the other policy")


class NamedRow(_Row):
    """One flag or review, for a team leader."""

    claimant_id: str
    claim_id: str


class PseudonymRow(_Row):
    """One flag or review, for everybody else. person: a pseudonym."""

    person: str


class WhatIfRow(RootModel[NamedRow | PseudonymRow]):
    """Who and when, as far as the caller may know."""
