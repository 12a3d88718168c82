"""The shape of a file of rules. A key that is not named here is refused, at every level."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from referrals.rules.rule_set import Step

T = TypeVar("T")


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Told(_Closed):
    """What every part of the file says about itself."""

    statement: str
    basis: Literal["law", "guidance", "platform-design"]
    law: str | None = None
    detail: str | list[str] = []
    note: str | None = None
    evidence: list[str] = []
    oracle: list[str] = []


class Parameter(_Closed, Generic[T]):
    """A number or word that a rule depends on."""

    default: T
    unit: str | None = None
    why: str | None = None
    options: list[str] = []


class Elsewhere(_Closed):
    """A parameter that another part of the file sets."""

    see: str


class _Plan(_Closed):
    plan_day_after_ap_end: Parameter[int]


class _Recheck(_Closed):
    due_days_after_ap_end: Parameter[int]


class _Display(_Closed):
    grace_days_before_display: Parameter[int]


class _Expiry(_Closed):
    flag_expiry_days: Parameter[int]
    case_expiry_idle_days: Parameter[int]


class MassFlagBand(_Closed):
    times_median: int
    history_days: int
    floor: int


class _Band(_Closed):
    mass_flag_band: Parameter[MassFlagBand]


class ContactCap(_Closed):
    contacts: int
    days: int
    per: str | None = None


class BurdenCap(_Closed):
    claimant: ContactCap
    employer: ContactCap


class _Limits(_Closed):
    recent_contact_days: Parameter[int]
    burden_cap: Parameter[BurdenCap]


class Section(_Told):
    """A part of the engine without parameters."""


class Numbered(_Told, Generic[T]):
    """A part of the engine with parameters."""

    parameters: T


class Ordered(_Told):
    order: list[str]
    does_not_apply_to: list[str] = []


class Families(_Told):
    order: list[str]
    stronger_first: dict[str, list[str]]
    once_per_run: str
    runs: dict[str, str]


class Withdrawal(_Told):
    states: dict[str, list[str]]


class Engine(_Closed):
    """How and when rules are judged, whichever they are."""

    periods: Section
    keys: Section
    plan: Numbered[_Plan]
    recheck: Numbered[_Recheck]
    catch_up: Section
    recorded_inputs: Section
    replay: Section
    display: Numbered[_Display]
    sending: Section
    guard_order: Ordered
    families: Families
    precedence: Ordered
    withdrawal: Withdrawal
    expiry: Numbered[_Expiry]
    mass_flag_band: Numbered[_Band]
    contact_limits: Numbered[_Limits]


Calculated = Literal[
    "age_date", "aet_basis", "assumed", "attribution_basis", "correction_basis", "couple_rounding", "irregular_frequencies",
    "lookback_aps", "paydays_a_year", "periods", "rounding", "threshold_rate_date", "timezone",
]  # fmt: skip
Judged = Literal[
    "aet_basis", "blocking", "days", "interval_days", "lead_days", "max_gap_days", "min_growth_percent", "min_nil_aps",
    "min_nlw_hours_gain", "min_shortfall", "not_blocking", "periods", "within_months",
]  # fmt: skip
Guarded = Literal[
    "burden_cap", "frequencies", "give_up_after_days", "intervals", "max_periods", "min_share_of_larger", "recent_contact_days",
]  # fmt: skip
Booked = Literal[
    "basis", "extra_minutes", "in_work_minutes", "items", "language", "max_minutes_per_day", "max_per_day",
    "min_notice_working_days", "words", "would_help",
]  # fmt: skip


class Calculation(_Told):
    id: str
    parameters: dict[Calculated, Parameter[Any]] = {}


class RuleEntry(_Told):
    id: str
    kind: Literal["contact", "outcome", "review", "query", "observation"]
    family: str
    parameters: dict[Judged, Parameter[Any]]
    applies_to: str | None = None
    exclusions: list[str]
    two_step: bool
    periods: int | None = None
    shortfall: str | None = None
    growth_test: str | None = None
    run: str | None = None
    window: str | None = None

    def default(self, name: str) -> Any:
        """What the rule says about a parameter, by its name; None when it says nothing."""
        for said, parameter in self.parameters.items():
            if said == name:
                return parameter.default
        return self.periods if name == "periods" else None


class GuardEntry(_Told):
    id: str
    parameters: dict[Guarded, Parameter[Any] | Elsewhere]
    steps: list[Step] = []


class Appointment(_Told):
    id: str
    parameters: dict[Booked, Parameter[Any] | str] = {}


class RulesFile(_Closed):
    schema_: Literal["rules/1"] = Field(alias="schema")
    version: int | None = None
    from_: str | None = Field(None, alias="from")
    engine: Engine
    calculations: list[Calculation]
    rules: list[RuleEntry]
    guards: list[GuardEntry]
    appointments: list[Appointment] = []

    def rule(self, rule_id: str) -> RuleEntry | None:
        """The rule of that name, if there is one."""
        return next((entry for entry in self.rules if entry.id == rule_id), None)
