"""The house rules are checks, and each check is shown to fail on a committed example of what it forbids."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FAILING = Path(__file__).parent / "failing"
BIN = Path(sys.executable).parent
SERVICES = {"earnings": "earnings", "referrals": "referrals", "notifications": "notifications", "employer-link": "employer_link"}


def run(*command: str | Path, cwd: Path = ROOT, **env: str) -> tuple[int, str]:
    import os

    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_rules_may_not_ask_for_time_ids_or_chance() -> None:
    code, said = run(BIN / "ruff", "check", "--no-cache", "--output-format=concise", "--select=TID251", "--config",
                     "lint.per-file-ignores = {}", FAILING / "rules_with_clock_and_chance.py")  # fmt: skip
    assert code == 1, said
    for banned in ("datetime.datetime.now", "datetime.date.today", "uuid.uuid4", "random"):
        assert f"`{banned}` is banned" in said, said


def test_untyped_code_is_refused() -> None:
    code, said = run(BIN / "mypy", "--no-incremental", "--config-file", ROOT / "pyproject.toml", FAILING / "untyped.py")
    assert code == 1
    assert "missing a type annotation" in said
    assert "Incompatible types in assignment" in said


def import_lint(tree: Path) -> tuple[int, str]:
    paths = [str(path) for pattern in ("libs/*/src", "services/*/src", "tools/*/src") for path in tree.glob(pattern)]
    return run(BIN / "lint-imports", "--no-cache", "--config", ROOT / "pyproject.toml", cwd=tree, PYTHONPATH=":".join(paths))


@pytest.mark.parametrize("example", yaml.safe_load((FAILING / "imports.yaml").read_text()), ids=lambda example: example["line"])
def test_a_forbidden_import_breaks_its_contract(example: dict[str, Any], tmp_path: Path) -> None:
    for folder in ("libs", "services", "tools"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "tests", ".hypothesis"))
    target = tmp_path / example["file"]
    target.write_text(target.read_text() + f"\n{example['line']}\n")
    code, said = import_lint(tmp_path)
    assert code == 1, said
    assert f"{example['breaks']} BROKEN" in said, said


def test_no_ignore_list_hides_a_forbidden_import() -> None:
    import tomllib

    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]:
        assert not contract.get("ignore_imports"), contract["name"]


def test_an_unsafe_migration_is_found() -> None:
    code, said = run(BIN / "squawk", FAILING / "unsafe_migration.sql")
    assert code == 1
    assert "adding-required-field" in said
    assert "require-concurrent-index-creation" in said


# What the linter cannot know: a first migration fills an empty database, in one transaction, with Alembic's own version table.
NOT_FOR_US = (
    "prefer-bigint-over-int,prefer-robust-stmts,require-timeout-settings,prefer-text-field,require-concurrent-index-creation"
)


@pytest.mark.parametrize("service", SERVICES)
def test_migrations_pass_the_linter(service: str, tmp_path: Path) -> None:
    from streaming.migrate import as_sql

    text = tmp_path / "migrations.sql"
    text.write_text(as_sql(ROOT / "services" / service / "migrations"))
    code, said = run(BIN / "squawk", "--assume-in-transaction", f"--exclude={NOT_FOR_US}", text)
    assert code == 0, said


def test_requirements_are_hashed_and_name_no_host() -> None:
    for name in ("requirements.txt", "requirements-installer.txt", "bench/peers/requirements.txt"):
        text = (ROOT / name).read_text()
        assert "://" not in text
        pinned = [line for line in text.splitlines() if "==" in line and not line.lstrip().startswith("#")]
        assert pinned
        assert all(line.endswith("\\") for line in pinned), "every requirement is followed by its hashes"


def test_the_tree_has_no_module_of_a_thousand_lines() -> None:
    sources = [
        path
        for pattern in ("libs/*/src", "services/*/src", "tools/*/src")
        for base in ROOT.glob(pattern)
        for path in base.rglob("*.py")
    ]
    long = {str(path.relative_to(ROOT)): lines for path in sources if (lines := len(path.read_text().splitlines())) > 400}
    assert long == {}
