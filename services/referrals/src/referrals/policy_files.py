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
from pydantic import BaseModel, ValidationError

from referrals.policy_rules_schema import RuleEntry, RulesFile
from referrals.policy_schema import (
    ActiveFile,
    AetFile,
    CaseloadFile,
    CetFile,
    Composed,
    CompositionFile,
    EasementsFile,
    Fault,
    PolicyWrong,
    RegimeRow,
    RegimesFile,
    RuleSetEntry,
    RuleSetsFile,
    Series,
    TaperFile,
    Value,
    WageFile,
    faults_of,
)
from referrals.rules.dated import Dated, Entry
from referrals.rules.evaluation import Book
from referrals.rules.predicates import PREDICATES
from referrals.rules.rule_set import Cap, Guard, HoursPair, Parameters, Policy, Regime, Rule, RuleSet
from referrals.support_files import SupportFile

FACTS = ("aet", "cet", "easements", "minimum-wage", "regimes", "taper-and-allowances")
"""Dated facts that every rule set shares."""

_SHAPES: Mapping[str, type[BaseModel]] = {
    "aet": AetFile,
    "caseload": CaseloadFile,
    "cet": CetFile,
    "easements": EasementsFile,
    "minimum-wage": WageFile,
    "regimes": RegimesFile,
    "rule-sets": RuleSetsFile,
    "support": SupportFile,
    "taper-and-allowances": TaperFile,
}

CALENDAR_RULES = frozenset({"progression-appointment-due", "no-contact-since"})
"""They look at days since a contact, not at a period's predicates."""


def _pence(pounds: Decimal) -> int:
    return int(pounds * 100)


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
    """Validate the files and build the rule sets, in order. Raises PolicyWrong naming file, place and what is wrong."""
    parsed = {name: _parsed(name, text) for name, text in files.items()}
    shapes = dict(_SHAPES)
    entries = _entries(parsed)
    for entry in entries:
        shapes |= {entry.rules: RulesFile, entry.composition: CompositionFile, entry.active: ActiveFile}
    _no_missing({*FACTS, *(name for entry in entries for name in (entry.rules, entry.composition, entry.active))}, parsed)
    read: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, content in parsed.items():
        if name not in shapes:
            faults += _entry_faults(name, content)
            continue
        try:
            read[name] = shapes[name].model_validate(content)
        except ValidationError as error:
            faults += faults_of(name, error)
    if faults:
        raise PolicyWrong(faults)
    return tuple(_rule_set(parsed, read, entry) for entry in entries)


