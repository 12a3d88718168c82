"""Decisions of every released rule set, kept as they were: today's code must still answer the same.

To release a rule set, run this file as a program, with PYTHONPATH=. from the project's root: it writes the decisions of the
rule set in force, once. A file that is there never changes; when a test here fails, a predicate has changed its meaning and
needs a new version instead.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

from referrals.policy_files import book_of, shipped
from referrals.rules.evaluation import Book, Evaluation, Inputs, evaluate

FOLDER = Path(__file__).parent / "golden"


class Golden(msgspec.Struct, frozen=True):
    """One decision by value."""

    name: str
    inputs: Inputs
    evaluation: Evaluation


class Released(msgspec.Struct, frozen=True):
    """A rule set and what it decided."""

    book: Book
    decisions: tuple[Golden, ...]


def read(path: Path) -> Released:
    """The first line is the rule book, every other one a decision."""
    book, *lines = path.read_bytes().splitlines()
    decisions = tuple(msgspec.json.decode(line, type=Golden) for line in lines)
    return Released(msgspec.json.decode(book, type=Book), decisions)


FILES = sorted(FOLDER.glob("*.jsonl"))


def test_the_rule_set_in_force_has_been_released() -> None:
    assert f"{shipped().version}.jsonl" in [path.name for path in FILES], (
        "release it: run this file as a program, with PYTHONPATH=."
    )


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_every_released_decision_is_decided_the_same_today(path: Path) -> None:
    released = read(path)
    assert released.book.version == path.stem
    assert len(released.decisions) > 20
    for golden in released.decisions:
        assert evaluate(golden.inputs, released.book) == golden.evaluation, golden.name


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_the_released_decisions_reach_every_rule(path: Path) -> None:
    released = read(path)
    held = {finding.rule_id for golden in released.decisions for finding in golden.evaluation.findings if finding.holds}
    assert held == {rule.id for rule in released.book.rules.values() if rule.tests}


def release() -> None:
    """Write the decisions that tell the rules apart: stories of pay, one person each, every period of them."""
    sys.path.insert(0, str(Path(__file__).parent))
    from golden_stories import decisions  # type: ignore[import-not-found]

    book = book_of(shipped())
    made = tuple(Golden(name, inputs, evaluate(inputs, book)) for name, inputs in decisions())
    path = FOLDER / f"{book.version}.jsonl"
    if path.exists():
        raise SystemExit(f"{path.name} is there already")
    path.write_bytes(b"\n".join(msgspec.json.encode(line) for line in (book, *made)) + b"\n")


if __name__ == "__main__":
    release()
