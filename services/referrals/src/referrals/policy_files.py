"""Reads the policy files that ship with the package, checks them, and builds the rule set the rules use.

The version is the hash of the files' content: another figure is another version.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any, Generic, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from referrals.rules.dated import Dated, Entry
from referrals.rules.evaluation import RULES, Book
from referrals.rules.rule_set import Cap, Guard, HoursPair, Parameters, Policy, Rule, RuleSet, Step

FILES = ("active", "aet", "cet", "easements", "minimum-wage", "regimes", "rules")

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
        days = [entry.from_ for entry in self.values]
        if days != sorted(set(days)):
            raise ValueError("first days must rise strictly")
        return self


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


def _pence(pounds: Decimal) -> int:
    pence = pounds * 100
    if pence != int(pence):
        raise ValueError("money has at most two decimals")
    return int(pence)


def _dated(name: str, series: Series[Any], convert: Any = lambda value: value) -> Dated[Any]:
    return Dated(name, tuple(Entry(entry.from_, convert(entry.value), entry.until) for entry in series.values))


def read_files() -> dict[str, str]:
    """The policy files by name, as text."""
    folder = resources.files("referrals").joinpath("policy")
    return {name: folder.joinpath(f"{name}.yaml").read_text(encoding="utf-8") for name in FILES}


def version_of(files: Mapping[str, str]) -> str:
    """Content hash over the parsed files, so that comments and layout do not count."""
    parsed = {name: yaml.safe_load(text) for name, text in files.items()}
    return hashlib.sha256(json.dumps(parsed, sort_keys=True, default=str).encode()).hexdigest()[:16]


def build(files: Mapping[str, str]) -> RuleSet:
    """Validate the files and build the rule set. Raises pydantic.ValidationError or ValueError naming what is wrong."""
    parsed = {name: yaml.safe_load(text) for name, text in files.items()}
    rules = RulesFile.model_validate(parsed["rules"])
    active = ActiveFile.model_validate(parsed["active"]).rules
    known = {entry.id for entry in rules.rules}
    if unknown := sorted(set(active) - known):
        raise ValueError(f"active.yaml names unknown rules: {', '.join(unknown)}")
    if unbuilt := sorted(set(active) - RULES.keys()):
        raise ValueError(f"active.yaml names rules without an implementation: {', '.join(unbuilt)}")
    engine = rules.engine
    return RuleSet(
        version=version_of(files),
        policy=_policy(parsed),
        rules={entry.id: _rule(entry) for entry in rules.rules if entry.id in active},
        guards={entry.id: Guard(id=entry.id, steps=tuple(entry.steps)) for entry in rules.guards},
        guard_order=tuple(engine["guard_order"]["order"]),
        families=tuple(engine["families"]["order"]),
        stronger_first={family: tuple(ids) for family, ids in engine["families"]["stronger_first"].items()},
        precedence=tuple(engine["precedence"]["order"]),
        parameters=_parameters(rules),
    )


def _rule(entry: RuleEntry) -> Rule:
    return Rule(id=entry.id, kind=entry.kind, family=entry.family, two_step=entry.two_step, exclusions=tuple(entry.exclusions))


def _policy(parsed: Mapping[str, Any]) -> Policy:
    aet, cet = AetFile.model_validate(parsed["aet"]), CetFile.model_validate(parsed["cet"])
    wages = WageFile.model_validate(parsed["minimum-wage"])
    return Policy(
        nlw_age=_dated("nlw_age", wages.nlw_age),
        bands={band: _dated(band, series, _pence) for band, series in wages.bands.items()},
        aet_flat=_dated("aet flat amounts", aet.flat_amounts, lambda v: HoursPair(_pence(v.single), _pence(v.couple))),
        aet_hours=_dated("aet hours", aet.hours, lambda v: HoursPair(v.single, v.couple)),
        aet_rounding=_dated("aet rounding", aet.rounding),
        expected_hours=_dated("expected hours", cet.expected_hours_default),
        ineligible_partner_hours=_dated("ineligible partner hours", cet.ineligible_partner_hours),
        cet_rounding=_dated("cet rounding", cet.rounding),
        couple_rounding=_dated("couple rounding", cet.couple_rounding),
    )


def _parameters(rules: RulesFile) -> Parameters:
    def of(rule_id: str, name: str) -> Any:
        return rules.rule(rule_id).parameters[name]["default"]

    query = rules.rule("earnings-query").parameters
    caps = rules.number("contact_limits", "burden_cap")
    band = rules.number("mass_flag_band", "mass_flag_band")
    counter = next(entry for entry in rules.calculations if entry["id"] == "transitional-protection-counter")
    return Parameters(
        min_nil_aps=of("newly-in-work", "min_nil_aps"),
        min_shortfall=_pence(Decimal(of("fell-below-aet", "min_shortfall"))),
        sustained_fall_periods=of("sustained-fall", "periods"),
        sustained_above_periods=of("sustained-above-aet", "periods"),
        min_growth_percent=of("stagnation-3", "min_growth_percent"),
        min_nlw_hours_gain=of("stagnation-3", "min_nlw_hours_gain"),
        max_gap_days=of("rapid-re-entry", "max_gap_days"),
        restart_months=of("claim-restart", "within_months"),
        appointment_interval_days=of("progression-appointment-due", "interval_days"),
        appointment_lead_days=of("progression-appointment-due", "lead_days"),
        no_contact_days=of("no-contact-since", "days"),
        blocking=tuple(query["blocking"]["default"]),
        not_blocking=tuple(query["not_blocking"]["default"]),
        plan_day=rules.number("plan", "plan_day_after_ap_end"),
        due_days=rules.number("recheck", "due_days_after_ap_end"),
        grace_days=rules.number("display", "grace_days_before_display"),
        flag_expiry_days=rules.number("expiry", "flag_expiry_days"),
        case_expiry_days=rules.number("expiry", "case_expiry_idle_days"),
        recent_contact_days=rules.number("contact_limits", "recent_contact_days"),
        claimant_cap=Cap(contacts=caps["claimant"]["contacts"], days=caps["claimant"]["days"]),
        employer_cap=Cap(contacts=caps["employer"]["contacts"], days=caps["employer"]["days"]),
        transitional_periods=counter["parameters"]["periods"]["default"],
        band_times_median=band["times_median"],
        band_floor=band["floor"],
    )


def book_of(rule_set: RuleSet) -> Book:
    """The part of the rule set that an evaluation needs."""
    return Book(
        version=rule_set.version,
        rules=dict(rule_set.rules),
        guards=dict(rule_set.guards),
        guard_order=rule_set.guard_order,
        stronger_first=dict(rule_set.stronger_first),
        precedence=rule_set.precedence,
        parameters=rule_set.parameters,
    )


@cache
def shipped() -> RuleSet:
    """The rule set of the files in this package."""
    return build(read_files())