def _parsed(name: str, text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark is not None else ""
        raise PolicyWrong([Fault(name, f"not YAML{line}")]) from None
    except yaml.YAMLError:
        raise PolicyWrong([Fault(name, "not YAML")]) from None


def _entries(parsed: Mapping[str, Any]) -> list[RuleSetEntry]:
    _no_missing({"rule-sets"}, parsed)
    try:
        return RuleSetsFile.model_validate(parsed["rule-sets"]).rule_sets
    except ValidationError as error:
        raise PolicyWrong(faults_of("rule-sets", error)) from None


def _no_missing(named: set[str], parsed: Mapping[str, Any]) -> None:
    if missing := sorted(named - parsed.keys()):
        raise PolicyWrong([Fault("rule-sets", "policy files are missing", ", ".join(missing))])


def _entry_faults(path: str, content: Any) -> list[Fault]:
    """Every entry of every dated list has its day, source and status, also in a file that nothing reads."""
    parts = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    faults = []
    for key, part in parts:
        for place, entry in enumerate(part if key == "values" and isinstance(part, list) else ()):
            try:
                Value[Any].model_validate(entry)
            except ValidationError as error:
                faults += faults_of(f"{path}.{key}.{place}", error)
        faults += _entry_faults(f"{path}.{key}", part)
    return faults


def build(files: Mapping[str, str]) -> RuleSet:
    """The rule set that is in force until further notice."""
    return build_all(files)[-1]


def _rule_set(parsed: Mapping[str, Any], read: Mapping[str, Any], entry: RuleSetEntry) -> RuleSet:
    rules: RulesFile = read[entry.rules]
    composed: dict[str, Composed] = read[entry.composition].rules
    active: list[str] = read[entry.active].rules
    if faults := _unmatched(rules, composed, active, entry):
        raise PolicyWrong(faults)
    engine = rules.engine
    shared = {name: parsed[name] for name in FACTS}
    own = {"rules": parsed[entry.rules], "composition": parsed[entry.composition], "active": parsed[entry.active]}
    return RuleSet(
        version=version_of({**shared, **own}),
        from_=entry.from_,
        until=entry.until,
        policy=_policy(read),
        rules={found.id: _rule(entry, rules, found, composed.get(found.id)) for found in rules.rules if found.id in active},
        guards={found.id: Guard(id=found.id, steps=tuple(found.steps)) for found in rules.guards},
        guard_order=tuple(engine.guard_order.order),
        families=tuple(engine.families.order),
        stronger_first={family: tuple(ids) for family, ids in engine.families.stronger_first.items()},
        precedence=tuple(engine.precedence.order),
        parameters=_parameters(entry.rules, rules),
    )


def _unmatched(rules: RulesFile, composed: Mapping[str, Composed], active: list[str], entry: RuleSetEntry) -> list[Fault]:
    """Names in one file that another one does not know."""
    known, guards = {found.id for found in rules.rules}, {found.id for found in rules.guards}
    faults = [Fault(f"{entry.active}.rules.{n}", "unknown rule", name) for n, name in enumerate(active) if name not in known]
    faults += [Fault(f"{entry.composition}.rules.{name}", "unknown rule", name) for name in composed if name not in known]
    faults += [
        Fault(f"{entry.active}.rules.{n}", "a rule without predicates", name)
        for n, name in enumerate(active)
        if name in known and name not in composed and name not in CALENDAR_RULES
    ]
    faults += [
        Fault(f"{entry.composition}.rules.{name}.borrowed.{need}", "unknown rule", owner)
        for name, one in composed.items()
        for need, owner in one.borrowed.items()
        if owner not in known
    ]
    order = enumerate(rules.engine.guard_order.order)
    faults += [
        Fault(f"{entry.rules}.engine.guard_order.order.{n}", "unknown guard", name) for n, name in order if name not in guards
    ]
    return faults


def _rule(of: RuleSetEntry, rules: RulesFile, entry: RuleEntry, composed: Composed | None) -> Rule:
    tests = tuple(composed.tests) if composed is not None else ()
    return Rule(
        id=entry.id,
        kind=entry.kind,
        family=entry.family,
        two_step=entry.two_step,
        exclusions=tuple(entry.exclusions),
        tests=tests,
        figures=tuple(composed.figures) if composed is not None else (),
        numbers=_numbers(of, rules, entry, composed) if composed is not None else {},
    )


def _numbers(of: RuleSetEntry, rules: RulesFile, entry: RuleEntry, composed: Composed) -> dict[str, int | str]:
    """The parameters that the rule's predicates need, from the rule itself or from the one it borrows from."""
    found: dict[str, int | str] = {}
    for name in sorted({need for test in composed.tests for need in PREDICATES[test].needs}):
        owner = rules.rule(composed.borrowed[name]) if name in composed.borrowed else entry
        value = owner.default(name) if owner is not None else None
        if not isinstance(value, int | str) or isinstance(value, bool):
            raise PolicyWrong([Fault(f"{of.composition}.rules.{entry.id}", f"{entry.id} needs the parameter {name}")])
        found[name] = value
    return found


def _policy(read: Mapping[str, Any]) -> Policy:
    aet: AetFile = read["aet"]
    cet: CetFile = read["cet"]
    wages: WageFile = read["minimum-wage"]
    regimes: RegimesFile = read["regimes"]
    return Policy(
        nlw_age=_dated("nlw_age", wages.nlw_age),
        bands={band: _dated(band, series, _pence) for band, series in wages.bands},
        aet_flat=_dated("aet flat amounts", aet.flat_amounts, lambda v: HoursPair(_pence(v.single), _pence(v.couple))),
        aet_hours=_dated("aet hours", aet.hours, lambda v: HoursPair(v.single, v.couple)),
        aet_rounding=_dated("aet rounding", aet.rounding),
        expected_hours=_dated("expected hours", cet.expected_hours_default, lambda v: v.model_dump()),
        ineligible_partner_hours=_dated("ineligible partner hours", cet.ineligible_partner_hours),
        cet_rounding=_dated("cet rounding", cet.rounding),
        couple_rounding=_dated("couple rounding", cet.couple_rounding),
        legal_groups=tuple(group.id for group in regimes.legal_groups),
        regimes=_dated("regimes", regimes.mapping, _regimes),
        taper=_dated("taper", read["taper-and-allowances"].taper, Fraction),
    )


def _regimes(rows: list[RegimeRow]) -> tuple[Regime, ...]:
    return tuple(Regime(row.operational, row.legal, row.status_word) for row in rows)


def _parameters(name: str, rules: RulesFile) -> Parameters:
    def of(rule_id: str, parameter: str, kind: type[Any] = int) -> Any:
        rule = rules.rule(rule_id)
        value = rule.default(parameter) if rule is not None else None
        if not isinstance(value, kind) or isinstance(value, bool):
            raise PolicyWrong([Fault(f"{name}.rules.{rule_id}.parameters.{parameter}", "the rule needs this parameter")])
        return value

    engine = rules.engine
    limits, caps = engine.contact_limits.parameters, engine.contact_limits.parameters.burden_cap.default
    band = engine.mass_flag_band.parameters.mass_flag_band.default
    counter = next((one.parameters for one in rules.calculations if one.id == "transitional-protection-counter"), {})
    if "periods" not in counter:
        raise PolicyWrong([Fault(f"{name}.calculations.transitional-protection-counter", "needs the parameter periods")])
    return Parameters(
        restart_months=of("claim-restart", "within_months"),
        appointment_interval_days=of("progression-appointment-due", "interval_days"),
        appointment_lead_days=of("progression-appointment-due", "lead_days"),
        no_contact_days=of("no-contact-since", "days"),
        blocking=tuple(of("earnings-query", "blocking", list)),
        not_blocking=tuple(of("earnings-query", "not_blocking", list)),
        plan_day=engine.plan.parameters.plan_day_after_ap_end.default,
        due_days=engine.recheck.parameters.due_days_after_ap_end.default,
        grace_days=engine.display.parameters.grace_days_before_display.default,
        flag_expiry_days=engine.expiry.parameters.flag_expiry_days.default,
        case_expiry_days=engine.expiry.parameters.case_expiry_idle_days.default,
        recent_contact_days=limits.recent_contact_days.default,
        claimant_cap=Cap(contacts=caps.claimant.contacts, days=caps.claimant.days),
        employer_cap=Cap(contacts=caps.employer.contacts, days=caps.employer.days),
        transitional_periods=counter["periods"].default,
        band_times_median=band.times_median,
        band_floor=band.floor,
        band_history_days=band.history_days,
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
