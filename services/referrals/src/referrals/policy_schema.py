"""The shape of the policy files, checked when they are read. A key that is not named here is refused, at every level."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from referrals.rules.figures import FIGURES
from referrals.rules.predicates import PREDICATES

T = TypeVar("T")
MISSING = "missing"
UNKNOWN = "there is no such key"
_SHOWN = 6
"""Faults named at once."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at one place, e.g. `aet.hours.values.0.value.single`. given: the words there."""

    place: str
    what: str
    given: str = ""


class PolicyWrong(ValueError):
    """Policy files that do not hold."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        # A misspelt key first: what is missing for it follows from that.
        self.faults = tuple(sorted(faults, key=lambda one: one.what != UNKNOWN))
        super().__init__(self.told(given=True))

    def told(self, *, given: bool) -> str:
        """One line. given: repeat the words that are wrong; without, it holds no more than places, keys and days."""
        told = [f"{one.place}: {one.what}{f': {one.given}' if given and one.given else ''}" for one in self.faults]
        more = [f"and {len(told) - _SHOWN} more"] if len(told) > _SHOWN else []
        return "; ".join([*told[:_SHOWN], *more])


def faults_of(name: str, error: ValidationError) -> list[Fault]:
    """What pydantic found in one file."""
    found = []
    for one in error.errors(include_url=False, include_input=False):
        steps = [str(step) for step in one["loc"]]
        unknown = one["type"] == "extra_forbidden" or steps[-1:] == ["[key]"]
        place = ".".join([name, *(step for step in steps if step != "[key]")])
        missing = one["type"] == "missing"
        what = UNKNOWN if unknown else MISSING if missing else one["msg"].removeprefix("Value error, ")
        found.append(Fault(place, what, str(one.get("ctx", {}).get("given", ""))))
    return found


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Value(_Closed, Generic[T]):
    """One dated value with its source and how sure it is."""

    from_: date = Field(alias="from")
    until: date | None = None
    value: T
    source: str
    status: Literal["seen", "calculated", "assumed"]
    note: str | None = None


class Entries(_Closed, Generic[T]):
    """A list of dated values. options: what a value may be."""

    values: list[Value[T]] = Field(min_length=1)
    options: list[str] = []
    note: str | None = None
    warning: str | None = None


class Series(Entries[T], Generic[T]):
    """A dated list in which each value follows the one before."""

    @model_validator(mode="after")
    def _rising(self) -> Series[T]:
        _one_after_the_other([(entry.from_, entry.until) for entry in self.values], open_ended=False)
        return self


def _one_after_the_other(spans: list[tuple[date, date | None]], *, open_ended: bool) -> None:
    """No overlap and no gap. Without a last day an entry applies until the next one begins. Raises ValueError."""
    for (first, last), (following, _) in pairwise(spans):
        if following <= first:
            raise ValueError("first days must rise strictly")
        if last is not None and last >= following:
            raise ValueError(f"the entries from {first} and from {following} overlap")
        if last is not None and last + timedelta(days=1) < following:
            raise ValueError(f"no entry covers the days between {last} and {following}")
    for first, last in spans:
        if last is not None and last < first:
            raise ValueError(f"the entry from {first} ends before it begins")
    if open_ended and spans[-1][1] is not None:
        raise ValueError("the last entry must be in force until further notice")


def _whole_pence(pounds: Decimal) -> Decimal:
    if pounds * 100 != int(pounds * 100):
        raise ValueError("money has at most two decimals")
    return pounds


Pounds = Annotated[Decimal, Field(ge=0), AfterValidator(_whole_pence)]


class PoundPair(_Closed):
    single: Pounds
    couple: Pounds


class HourPair(_Closed):
    single: int = Field(gt=0, le=100)
    couple: int = Field(gt=0, le=200)


class Worked(_Closed):
    """An amount before and after rounding."""

    exact: Pounds
    used: Pounds


class WorkedPair(_Closed):
    single: Worked
    couple: Worked


class _Facts(_Closed):
    """A file of dated facts; what is optional explains and is read by people only."""

    schema_: Literal["policy/1"] = Field(alias="schema")
    law: str | None = None
    test: str | None = None
    rate: str | None = None
    unit: str | None = None
    formula: str | None = None
    who: list[str] = []
    notes: list[str] = []
    warnings: list[str] = []


class AetFile(_Facts):
    topic: Literal["administrative-earnings-threshold"]
    earnings_measure: str | None = None
    flat_amounts: Series[PoundPair]
    hours: Series[HourPair]
    rounding: Series[Literal["down_to_pound", "none"]]
    threshold_rate_date: Series[Literal["ap_start"]]
    amounts: Series[WorkedPair] | None = None


class ExpectedHours(_Closed):
    all_requirements: int
    work_focused_interview_only: int
    work_preparation: int


class CarerHours(_Closed):
    age_from: int
    age_to: int | None
    requirements: str
    max_hours: int | None


class Noted(_Closed):
    note: str


class OtherAmount(Worked):
    band: str
    hours: int


class CetFile(_Facts):
    topic: Literal["conditionality-earnings-threshold"]
    expected_hours_default: Series[ExpectedHours]
    ineligible_partner_hours: Series[int]
    tailored_hours: Noted | None = None
    lead_carer_by_age_of_youngest_child: Series[list[CarerHours]] | None = None
    rounding: Series[Literal["down_to_pound", "none"]]
    couple_rounding: Series[Literal["truncate_each", "truncate_sum"]]
    age_date: Series[Literal["ap_start"]]
    own_test_inside_couple: Series[Literal[False]]
    amounts_35h_nlw: Series[Worked] | None = None
    amounts_2026_other: Entries[OtherAmount] | None = None


Band = Literal["nlw", "age_21_to_22", "age_18_to_20", "age_16_to_17", "apprentice"]


class Bands(_Closed):
    nlw: Series[Pounds]
    age_21_to_22: Series[Pounds]
    age_18_to_20: Series[Pounds]
    age_16_to_17: Series[Pounds]
    apprentice: Series[Pounds]


class WageFile(_Facts):
    topic: Literal["minimum-wage"]
    nlw_age: Series[int]
    bands: Bands
    historic_single_rates: Series[dict[Band, Pounds]] | None = None


class LegalGroup(_Closed):
    id: str
    section: int


class EarningsStatus(_Closed):
    id: str
    name: str
    when: str


class RegimeRow(_Closed):
    operational: str
    statistical: str
    legal: str
    status_word: Literal["IWS", "LT", "WE"] | None


class LightTouch(_Closed):
    required_by_law: str
    in_practice: str


class Figure(_Closed):
    value: str
    status: str
    source: str


class Trial(_Closed):
    arms: dict[str, str]
    arm_contacts_status: str
    participants: Figure
    sanctioned_share: Figure


class RegimesFile(_Facts):
    topic: Literal["regimes"]
    legal_groups: list[LegalGroup]
    earnings_statuses: list[EarningsStatus] = []
    mapping: Series[list[RegimeRow]]
    light_touch_contact: Series[LightTouch] | None = None
    in_work_progression_offer: Series[str] | None = None
    trial_2015_2018: Trial | None = None
    transitional_protection: Series[str] | None = None
    self_employed: Series[str] | None = None
    work_and_health_programme: Series[str] | None = None


class WorkAllowance(_Closed):
    with_housing: Pounds
    without_housing: Pounds


class StandardAllowance(_Closed):
    single_25_plus: Pounds
    single_under_25: Pounds
    couple_25_plus: Pounds
    couple_under_25: Pounds


class TaperFile(_Facts):
    topic: Literal["taper-and-allowances"]
    taper: Series[Decimal]
    work_allowance: Series[WorkAllowance] | None = None
    standard_allowance: Series[StandardAllowance] | None = None
    uprating_rule: Series[str] | None = None
    rounding: Series[str] | None = None


class Length(_Closed):
    days: int | None = None
    weeks: int | None = None
    months: int | None = None
    times_in_12_months: int | None = None


class EasementType(Series[Length | None]):
    id: str
    max: str | None = None


class EasementsFile(_Facts):
    topic: Literal["easements"]
    legal: list[EasementType]
    discretionary: list[EasementType]
    record: list[str] = []


class CaseloadFile(_Facts):
    topic: Literal["caseload"]
    cases_per_coach: Series[int]
    minutes_of_first_interview: Series[int]


class ActiveFile(_Closed):
    """Which rules this deployment evaluates. The others are known, tested, and off."""

    schema_: Literal["active/1"] = Field(alias="schema")
    rules: list[str]


def _predicate(name: str) -> str:
    if name not in PREDICATES:
        raise PydanticCustomError("unknown_name", "unknown predicate or figure", {"given": name})
    return name


def _figure(name: str) -> str:
    if name not in FIGURES:
        raise PydanticCustomError("unknown_name", "unknown predicate or figure", {"given": name})
    return name


class Composed(_Closed):
    """What one rule tests. borrowed: parameter → the rule whose value is used."""

    tests: list[Annotated[str, AfterValidator(_predicate)]] = Field(min_length=1)
    figures: list[Annotated[str, AfterValidator(_figure)]] = []
    borrowed: dict[str, str] = {}


class CompositionFile(_Closed):
    schema_: Literal["composition/1"] = Field(alias="schema")
    rules: dict[str, Composed]


class RuleSetEntry(_Closed):
    """Files, and the days on which they are in force."""

    from_: date = Field(alias="from")
    until: date | None
    rules: str
    composition: str
    active: str


class RuleSetsFile(_Closed):
    schema_: Literal["rule-sets/1"] = Field(alias="schema")
    rule_sets: list[RuleSetEntry] = Field(min_length=1)

    @model_validator(mode="after")
    def _covering(self) -> RuleSetsFile:
        _one_after_the_other([(entry.from_, entry.until) for entry in self.rule_sets], open_ended=True)
        return self
