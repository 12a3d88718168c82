"""The dated policy and the rules' parameters as the rules see them. Built from the policy files by `policy_files`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal

import msgspec

from referrals.rules.dated import Dated

Step = Literal["plan", "recheck", "display", "send"]
Kind = Literal["contact", "outcome", "review", "query", "observation"]


@dataclass(frozen=True, slots=True)
class HoursPair:
    """Weekly hours behind the administrative earnings threshold."""

    single: int
    couple: int


@dataclass(frozen=True, slots=True)
class Regime:
    """One operational regime: the legal group behind it, and the earnings status that leads to it, if any."""

    operational: str
    legal: str
    status: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """Dated facts. Rates and flat amounts in pence, ages in years, hours a week. legal_groups: lightest first. taper: a share."""

    nlw_age: Dated[int]
    bands: Mapping[str, Dated[int]]
    aet_flat: Dated[HoursPair]
    aet_hours: Dated[HoursPair]
    aet_rounding: Dated[str]
    expected_hours: Dated[Mapping[str, int]]
    ineligible_partner_hours: Dated[int]
    cet_rounding: Dated[str]
    couple_rounding: Dated[str]
    legal_groups: tuple[str, ...]
    regimes: Dated[tuple[Regime, ...]]
    taper: Dated[Fraction]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule: the named predicates that must all hold, their parameters, and its place among the others.

    figures: what is shown when it holds. numbers: parameters by name; no tests: the rule does not judge periods.
    """

    id: str
    kind: Kind
    family: str
    two_step: bool
    exclusions: tuple[str, ...]
    tests: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    numbers: dict[str, int | str] = {}


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """Something that stops a contact flag, and the steps at which it is judged. No steps: it withholds the conclusion."""

    id: str
    steps: tuple[Step, ...]


class Cap(msgspec.Struct, frozen=True, kw_only=True):
    """At most `contacts` within `days` days."""

    contacts: int
    days: int


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """Every number that policy may change and that belongs to the engine or the calendar, not to one rule's predicates."""

    restart_months: int
    appointment_interval_days: int
    appointment_lead_days: int
    no_contact_days: int
    blocking: tuple[str, ...]
    not_blocking: tuple[str, ...]
    plan_day: int
    due_days: int
    grace_days: int
    flag_expiry_days: int
    case_expiry_days: int
    recent_contact_days: int
    claimant_cap: Cap
    employer_cap: Cap
    transitional_periods: int
    band_times_median: int
    band_floor: int
    band_history_days: int = 28


@dataclass(frozen=True, slots=True)
class RuleSet:
    """One version of everything. `version` is the hash of the files' content. In force from `from_` to `until` (last day)."""

    version: str
    from_: date
    until: date | None
    policy: Policy
    rules: Mapping[str, Rule]
    guards: Mapping[str, Guard]
    guard_order: tuple[str, ...]
    families: tuple[str, ...]
    stronger_first: Mapping[str, tuple[str, ...]]
    precedence: tuple[str, ...]
    parameters: Parameters
