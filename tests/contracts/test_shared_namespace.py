"""The shell derives ids as the contracts do, which import no other part of the platform."""

from __future__ import annotations

import ast
from datetime import date
from pathlib import Path

import contracts
from contracts import ids
from streaming import work


def test_both_libraries_use_one_namespace_and_one_way_of_joining() -> None:
    assert ids.period_id("claim-1", date(2026, 5, 14)) == work.derive_id("claim-1", "2026-05-14")
    assert ids.flag_id("a", "b", "c") == work.derive_id("a", "b", "c")


def test_contracts_import_no_other_part_of_the_platform() -> None:
    others = {"streaming", "web", "earnings", "referrals", "notifications", "employer_link", "devstack", "world"}
    found = set()
    for path in Path(contracts.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
    assert found & others == set()
