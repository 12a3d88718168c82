"""Dead letters: records that are ours but cannot be used, kept with their reason and original bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from streaming.crypto import FieldCipher
from streaming.records import Bad, Record
from streaming.sealed import seal, unseal


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One row as listed: no content."""

    topic: str
    partition: int
    offset: int
    reason: str
    record_id: str | None
    at: datetime
    replayed_at: datetime | None


def append(conn: Connection[Any], cipher: FieldCipher, bad: Sequence[Bad]) -> None:
    """Write in the transaction that moves the offset past them.

    A place that has a letter already was sent back by an operator: the letter is open again, with what lies there now.
    """
    if not bad:
        return
    conn.execute(
        'INSERT INTO dead_letter (topic, part, "offset", reason, record_id, record)'
        " SELECT * FROM unnest(%s::text[], %s::int[], %s::bigint[], %s::text[], %s::text[], %s::bytea[])"
        ' ON CONFLICT (topic, part, "offset") DO UPDATE SET reason = excluded.reason, record_id = excluded.record_id,'
        " record = excluded.record, at = now(), replayed_at = NULL",
        (
            [entry.record.topic for entry in bad],
            [entry.record.partition for entry in bad],
            [entry.record.offset for entry in bad],
            [entry.reason for entry in bad],
            [entry.record_id for entry in bad],
            [seal(cipher, entry.record) for entry in bad],
        ),
    )


def listing(conn: Connection[Any], *, topic: str | None = None, open_only: bool = True, limit: int = 100) -> list[DeadLetter]:
    """Newest first."""
    rows = conn.execute(
        'SELECT topic, part, "offset", reason, record_id, at, replayed_at FROM dead_letter'
        " WHERE (%s::text IS NULL OR topic = %s) AND (NOT %s OR replayed_at IS NULL) ORDER BY at DESC, topic, part, "
        '"offset" LIMIT %s',
        (topic, topic, open_only, limit),
    )
    return [DeadLetter(*row) for row in rows]


def fetch(conn: Connection[Any], cipher: FieldCipher, topic: str, partition: int, offset: int) -> Record | None:
    """The stored record, byte for byte; None if there is none, or if the service emptied it because somebody was erased."""
    row = conn.execute(
        'SELECT record FROM dead_letter WHERE topic = %s AND part = %s AND "offset" = %s', (topic, partition, offset)
    ).fetchone()
    return None if row is None or not row[0] else unseal(cipher, topic, partition, offset, row[0])


def mark_replayed(conn: Connection[Any], topic: str, partition: int, offset: int) -> None:
    """The record was used after all."""
    conn.execute(
        'UPDATE dead_letter SET replayed_at = now() WHERE topic = %s AND part = %s AND "offset" = %s', (topic, partition, offset)
    )
