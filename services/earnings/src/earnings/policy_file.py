"""Loads the dated parameters that ship with the service."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from importlib.resources import files
from typing import Any

import yaml

from earnings.model import Basis, CorrectionBasis
from earnings.rules.policy import Policy

FILE = "policy/earnings.yaml"


def load(day: date, attribution: Basis | None = None, correction: CorrectionBasis | None = None) -> Policy:
    """The parameters in force on a day; attribution and correction override the file. Raises LookupError before the first."""
    content = yaml.safe_load(files("earnings").joinpath(FILE).read_text(encoding="utf-8"))

    def value(name: str) -> Any:
        entries = [entry for entry in content[name] if date.fromisoformat(entry["from"]) <= day]
        if not entries:
            raise LookupError(f"{FILE}: {name} has no value on {day}")
        return max(entries, key=lambda entry: str(entry["from"]))["value"]

    averaging, reallocation, queries = value("averaging"), value("reallocation_61_6"), value("queries")
    return Policy(
        attribution_basis=attribution or value("attribution_basis"),
        correction_basis=correction or value("correction_basis"),
        lookback_periods=averaging["lookback_periods"],
        paydays_a_year=averaging["paydays_a_year"],
        payday_every_days=averaging["payday_every_days"],
        irregular_frequencies=frozenset(averaging["irregular_frequencies"]),
        reallocation_frequencies=frozenset(reallocation["frequencies"]),
        two_wages_share=Fraction(reallocation["min_share_of_larger"]),
        overdue_give_up_days=value("payday_overdue")["give_up_after_days"],
        blocking=frozenset(queries["blocking"]),
        not_blocking=frozenset(queries["not_blocking"]),
    )
