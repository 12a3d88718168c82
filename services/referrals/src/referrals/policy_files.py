"""Reads the policy files that ship with the package, checks them, and builds the rule set the rules use.

The version is the hash of the files' content: another figure is another version.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from referrals.policy_schema import (
    ActiveFile,
    AetFile,
    CetFile,
    Composed,
    CompositionFile,
    RegimeRow,
    RegimesFile,
    RuleEntry,
    RuleSetEntry,
    RuleSetsFile,
    RulesFile,
    Series,
    TaperFile,
    Value,
    WageFile,
)
from referrals.rules.dated import Dated, Entry
from referrals.rules.evaluation import Book
from referrals.rules.predicates import PREDICATES
from referrals.rules.rule_set import Cap, Guard, HoursPair, Parameters, Policy, Regime, Rule, RuleSet

FACTS = ("aet", "cet", "easements", "minimum-wage", "regimes", "taper-and-allowances")
"""Dated facts that every rule set shares."""

CALENDAR_RULES = frozenset({"progression-appointment-due", "no-contact-since"})
"""They look at days since a contact, not at a period's predicates."""


def _pence(pounds: Decimal) -> int:
    pence = pounds * 100
    if pence != int(pence):
        raise ValueError("money has at most two decimals")
    return int(pence)


def _dated(name: str, series: Series[Any], convert: Any = lambda value: value) -> Dated[Any]:
    return Dated(name, tuple(Entry(entry.from_, convert(entry.value), entry.until) for entry in series.values))


def read_files(folder: Path | None = None) -> dict[str, str]:
    """The policy files of a folder by name, as text; without one those that ship with the package."""
    place = resources.files("referrals").joinpath("policy") if folder is None else folder
    files = [entry for entry in place.iterdir() if entry.name.endswith(".yaml")]
    return {entry.name.removesuffix(".yaml"): entry.read_text(encoding="utf-8") for entry in files}


def facts_of(files: Mapping[str, str], name: str) -> Any:
    """One file of dated facts as data."""
    return yaml.safe_load(files[name])


def composed_of(files: Mapping[str, str]) -> set[str]:
    """The files that rule sets are put together from; every other one holds dated facts."""
    entries = RuleSetsFile.model_validate(facts_of(files, "rule-sets")).rule_sets
    return {"rule-sets", *(name for entry in entries for name in (entry.rules, entry.composition, entry.active))}


def version_of(parsed: Mapping[str, Any]) -> str:
    """Content hash over parsed files, so that comments and layout do not count."""
    return hashlib.sha256(json.dumps(parsed, sort_keys=True, default=str).encode()).hexdigest()[:16]


def build_all(files: Mapping[str, str]) -> tuple[RuleSet, ...]:
    """Validate the files and build the rule sets, in order. Raises ValueError (pydantic's too) naming what is wrong."""
    parsed = {name: yaml.safe_load(text) for name, text in files.items()}
    entries = RuleSetsFile.model_validate(parsed["rule-sets"]).rule_sets
    named = {*FACTS, *(name for entry in entries for name in (entry.rules, entry.composition, entry.active))}
    if missing := sorted(named - parsed.keys()):
        raise ValueError(f"policy files are missing: {', '.join(missing)}")
    for name, content in parsed.items():
        _check_entries(name, content)
    return tuple(_rule_set(parsed, entry) for entry in entries)


def _check_entries(path: str, content: Any) -> None:
    """Every entry of every dated list has its day, source and status, also where no rule reads it. Raises ValueError."""
    parts = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, part in parts:
        entries = part if key == "values" and isinstance(part, list) else ()
        for place, entry in enumerate(entries):
            try:
                Value[Any].model_validate(entry)
            except ValueError as error:
                raise ValueError(f"{path}, entry {place + 1}: {error}") from None
        _check_entries(f"{path}.{key}", part)


def build(files: Mapping[str, str]) -> RuleSet:
    """The rule set that is in force until further notice."""
    return build_all(files)[-1]


