"""Outgoing events, written in the transaction that causes them; the relay publishes them in `seq` order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import Connection

from streaming.work import Outgoing


def append(conn: Connection[Any], events: Sequence[Outgoing]) -> None:
    """Write in the given order. No ON CONFLICT: a violation is a bug."""
    if not events:
        return
    conn.execute(
        "INSERT INTO outbox (topic, key, id, type, subject, value, causation_id, correlation_id, traceparent, time)"
        " SELECT topic, key, id, type, subject, value, causation_id, correlation_id, traceparent, time"
        " FROM unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::bytea[], %b::text[], %b::text[],"
        " %b::text[], %b::timestamptz[]) WITH ORDINALITY"
        " AS u(topic, key, id, type, subject, value, causation_id, correlation_id, traceparent, time, n) ORDER BY n",
        (
            [event.topic for event in events],
            [event.key for event in events],
            [event.id for event in events],
            [event.type for event in events],
            [event.subject for event in events],
            [event.value for event in events],
            [event.cause.id for event in events],
            [event.cause.correlation_id for event in events],
            [event.cause.traceparent for event in events],
            [event.time for event in events],
        ),
    )
