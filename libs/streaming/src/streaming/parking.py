"""Parking: after a bug on one event, its root waits, with everything later for it, until an operator releases it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from streaming.crypto import FieldCipher
from streaming.records import Record, Root
from streaming.sealed import seal, unseal


@dataclass(frozen=True, slots=True)
class ParkedRoot:
    """One parked root as listed."""

    kind: str
    key: str
    error: str
    parked_at: datetime
    waiting: int


def marks(conn: Connection[Any], roots: Iterable[Root]) -> set[Root]:
    """Which of these roots are parked. Read under their locks. Nearly always nothing is parked: asking that first is cheap."""
    if conn.execute("SELECT 1 FROM parked_root LIMIT 1").fetchone() is None:
        return set()
    keys = sorted({key for _, key in roots})
    rows = conn.execute("SELECT kind, key FROM parked_root WHERE key = ANY(%s)", (keys,))
    return {(kind, key) for kind, key in rows}


def park(conn: Connection[Any], newly: Sequence[tuple[Root, str]]) -> None:
    """Mark roots. `error` is the exception's type and place, never its text."""
    for (kind, key), error in newly:
        conn.execute("INSERT INTO parked_root (kind, key, error) VALUES (%s, %s, %s)", (kind, key, error))


def append(conn: Connection[Any], cipher: FieldCipher, items: Sequence[tuple[Root, Record]]) -> None:
    """Keep records that wait, in arrival order."""
    for (kind, key), record in items:
        conn.execute(
            'INSERT INTO parked_item (kind, key, topic, part, "offset", record) VALUES (%s, %s, %s, %s, %s, %s)',
            (kind, key, record.topic, record.partition, record.offset, seal(cipher, record)),
        )


def waiting(conn: Connection[Any], cipher: FieldCipher, root: Root) -> list[tuple[int, Record]]:
    """(seq, record) of what waits behind this root, in arrival order."""
    rows = conn.execute(
        'SELECT seq, topic, part, "offset", record FROM parked_item WHERE kind = %s AND key = %s ORDER BY seq', root
    )
    return [(seq, unseal(cipher, topic, part, offset, record)) for seq, topic, part, offset, record in rows]


def clear(conn: Connection[Any], root: Root, done: Sequence[int]) -> None:
    """Forget released items and the mark."""
    conn.execute("DELETE FROM parked_item WHERE kind = %s AND key = %s AND seq = ANY(%s)", (*root, list(done)))
    conn.execute("DELETE FROM parked_root WHERE kind = %s AND key = %s", root)


def newly_parked(conn: Connection[Any]) -> int:
    """Roots parked within the last hour: what the stop limit counts."""
    row = conn.execute("SELECT count(*) FROM parked_root WHERE parked_at > now() - interval '1 hour'").fetchone()
    return int(row[0]) if row else 0


def listing(conn: Connection[Any], limit: int = 100) -> list[ParkedRoot]:
    """Oldest first, with the number of records that wait behind each."""
    rows = conn.execute(
        "SELECT r.kind, r.key, r.error, r.parked_at,"
        " (SELECT count(*) FROM parked_item i WHERE i.kind = r.kind AND i.key = r.key)"
        " FROM parked_root r ORDER BY r.parked_at LIMIT %s",
        (limit,),
    )
    return [ParkedRoot(*row) for row in rows]
