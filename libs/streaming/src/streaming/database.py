"""Connections: plain psycopg 3, autocommit outside explicit transactions, with the time-outs the shell relies on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import Connection
from psycopg_pool import ConnectionPool

IDLE_IN_TRANSACTION_MS = 5000
"""Below the consumer's session time-out: a frozen worker's transaction must not hold its offset row for long."""

VANISHED: dict[str, Any] = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10_000}
"""A server whose machine is gone says nothing. Without these the kernel would let a query wait for a quarter of an hour; with
them it fails within seconds and is tried again. Without meaning on a Unix socket."""


def connector(url: str, role: str, idle_in_transaction_ms: int = IDLE_IN_TRANSACTION_MS) -> Callable[[], Connection[Any]]:
    """A function that opens a connection. role: shown as application_name (`earnings worker`)."""
    options = f"-c idle_in_transaction_session_timeout={idle_in_transaction_ms} -c timezone=UTC"

    def connect() -> Connection[Any]:
        return psycopg.connect(url, autocommit=True, application_name=role, options=options, connect_timeout=5, **VANISHED)

    return connect


def pool(url: str, role: str, size: int = 8) -> ConnectionPool[Connection[Any]]:
    """A pool for an API process; opened by its caller."""
    options = f"-c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS} -c timezone=UTC"
    return ConnectionPool(
        url,
        min_size=1,
        max_size=size,
        open=False,
        timeout=3.0,
        kwargs={"autocommit": True, "application_name": role, "options": options, "connect_timeout": 5, **VANISHED},
        check=ConnectionPool.check_connection,
    )
