"""Dated figures of the appointment, sending and wording rules, read from the package's own files."""

from __future__ import annotations

from datetime import date
from functools import cache
from importlib import resources
from typing import Any

import msgspec
import yaml

from contracts.reference import WeeklyHours
from notifications.rules.sending import BurdenCap
from notifications.rules.slots import Limits
from notifications.rules.wording import WordingRules


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """One version of the figures. minutes, days and counts as named."""

    version: int
    valid_from: date
    limits: Limits
    in_work_minutes: int
    grid_minutes: int
    horizon_days: int
    offer_valid_days: int
    usual_hours: tuple[WeeklyHours, ...]
    burden_cap: BurdenCap
    wait_for_details_days: int
    wording: WordingRules


def read(text: str) -> Policy:
    """A policy file's text. Raises msgspec.ValidationError or KeyError when a figure is missing or of the wrong type."""
    raw: dict[str, Any] = yaml.safe_load(text)
    slots = {name: entry["value"] for name, entry in raw["slots"].items()}
    sending = {name: entry["value"] for name, entry in raw["sending"].items()}
    wording = {name: entry["value"] for name, entry in raw["wording"].items()}
    return msgspec.convert(
        {
            "version": raw["version"],
            "valid_from": raw["from"],
            "limits": {name: slots[name] for name in ("max_minutes_per_day", "max_per_day", "extra_minutes", "would_help")}
            | {"min_notice_working_days": slots["min_notice_working_days"]},
            "in_work_minutes": slots["in_work_minutes"],
            "grid_minutes": slots["grid_minutes"],
            "horizon_days": slots["horizon_days"],
            "offer_valid_days": slots["offer_valid_days"],
            "usual_hours": slots["usual_hours"],
            "burden_cap": sending["recent"],
            "wait_for_details_days": sending["wait_for_details_days"],
            "wording": wording,
        },
        Policy,
    )


@cache
def current() -> Policy:
    """The policy that ships with this version of the service."""
    return read(resources.files(__name__).joinpath("appointments.yaml").read_text(encoding="utf-8"))
