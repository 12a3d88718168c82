"""What-ifs in the database: asked, under way, answered. Nothing else is written by a what-if."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.rows import class_row

from referrals.whatif.compare import Row
from referrals.whatif.run import Question
from streaming.database import connector

KEPT_DAYS = 30
"""Answers are working papers; ask again when they are needed later."""


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """One what-if as stored."""

    run_id: str
    asked_at: datetime
    question: bytes
    state: str
    done: int
    total: int
    report: bytes | None

    def asked(self) -> Question:
        return asked(self.question)


def asked(question: bytes) -> Question:
    """A question as stored. Raises msgspec.ValidationError for one that this release does not read."""
    return msgspec.msgpack.decode(question, type=Question)


def add(conn: Connection[Any], rows: Iterable[Mapping[str, Any]]) -> None:
    """Questions, in the transaction of the command that asks them."""
    for row in rows:
        conn.execute(
            "INSERT INTO what_if (run_id, asked_at, question, state) VALUES (%s, %s, %s, 'waiting')",
            (row["run_id"], row["asked_at"], msgspec.msgpack.encode(row["question"])),
        )


def find(conn: Connection[Any], run_id: str) -> Stored | None:
    """One what-if."""
    with conn.cursor(row_factory=class_row(Stored)) as cursor:
        return cursor.execute(
            "SELECT run_id, asked_at, question, state, done, total, report FROM what_if WHERE run_id = %s", (run_id,)
        ).fetchone()


def take(conn: Connection[Any]) -> tuple[str, bytes] | None:
    """The oldest unanswered one (id, as stored), now running; also one whose process died (there is only one at a time)."""
    found = conn.execute(
        "UPDATE what_if SET state = 'running', done = 0 WHERE run_id = (SELECT run_id FROM what_if"
        " WHERE state IN ('waiting', 'running') ORDER BY asked_at, run_id LIMIT 1) RETURNING run_id, question"
    ).fetchone()
    if found is None:
        return None
    conn.execute("DELETE FROM what_if_row WHERE run_id = %s", (found[0],))
    return str(found[0]), bytes(found[1])


def progress(conn: Connection[Any], run_id: str, done: int, total: int) -> None:
    """How far it is."""
    conn.execute("UPDATE what_if SET done = %s, total = %s WHERE run_id = %s", (done, total, run_id))


def keep(conn: Connection[Any], run_id: str, first: int, rows: Sequence[Row]) -> None:
    """Rows with running numbers from `first` on."""
    conn.execute(
        "INSERT INTO what_if_row SELECT %s, * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::bytea[])",
        (
            run_id,
            list(range(first, first + len(rows))),
            [row.claim_id for row in rows],
            [row.claimant_id for row in rows],
            [row.change for row in rows],
            [msgspec.msgpack.encode(row) for row in rows],
        ),
    )


def finish(conn: Connection[Any], run_id: str, report: bytes | None) -> None:
    """Answered, or failed without an answer. Old ones go."""
    conn.execute("UPDATE what_if SET state = %s, report = %s WHERE run_id = %s", ("done" if report else "failed", report, run_id))
    conn.execute(
        "DELETE FROM what_if WHERE asked_at < (SELECT asked_at FROM what_if WHERE run_id = %s) - %s * interval '1 day'",
        (run_id, KEPT_DAYS),
    )


def rows(conn: Connection[Any], run_id: str, change: str | None, after: int | None, limit: int) -> list[tuple[int, Row]]:
    """Rows in order of their numbers."""
    found = conn.execute(
        "SELECT seq, row FROM what_if_row WHERE run_id = %s AND seq > %s AND (%s::text IS NULL OR change = %s)"
        " ORDER BY seq LIMIT %s",
        (run_id, -1 if after is None else after, change, change, limit),
    )
    return [(seq, msgspec.msgpack.decode(bytes(row), type=Row)) for seq, row in found]


def unknown_offices(url: str, offices: Sequence[str]) -> list[str]:
    """Those of them that the reference data do not know, where nobody on record is, and where no case was."""
    if not offices:
        return []
    with connector(url, "referrals what-if")() as conn:
        found = conn.execute(
            "SELECT o FROM unnest(%s::text[]) o WHERE NOT EXISTS (SELECT 1 FROM office t WHERE t.office_id = o)"
            " AND NOT EXISTS (SELECT 1 FROM person t WHERE t.office_id = o)"
            " AND NOT EXISTS (SELECT 1 FROM worklist t WHERE t.office_id = o) ORDER BY o",
            (list(offices),),
        )
        return [str(row[0]) for row in found]


def forget(conn: Connection[Any], people: Iterable[tuple[str, str]]) -> None:
    """Erasure: rows about these (claim, person) pairs; the sums of people stay."""
    pairs = sorted(set(people))
    conn.execute(
        "DELETE FROM what_if_row r USING unnest(%s::text[], %s::text[]) AS u(c, p)"
        " WHERE r.claim_id = u.c AND r.claimant_id = u.p",
        ([claim for claim, _ in pairs], [person for _, person in pairs]),
    )
