"""The audit: one row for every change and every read of a person's record, refusals included. Ids, never values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import Connection


def write(conn: Connection[Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Append rows {actor, action, resource, granted, reason, ids}. In the caller's transaction if one is open."""
    if not rows:
        return
    conn.execute(
        "INSERT INTO audit (actor, action, resource, granted, reason, ids)"
        " SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::bool[], %s::text[], %s::jsonb[])",
        (
            [row["actor"] for row in rows],
            [row["action"] for row in rows],
            [row["resource"] for row in rows],
            [row["granted"] for row in rows],
            [row.get("reason") for row in rows],
            [json.dumps(row.get("ids", {})) for row in rows],
        ),
    )
