"""Idempotency keys of commands: claimed first, answered in the transaction of the effect, replayed afterwards."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from psycopg import Connection

from streaming.errors import Refused
from streaming.work import Reply

KEPT_DAYS = 7
"""No caller repeats a request after so long; replies hold what was said of people, so they are not kept for ever."""


def claim(conn: Connection[Any], client: str, key: str, fingerprint: bytes, cause_id: str) -> Reply | None:
    """Take the key for this transaction, or return the stored reply of an earlier one.

    A concurrent request with the same key waits here for the first one's commit. Raises Refused (422) when the key
    was used with another request.
    """
    cursor = conn.execute(
        "INSERT INTO idempotency (client, key, fingerprint, cause_id) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (client, key, fingerprint, cause_id),
    )
    if cursor.rowcount == 1:
        return None
    row = conn.execute(
        "SELECT fingerprint, status, body, headers FROM idempotency WHERE client = %s AND key = %s", (client, key)
    ).fetchone()
    if row is None or bytes(row[0]) != fingerprint:
        raise Refused(422, "idempotency-key-reused", "This Idempotency-Key was used with a different request. Use a new key.")
    return Reply(row[1], msgspec.json.decode(row[2]), row[3])


def store(conn: Connection[Any], client: str, key: str, reply: Reply) -> None:
    """Keep the reply for replays."""
    conn.execute(
        "UPDATE idempotency SET status = %s, body = %s, headers = %s WHERE client = %s AND key = %s",
        (reply.status, msgspec.json.encode(reply.body), json.dumps(dict(reply.headers)), client, key),
    )


def forget(conn: Connection[Any]) -> int:
    """Delete old keys with their replies; how many."""
    return conn.execute("DELETE FROM idempotency WHERE at < now() - %s * interval '1 day'", (KEPT_DAYS,)).rowcount