def _rule_set(parsed: Mapping[str, Any], entry: RuleSetEntry) -> RuleSet:
    rules = RulesFile.model_validate(parsed[entry.rules])
    composed = CompositionFile.model_validate(parsed[entry.composition]).rules
    active = ActiveFile.model_validate(parsed[entry.active]).rules
    known = {found.id for found in rules.rules}
    if unknown := sorted((set(active) | composed.keys()) - known):
        raise ValueError(f"unknown rules: {', '.join(unknown)}")
    if unbuilt := sorted(set(active) - composed.keys() - CALENDAR_RULES):
        raise ValueError(f"rules without predicates: {', '.join(unbuilt)}")
    engine = rules.engine
    shared = {name: parsed[name] for name in FACTS}
    own = {"rules": parsed[entry.rules], "composition": parsed[entry.composition], "active": parsed[entry.active]}
    return RuleSet(
        version=version_of({**shared, **own}),
        from_=entry.from_,
        until=entry.until,
        policy=_policy(parsed),
        rules={found.id: _rule(rules, found, composed.get(found.id)) for found in rules.rules if found.id in active},
        guards={found.id: Guard(id=found.id, steps=tuple(found.steps)) for found in rules.guards},
        guard_order=tuple(engine["guard_order"]["order"]),
        families=tuple(engine["families"]["order"]),
        stronger_first={family: tuple(ids) for family, ids in engine["families"]["stronger_first"].items()},
        precedence=tuple(engine["precedence"]["order"]),
        parameters=_parameters(rules),
    )


def _rule(rules: RulesFile, entry: RuleEntry, composed: Composed | None) -> Rule:
    tests = tuple(composed.tests) if composed is not None else ()
    return Rule(
        id=entry.id,
        kind=entry.kind,
        family=entry.family,
        two_step=entry.two_step,
        exclusions=tuple(entry.exclusions),
        tests=tests,
        figures=tuple(composed.figures) if composed is not None else (),
        numbers=_numbers(rules, entry, composed) if composed is not None else {},
    )


def _numbers(rules: RulesFile, entry: RuleEntry, composed: Composed) -> dict[str, int | str]:
    """The parameters that the rule's predicates need, from the rule itself or from the one it borrows from."""
    found: dict[str, int | str] = {}
    for name in sorted({need for test in composed.tests for need in PREDICATES[test].needs}):
        owner = rules.rule(composed.borrowed[name]) if name in composed.borrowed else entry
        values = {"periods": {"default": owner.periods}} if owner.periods is not None else {}
        value = {**values, **owner.parameters}.get(name, {}).get("default")
        if not isinstance(value, int | str) or isinstance(value, bool):
            raise ValueError(f"{entry.id} needs the parameter {name}")
        found[name] = value
    return found


def _policy(parsed: Mapping[str, Any]) -> Policy:
    aet, cet = AetFile.model_validate(parsed["aet"]), CetFile.model_validate(parsed["cet"])
    wages, taper = WageFile.model_validate(parsed["minimum-wage"]), TaperFile.model_validate(parsed["taper-and-allowances"])
    regimes = RegimesFile.model_validate(parsed["regimes"])
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
        legal_groups=tuple(group.id for group in regimes.legal_groups),
        regimes=_dated("regimes", regimes.mapping, _regimes),
        taper=_dated("taper", taper.taper, Fraction),
    )


def _regimes(rows: list[RegimeRow]) -> tuple[Regime, ...]:
    return tuple(Regime(row.operational, row.legal, row.status_word) for row in rows)


def _parameters(rules: RulesFile) -> Parameters:
    def of(rule_id: str, name: str) -> Any:
        return rules.rule(rule_id).parameters[name]["default"]

    query = rules.rule("earnings-query").parameters
    caps = rules.number("contact_limits", "burden_cap")
    band = rules.number("mass_flag_band", "mass_flag_band")
    counter = next(entry for entry in rules.calculations if entry["id"] == "transitional-protection-counter")
    return Parameters(
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
        band_history_days=band["history_days"],
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
def sets_of(folder: Path | None) -> tuple[RuleSet, ...]:
    """The rule sets of a deployment's folder (None: of the files in this package), in order of their days."""
    return build_all(read_files(folder))


def shipped_sets() -> tuple[RuleSet, ...]:
    """The rule sets of the files in this package, in order of their days."""
    return sets_of(None)


def shipped() -> RuleSet:
    """The one that is in force until further notice."""
    return shipped_sets()[-1]
