"""Timer rows: what is to happen later, per root, in (due_at, id) order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection

from streaming.records import Root
from streaming.spec import Due
from streaming.work import DueItem


def write(conn: Connection[Any], changes: Mapping[str, DueItem | None], fired: Sequence[Due]) -> None:
    """Remove fired and cancelled items, set or move the others: to another moment, or along with a case to another root."""
    gone = [item.id for item in fired] + [due_id for due_id, item in changes.items() if item is None]
    items = [item for item in changes.values() if item is not None]
    if gone:
        conn.execute("DELETE FROM due WHERE id = ANY(%s)", (gone,))
    if items:
        conn.execute(
            "INSERT INTO due (kind, key, id, due_at, name, payload, revision, correlation_id)"
            " SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::bytea[], %s::text[],"
            " %s::text[])"
            " ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, key = excluded.key, due_at = excluded.due_at,"
            " name = excluded.name, payload = excluded.payload, revision = excluded.revision,"
            " correlation_id = excluded.correlation_id",
            (
                [item.root[0] for item in items],
                [item.root[1] for item in items],
                [item.id for item in items],
                [item.due_at for item in items],
                [item.name for item in items],
                [msgspec.msgpack.encode(dict(item.payload)) for item in items],
                [item.revision for item in items],
                [item.correlation_id for item in items],
            ),
        )


def roots_due(conn: Connection[Any], now: datetime, limit: int) -> list[Root]:
    """Roots with something due, oldest first, without locking; parked ones wait."""
    rows = conn.execute(
        "SELECT d.kind, d.key, min(d.due_at) AS first FROM (SELECT kind, key, due_at FROM due o WHERE due_at <= %s"
        " AND NOT EXISTS (SELECT 1 FROM parked_root p WHERE p.key = o.key AND p.kind = o.kind)"
        " ORDER BY due_at, key, kind LIMIT %s) d GROUP BY d.kind, d.key ORDER BY first, d.key",
        (now, limit),
    )
    return [(kind, key) for kind, key, _ in rows]


def read(conn: Connection[Any], roots: Sequence[Root], now: datetime, limit: int) -> list[Due]:
    """Due items of locked roots in the order they fire."""
    rows = conn.execute(
        "SELECT d.id, d.kind, d.key, d.due_at, d.name, d.payload, d.revision, d.correlation_id FROM due d"
        " JOIN unnest(%s::text[], %s::text[]) AS u(kind, key) ON d.key = u.key AND d.kind = u.kind"
        " WHERE d.due_at <= %s ORDER BY d.due_at, d.id LIMIT %s",
        ([kind for kind, _ in roots], [key for _, key in roots], now, limit),
    )
    return [
        Due(id_, (kind, key), due_at, name, msgspec.msgpack.decode(payload), revision, correlation)
        for id_, kind, key, due_at, name, payload, revision, correlation in rows
    ]


def count_due(conn: Connection[Any], now: datetime) -> int:
    """Items that should have fired by now, parked roots aside."""
    row = conn.execute(
        "SELECT count(*) FROM due d WHERE d.due_at <= %s"
        " AND NOT EXISTS (SELECT 1 FROM parked_root p WHERE p.key = d.key AND p.kind = d.kind)",
        (now,),
    ).fetchone()
    return int(row[0]) if row else 0
