"""The dated policy and the rules' parameters as the rules see them. Built from the policy files by `policy_files`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
class Policy:
    """Dated facts. Rates and flat amounts in pence, ages in years, hours a week."""

    nlw_age: Dated[int]
    bands: Mapping[str, Dated[int]]
    aet_flat: Dated[HoursPair]
    aet_hours: Dated[HoursPair]
    aet_rounding: Dated[str]
    expected_hours: Dated[Mapping[str, int]]
    ineligible_partner_hours: Dated[int]
    cet_rounding: Dated[str]
    couple_rounding: Dated[str]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule's place among the others; its meaning is code, its numbers are `Parameters`."""

    id: str
    kind: Kind
    family: str
    two_step: bool
    exclusions: tuple[str, ...]


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """Something that stops a contact flag, and the steps at which it is judged. No steps: it withholds the conclusion."""

    id: str
    steps: tuple[Step, ...]


class Cap(msgspec.Struct, frozen=True, kw_only=True):
    """At most `contacts` within `days` days."""

    contacts: int
    days: int


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """Every number that policy may change. Money in pence; growth figures are decimals as text, compared exactly."""

    min_nil_aps: int
    min_shortfall: int
    sustained_fall_periods: int
    sustained_above_periods: int
    min_growth_percent: str
    min_nlw_hours_gain: str
    max_gap_days: int
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


@dataclass(frozen=True, slots=True)
class RuleSet:
    """One version of everything. `version` is the hash of the policy files' content."""

    version: str
    policy: Policy
    rules: Mapping[str, Rule]
    guards: Mapping[str, Guard]
    guard_order: tuple[str, ...]
    families: tuple[str, ...]
    stronger_first: Mapping[str, tuple[str, ...]]
    precedence: tuple[str, ...]
    parameters: Parameters
