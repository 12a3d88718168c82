"""The send queue: who works on which message, by leases on the database's own clock."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection

CLAIM_ROWS = """
UPDATE send_queue q SET lease_until = now() + make_interval(secs => %(lease)s), holder = %(holder)s
FROM (
    SELECT claim_id, message_id FROM send_queue s
    WHERE due_at <= %(now)s AND (lease_until IS NULL OR lease_until <= now())
    AND NOT EXISTS (SELECT 1 FROM parked_root p WHERE p.key = s.claim_id AND p.kind = 'claim')
    ORDER BY due_at, message_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
) due
WHERE q.claim_id = due.claim_id AND q.message_id = due.message_id
RETURNING q.claim_id, q.message_id
"""


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """A message that this process works on until its lease ends."""

    claim_id: str
    message_id: str


def claim_due(conn: Connection[Any], now: datetime, *, holder: str, lease_s: float, limit: int) -> list[Claimed]:
    """Lease up to `limit` messages that are due at `now` (the platform's clock) and that nobody works on; parked claims' wait."""
    rows = conn.execute(CLAIM_ROWS, {"lease": lease_s, "holder": holder, "now": now, "limit": limit})
    return [Claimed(claim_id=claim_id, message_id=message_id) for claim_id, message_id in rows]


def holds(conn: Connection[Any], item: Claimed, holder: str, margin_s: float) -> bool:
    """Whether the lease is still this holder's and lasts for `margin_s` more: asked right before the provider is called."""
    row = conn.execute(
        "SELECT holder = %s AND lease_until > now() + make_interval(secs => %s) FROM send_queue"
        " WHERE claim_id = %s AND message_id = %s",
        (holder, margin_s, item.claim_id, item.message_id),
    ).fetchone()
    return bool(row and row[0])


def count_due(conn: Connection[Any], now: datetime) -> int:
    """Messages that should have gone out by now, those in hand included, parked claims' aside."""
    row = conn.execute(
        "SELECT count(*) FROM send_queue s WHERE due_at <= %s"
        " AND NOT EXISTS (SELECT 1 FROM parked_root p WHERE p.key = s.claim_id AND p.kind = 'claim')",
        (now,),
    ).fetchone()
    return int(row[0]) if row else 0


def claim_of_message(conn: Connection[Any], message_id: str) -> str | None:
    """The claim that a message belongs to."""
    row = conn.execute("SELECT claim_id FROM message WHERE message_id = %s", (message_id,)).fetchone()
    return str(row[0]) if row else None


def release(conn: Connection[Any], item: Claimed, holder: str, seconds: float) -> None:
    """Give the message back, not to be touched for `seconds`."""
    conn.execute(
        "UPDATE send_queue SET lease_until = now() + make_interval(secs => %s)"
        " WHERE claim_id = %s AND message_id = %s AND holder = %s",
        (seconds, item.claim_id, item.message_id, holder),
    )
