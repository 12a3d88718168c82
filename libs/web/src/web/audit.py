"""Reads of people's records, granted and refused: one audit row each. Ids and codes, never values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from psycopg import Connection

from streaming import audit
from web import queries
from web.principal import Principal


def read(
    conn: Connection[Any],
    request: Request,
    principal: Principal,
    resource: str,
    *,
    granted: bool = True,
    reason: str | None = None,
    ids: Mapping[str, str | None],
) -> None:
    """Write the row. resource: kind of record (`case`, `claim`); ids: whose record, by id. Nulls are left out."""
    audit.write(
        conn,
        [
            {
                "actor": principal.actor,
                "action": f"{request.method} {queries.template(request)}",
                "resource": resource,
                "granted": granted,
                "reason": reason,
                "ids": {name: value for name, value in ids.items() if value is not None},
            }
        ],
    )
