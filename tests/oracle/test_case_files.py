"""The case files are whole: they match their schema, ids are unique, and every case of earnings' kinds is run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

FOLDER = Path(__file__).parent
FILES = sorted((FOLDER / "cases").glob("*.yaml"))
SCHEMA = jsonschema.Draft7Validator(json.loads((FOLDER / "case.schema.json").read_text(encoding="utf-8")))


def _load(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return content


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_case_file_matches_the_schema(file: Path) -> None:
    problems = [f"{'/'.join(map(str, error.path))}: {error.message[:120]}" for error in SCHEMA.iter_errors(_load(file))]
    assert not problems, "\n".join(problems)


def test_the_schema_refuses_a_case_with_an_unknown_kind() -> None:
    broken = _load(FILES[0])
    broken["cases"][0]["kind"] = "nonsense"
    assert list(SCHEMA.iter_errors(broken))


def test_case_ids_are_unique_over_all_files() -> None:
    ids = [case["id"] for file in FILES for case in _load(file)["cases"]]
    assert len(ids) == len(set(ids))
    assert len(FILES) == 15
