"""The shape of the policy files, checked when they are read."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from referrals.rules.figures import FIGURES
from referrals.rules.predicates import PREDICATES
from referrals.rules.rule_set import Step

T = TypeVar("T")


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Open(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Value(_Closed, Generic[T]):
    """One dated value with its source and how sure it is."""

    from_: date = Field(alias="from")
    until: date | None = None
    value: T
    source: str
    status: Literal["seen", "calculated", "assumed"]
    note: str | None = None


class Series(_Open, Generic[T]):
    """A dated list in the policy files."""

    values: list[Value[T]] = Field(min_length=1)

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


class PoundPair(_Closed):
    single: Decimal
    couple: Decimal


class HourPair(_Closed):
    single: int = Field(gt=0, le=100)
    couple: int = Field(gt=0, le=200)


class AetFile(_Open):
    flat_amounts: Series[PoundPair]
    hours: Series[HourPair]
    rounding: Series[Literal["down_to_pound", "none"]]
    threshold_rate_date: Series[Literal["ap_start"]]


class CetFile(_Open):
    expected_hours_default: Series[dict[str, int]]
    ineligible_partner_hours: Series[int]
    rounding: Series[Literal["down_to_pound", "none"]]
    couple_rounding: Series[Literal["truncate_each", "truncate_sum"]]
    age_date: Series[Literal["ap_start"]]
    own_test_inside_couple: Series[Literal[False]]


class WageFile(_Open):
    nlw_age: Series[int]
    bands: dict[Literal["nlw", "age_21_to_22", "age_18_to_20", "age_16_to_17", "apprentice"], Series[Decimal]]


class LegalGroup(_Closed):
    id: str
    section: int


class RegimeRow(_Closed):
    operational: str
    statistical: str
    legal: str
    status_word: Literal["IWS", "LT", "WE"] | None


class RegimesFile(_Open):
    legal_groups: list[LegalGroup]
    mapping: Series[list[RegimeRow]]


class TaperFile(_Open):
    taper: Series[Decimal]


class RuleEntry(_Open):
    id: str
    kind: Literal["contact", "outcome", "review", "query", "observation"]
    family: str
    statement: str
    parameters: dict[str, Any]
    exclusions: list[str]
    two_step: bool
    periods: int | None = None


class GuardEntry(_Open):
    id: str
    statement: str
    parameters: dict[str, Any]
    steps: list[Step] = []


class RulesFile(_Open):
    schema_: Literal["rules/1"] = Field(alias="schema")
    engine: dict[str, dict[str, Any]]
    calculations: list[dict[str, Any]]
    rules: list[RuleEntry]
    guards: list[GuardEntry]

    def number(self, section: str, name: str) -> Any:
        """The default of an engine parameter."""
        return self.engine[section]["parameters"][name]["default"]

    def rule(self, rule_id: str) -> RuleEntry:
        return next(entry for entry in self.rules if entry.id == rule_id)


class ActiveFile(_Closed):
    """Which rules this deployment evaluates. The others are known, tested, and off."""

    schema_: Literal["active/1"] = Field(alias="schema")
    rules: list[str]


class Composed(_Closed):
    """What one rule tests. borrowed: parameter → the rule whose value is used."""

    tests: list[str] = Field(min_length=1)
    figures: list[str] = []
    borrowed: dict[str, str] = {}

    @model_validator(mode="after")
    def _known(self) -> Composed:
        unknown = [name for name in self.tests if name not in PREDICATES] + [name for name in self.figures if name not in FIGURES]
        if unknown:
            raise ValueError(f"unknown predicates or figures: {', '.join(unknown)}")
        return self


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
