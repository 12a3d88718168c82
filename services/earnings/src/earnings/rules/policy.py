"""The parameters of the rules, loaded from the dated policy file and handed to every rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from earnings.model import Basis, CorrectionBasis


@dataclass(frozen=True, slots=True)
class SurplusPolicy:
    """The figures in force on a day, each with its source in words. warnings: codes to attach to every result."""

    taper: Fraction
    de_minimis: int
    further_periods: int = 5
    work_allowances: Mapping[str, int] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """One set of parameters; each is explained, with its source, in `policy/earnings.yaml`."""

    cycle_kept: bool = True
    attribution_basis: Basis = "max"
    correction_basis: CorrectionBasis = "original_period"
    lookback_periods: int = 3
    paydays_a_year: Mapping[str, int] = field(default_factory=lambda: {"W1": 52, "W2": 26, "W4": 13})
    payday_every_days: Mapping[str, int] = field(default_factory=lambda: {"W1": 7, "W2": 14, "W4": 28})
    irregular_frequencies: frozenset[str] = frozenset({"IO", "IR", "MA", "M3", "M6"})
    reallocation_frequencies: frozenset[str] = frozenset({"M1"})
    two_wages_share: Fraction = Fraction(1, 2)
    overdue_give_up_days: int = 62
    max_periods_covered: int = 1
    blocking: frozenset[str] = frozenset(
        {"payment_conflict", "duplicate_employment", "two_wages", "several_periods", "payday_overdue"}
    )
    not_blocking: frozenset[str] = frozenset({"ytd_mismatch", "negative_total"})
    surplus: tuple[tuple[date, SurplusPolicy], ...] = ()
    """Figures of surplus earnings, each set in force from its day, oldest first."""

    def surplus_on(self, day: date) -> SurplusPolicy | None:
        """The set in force on a day; None before the first."""
        return next((figures for since, figures in reversed(self.surplus) if since <= day), None)
