"""Loads the dated parameters that ship with the service."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from importlib.resources import files
from typing import Any

import yaml

from earnings.model import Basis, CorrectionBasis
from earnings.rules.policy import Policy, SurplusPolicy

FILE = "policy/earnings.yaml"
SURPLUS_FILE = "policy/surplus.yaml"
DAY = timedelta(days=1)


class Dated:
    """A policy file: lists of entries, each in force from a day until the next one or its own last day."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._lists = yaml.safe_load(files("earnings").joinpath(file).read_text(encoding="utf-8"))

    def entry(self, name: str, day: date) -> dict[str, Any]:
        """What is in force on a day. Raises LookupError before the first entry and after the last day of the newest."""
        entries = [entry for entry in self._lists[name] if date.fromisoformat(entry["from"]) <= day]
        newest: dict[str, Any] = max(entries, key=lambda entry: str(entry["from"]), default={})
        if not newest or ("until" in newest and date.fromisoformat(newest["until"]) < day):
            raise LookupError(f"{self._file}: {name} has no value on {day}")
        return newest

    def days(self, name: str) -> set[date]:
        """First days of all entries, and the days after the last ones."""
        found = {date.fromisoformat(entry["from"]) for entry in self._lists[name]}
        return found | {date.fromisoformat(entry["until"]) + DAY for entry in self._lists[name] if "until" in entry}


def load(day: date, attribution: Basis | None = None, correction: CorrectionBasis | None = None) -> Policy:
    """The parameters in force on a day; attribution and correction override the file. Raises LookupError before the first."""
    dated = Dated(FILE)

    def value(name: str) -> Any:
        return dated.entry(name, day)["value"]

    averaging, reallocation, queries = value("averaging"), value("reallocation_61_6"), value("queries")
    return Policy(
        cycle_kept=value("cycle_kept"),
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
        surplus=tuple((since, load_surplus(since)) for since in _surplus_days()),
    )


def _surplus_days() -> list[date]:
    """Days on which a figure of surplus earnings changes, since regulation 54A is in force."""
    dated = Dated(SURPLUS_FILE)
    first = min(dated.days("de_minimis_statutory"))
    days = {day for name in ("taper", "work_allowance", "de_minimis_determination") for day in dated.days(name)}
    return sorted({first, *(day for day in days if day > first)})


def load_surplus(day: date, de_minimis: int | None = None) -> SurplusPolicy:
    """The figures of surplus earnings in force on a day. de_minimis: pence, replaces the file's figure and its warning.

    A determination replaces the statutory amount while it is in force. Raises LookupError before the first entry.
    """
    dated = Dated(SURPLUS_FILE)
    taper, further = dated.entry("taper", day), dated.entry("further_periods", day)
    try:
        amount = dated.entry("de_minimis_determination", day)
    except LookupError:
        amount = dated.entry("de_minimis_statutory", day)
    try:
        allowances = dated.entry("work_allowance", day)
    except LookupError:
        allowances = {"value": {}, "source": "no table for this day"}
    warning = amount.get("warning") if de_minimis is None else None
    return SurplusPolicy(
        taper=Fraction(taper["value"]),
        de_minimis=pence(amount["value"]) if de_minimis is None else de_minimis,
        further_periods=further["value"],
        work_allowances={name: pence(pounds) for name, pounds in allowances["value"].items()},
        sources={
            "taper": taper["source"],
            "de minimis": amount["source"] if de_minimis is None else "given",
            "work allowance": allowances["source"],
            "further periods": further["source"],
        },
        warnings=() if warning is None else (warning,),
    )


def pence(pounds: str) -> int:
    """Pence of an amount in pounds such as 424.90. Raises ValueError."""
    return int(Fraction(pounds) * 100)
