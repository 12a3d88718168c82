"""Worked cases for the wording rules N1, N2, N3 and N8."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from notifications import policy
from notifications.rules.wording import judge

FILE = Path(__file__).parent / "cases" / "wording.yaml"
CASES: list[dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize(("given", "expect"), [pytest.param(case["given"], case["expect"], id=case["id"]) for case in CASES])
def test_a_text_is_allowed_or_everything_wrong_with_it_is_named(given: dict[str, Any], expect: dict[str, Any]) -> None:
    verdict = judge(
        policy.current().wording,
        basis=given["basis"],
        channel=given["channel"],
        text=given.get("text", ""),
        items=given.get("items"),
        figures_of_others=given.get("figures_of_others", []),
    )
    assert {
        "allowed": verdict.allowed,
        "words": list(verdict.words),
        "missing": list(verdict.missing),
        "figures": list(verdict.figures),
        "sms": list(verdict.sms),
    } == expect
