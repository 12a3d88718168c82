"""Which messages the sender takes up, and which count as not sent yet."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import psycopg

from notifications.store import queue

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)


def test_a_parked_claims_messages_are_not_taken_up_and_hold_up_no_drain(fresh_database: Callable[[str], str]) -> None:
    """They wait for an operator, before all others, and take nobody's place."""
    with psycopg.connect(fresh_database("notifications"), autocommit=True) as conn:
        conn.execute(
            "INSERT INTO send_queue (claim_id, message_id, due_at) VALUES ('parked', 'm-1', %s), ('good', 'm-2', %s)",
            (NOW, NOW),
        )
        conn.execute(
            "INSERT INTO parked_root (kind, key, error) VALUES ('claim', 'parked', 'a test'), ('coach', 'good', 'a test')"
        )
        assert queue.count_due(conn, NOW) == 1
        taken = queue.claim_due(conn, NOW, holder="test", lease_s=60, limit=1)
        assert [item.claim_id for item in taken] == ["good"]
        assert queue.claim_due(conn, NOW, holder="test", lease_s=60, limit=1) == []
        assert queue.count_due(conn, NOW) == 1, "in hand is not sent"
        conn.execute("DELETE FROM parked_root")
        assert queue.count_due(conn, NOW) == 2
        assert [item.claim_id for item in queue.claim_due(conn, NOW, holder="test", lease_s=60, limit=1)] == ["parked"]
