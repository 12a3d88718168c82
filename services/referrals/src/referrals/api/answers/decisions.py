"""Decisions: what went in, what came out, and why."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field, RootModel

from contracts.vocabulary import LegalGroup
from referrals.api.answers.base import Reason
from referrals.records import StepName
from referrals.rules.thresholds import Status
from web.answers import Answered

Conclusion = Status | Literal["withheld"]


class _Head(Answered):
    decision_id: str
    claim_id: str
    claimant_id: str
    period_id: str
    step: StepName
    rule_set: str = Field(description="Hash of the policy used")
    as_of: date
    made_at: datetime


class ErasedDecision(_Head):
    """A decision about somebody whose data were erased."""

    erased: Literal[True]


class DecisionSummary(_Head):
    """A decision. flagged: rules that it wanted a flag for."""

    erased: Literal[False]
    flagged: list[str]
    status: Conclusion


class DecisionLine(RootModel[DecisionSummary | ErasedDecision]):
    """One line of a list of decisions."""


class DecisionPeriod(Answered):
    """The person's own figures of a period. amount_pence: gross pay used for thresholds; figures null: not known.

    assumed: inputs of the thresholds that were not known. withheld_because: codes.
    """

    period_id: str
    start: date
    end: date
    version: int
    amount_pence: int | None
    attributed_pence: int | None
    status: Conclusion
    aet_pence: int | None
    nlw_pence_per_hour: int | None
    cet_basis: Literal["known", "assumed"] | None
    assumed: list[str]
    withheld_because: list[str]
    in_work: bool


class EasementEffectView(Answered):
    """An easement by its effect. until: its last day, null while open. no_contact_until: contact is allowed from then on."""

    from_: date = Field(alias="from")
    until: date | None
    no_contact_until: date | None
    voluntary_only: bool


class GuardsView(Answered):
    """What the guards looked at. not_contactable: codes. contacts: days. open_case: id of the case, if there was one."""

    not_contactable: list[str]
    easements: list[EasementEffectView]
    disputed: bool
    self_employed: bool
    strike_or_absence: bool
    contacts: list[date]
    open_case: str | None


class SuppressedRule(Answered):
    """A rule that held, and the guard that stopped it."""

    rule_id: str
    guard: str


class EvaluationQuery(Answered):
    """A doubt about the period's data; a blocking one withholds the conclusion."""

    cause: str
    blocking: bool


class EvaluationView(Answered):
    """What came of it. contact: the one contact rule kept; outranked: others that held. once_per_run: raised before.

    next_allowed_on: the day from which contact limits allow another one, where they stopped it.
    """

    status: Conclusion
    previous_status: Status | None
    contact: str | None
    outranked: list[str]
    suppressed: list[SuppressedRule]
    once_per_run: list[str]
    outcomes: list[str]
    reviews: list[str]
    queries: list[EvaluationQuery]
    next_allowed_on: date | None


class PredicateView(Answered):
    """One named condition; a new meaning has a new version in its name."""

    name: str
    met: bool


class FindingView(Answered):
    """One rule. figures: what a rule that holds rests on; whole numbers (pence, days, periods), decimals and dates as text."""

    rule_id: str
    holds: bool
    predicates: list[PredicateView]
    figures: dict[str, str | int]


class PredicateText(Answered):
    """A condition or a guard in plain words. text_cy: null until there is a Welsh text."""

    rule_id: str
    code: str
    text: str
    text_cy: str | None


class CounterfactualView(Answered):
    """What would have made the difference. pence: more own pay a month; hours: a week, at the NLW. Decimals are text.

    keeps_pence: what of it would stay after the taper (a share), before tax.
    """

    pence: int
    hours: str
    text: str
    keeps_pence: int | None
    taper: str | None
    text_cy: str | None


class WorkingView(Answered):
    """How the status comes about, step by step. regime: null when withheld. tailored: a coach set the hours.

    transitional_below: periods in a row below the AET of the award's start, of so many; null when the start is not known.
    """

    aet: str
    cet: str
    test: str
    tailored: bool
    legal_group: LegalGroup | None
    regime: str | None
    transitional_below: int | None
    transitional_of: int
    text_cy: str | None


class DecisionView(DecisionSummary):
    """A decision with everything it rests on. periods: oldest first, the last one is judged. known_at: facts up to then."""

    known_at: datetime
    periods: list[DecisionPeriod]
    guards: GuardsView
    result: EvaluationView
    predicates: list[FindingView]
    reasons: list[Reason]
    reasons_for: list[PredicateText]
    reasons_against: list[PredicateText]
    counterfactual: CounterfactualView | None
    working: WorkingView | None


class ReplayView(Answered):
    """A decision made again. chain_intact: the record is as it was written, and where.

    recomputed null: the record was changed, or its rule set is missing.
    """

    identical: bool
    chain_intact: bool
    recomputed: EvaluationView | None


class ContestView(Answered):
    """The claimant says that earnings are wrong. period_id null: earnings in general."""

    claim_id: str
    claimant_id: str
    period_id: str | None
    why_code: str
    state: Literal["open", "closed"]
