"""The shell's tests can fail: each mutant breaks one promise, and the test that guards it must notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from psycopg import Connection
from test_shell_model import ShellMachine
from test_unit_of_work import Shell, add_command, run_all

from streaming import documents, due, idempotency, parking, progress, session
from streaming.records import Chunk, Root

Patch = Callable[[pytest.MonkeyPatch], None]

SEED = 2
"""Any finds each mutant; this one within seconds."""


def no_compare_and_set(patch: pytest.MonkeyPatch) -> None:
    def advance(conn: Connection[Any], consumer: str, chunks: Sequence[Chunk]) -> None:
        for chunk in chunks:
            conn.execute(
                "UPDATE progress SET next_offset = %s WHERE topic = %s AND part = %s", (chunk.end, chunk.topic, chunk.partition)
            )

    patch.setattr(progress, "advance", advance)


def no_inbox(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(session.Session, "seen", lambda self, ids: set())


def timers_skip_what_is_old(patch: pytest.MonkeyPatch) -> None:
    honest = due.read

    def read(conn: Connection[Any], roots: Sequence[Root], now: datetime, limit: int) -> list[Any]:
        return [item for item in honest(conn, roots, now, limit) if item.due_at > now - timedelta(minutes=2)]

    patch.setattr(due, "read", read)


def parked_marks_unread(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(parking, "marks", lambda conn, roots: set())


def keys_not_kept(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(idempotency, "claim", lambda *_: None)
    patch.setattr(idempotency, "store", lambda *_: None)


def stale_chunks_not_trimmed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(progress, "realign", lambda prepared, stored: [])


@pytest.mark.parametrize(
    "mutant",
    [no_compare_and_set, no_inbox, timers_skip_what_is_old, parked_marks_unread, keys_not_kept, stale_chunks_not_trimmed],
)
def test_the_model_catches(mutant: Patch, monkeypatch: pytest.MonkeyPatch, shell_database: Callable[[], str]) -> None:
    ShellMachine.new_database = staticmethod(shell_database)  # type: ignore[assignment]
    mutant(monkeypatch)
    with pytest.raises(BaseException):  # noqa: B017 - whatever shows first
        run_state_machine_as_test(
            seed(SEED)(type("Machine", (ShellMachine,), {})),
            settings=settings(
                max_examples=400,
                report_multiple_bugs=False,  # one is enough
                stateful_step_count=30,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
                print_blob=False,
            ),
        )


@pytest.fixture
def shell(shell_database: Callable[..., str]) -> Iterator[Shell]:
    made = Shell(shell_database())
    yield made
    for unit in made.units:
        unit.close()


def test_the_concurrency_test_catches_a_missing_row_lock(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "lock", lambda *wanted: documents._by_kind(*wanted, documents.AND_PLACE, ""))
    shell.unit.command(add_command(None, -1))
    units = [shell.new_unit() for _ in range(6)]
    jobs = [
        lambda unit=unit, index=index: [unit.command(add_command(f"{index}-{n}", n)) for n in range(25)]
        for index, unit in enumerate(units)
    ]
    with suppress(AssertionError):  # a write that does not find its row is refused; others are lost
        run_all(jobs)
    assert len(shell.values("A")) < 151, "updates are lost without the lock, and the count shows it"
