"""One what-if that cannot be answered is told so, and holds up none behind it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import psycopg
import pytest
from test_what_if import play

from referrals.desk import KIND
from referrals.model import ClaimDoc
from referrals.whatif import run, runner
from referrals.whatif.compare import Window
from referrals.whatif.run import Question
from streaming import documents
from streaming.documents import Codec
from streaming.spec import Kind

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
YEAR = Window(first=date(2026, 1, 1), last=date(2026, 12, 1))
GOOD = Question(files=Question(files={}, window=YEAR).in_force, window=YEAR)
BEYOND = msgspec.structs.replace(GOOD, window=Window(first=date(2026, 1, 1), last=date.max))
NO_POLICY = msgspec.structs.replace(GOOD, files={**GOOD.files, "aet": "schema: another"})
UNREADABLE = msgspec.msgpack.encode({"window": "of an earlier release"})

pytestmark = pytest.mark.timeout(90)


@pytest.fixture
def url(fresh_database: Callable[[str], str]) -> str:
    """A database with one claim on record."""
    made = fresh_database("referrals")
    with psycopg.connect(made) as conn:
        doc = play([(105_000, 0, ""), (84_000, 0, "")])
        documents.save(conn, Codec([Kind(KIND, ClaimDoc)]), {(KIND, "C"): doc}, {})
    return made


def waiting(url: str, *questions: Question | bytes) -> None:
    """Asked one a minute."""
    with psycopg.connect(url) as conn:
        for n, question in enumerate(questions):
            stored = question if isinstance(question, bytes) else msgspec.msgpack.encode(question)
            conn.execute(
                "INSERT INTO what_if (run_id, asked_at, question, state) VALUES (%s, %s, %s, 'waiting')",
                (f"run-{n}", NOW + timedelta(minutes=n), stored),
            )


def states(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as conn:
        return conn.execute("SELECT state, report IS NOT NULL FROM what_if ORDER BY asked_at").fetchall()


@pytest.mark.parametrize(
    "bad",
    [BEYOND, NO_POLICY, UNREADABLE],
    ids=["a window without end", "a policy refused by now", "a question not read any more"],
)
def test_what_cannot_be_answered_has_failed_and_the_next_is_answered(url: str, bad: Question | bytes) -> None:
    waiting(url, bad, GOOD)
    assert runner.answer_waiting(url) == 2
    assert states(url) == [("failed", False), ("done", True)]


def killed(after: str, upto: str) -> bytes:
    """As by the kernel when memory is short."""
    os.kill(os.getpid(), signal.SIGKILL)
    return b""


def cannot_begin(url: str, question: Question) -> None:
    raise RuntimeError("a stored policy that this release refuses")


def without_database(after: str, upto: str) -> bytes:
    raise psycopg.OperationalError("the connection is lost")


@pytest.mark.parametrize(("part", "instead"), [("_part", killed), ("_prepare", cannot_begin)])
def test_a_process_that_dies_or_cannot_begin_fails_its_run(
    url: str, monkeypatch: pytest.MonkeyPatch, part: str, instead: Callable[..., Any]
) -> None:
    waiting(url, GOOD)
    monkeypatch.setattr(run, part, instead)
    assert runner.answer_waiting(url) == 1
    assert states(url) == [("failed", False)]


def test_a_run_that_loses_its_database_is_begun_anew(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting(url, GOOD)
    with monkeypatch.context() as at_first:
        at_first.setattr(run, "_part", without_database)
        with pytest.raises(psycopg.OperationalError):
            runner.answer_waiting(url)
    assert states(url) == [("running", False)]
    assert runner.answer_waiting(url) == 1
    assert states(url) == [("done", True)]
