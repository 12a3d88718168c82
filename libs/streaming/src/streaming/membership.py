"""Static group membership: which instance this process is, held by a PostgreSQL advisory lock while it lives.

Kafka lets a second process with the same `group.instance.id` push the first one out, and both would fight for the
partitions for ever. The lock ends with the connection, so the successor of a killed process has it at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import Connection

from streaming.errors import Fatal, Infrastructure

SLOTS = 64
PATIENCE_S = 3.0


class InstanceLock:
    """The name of this member. `name` is valid after `acquire`."""

    def __init__(self, connect: Callable[[], Connection[Any]], consumer: str, wanted: str, host: str) -> None:
        """wanted: INSTANCE_ID, or empty to take the first free slot of this host."""
        self._connect = connect
        self._consumer = consumer
        self._names = [wanted] if wanted else [f"{consumer}-{host}-{slot}" for slot in range(SLOTS)]
        self._conn: Connection[Any] | None = None
        self.name = ""

    def acquire(self, patience_s: float = PATIENCE_S) -> str:
        """Take the first free name. Raises Fatal when all are in use, Infrastructure when the database is away."""
        deadline = time.monotonic() + patience_s
        while True:
            for name in [self.name] if self.name else self._names:
                if self._try(name):
                    self.name = name
                    return name
            if time.monotonic() > deadline:
                raise Fatal(
                    f"another worker of {self._consumer} runs as {self._names[0]}: stop it, or give this one its own INSTANCE_ID"
                )
            time.sleep(0.1)

    def check(self) -> None:
        """Hold on to the name: after the connection broke, take it again. Raises as `acquire`."""
        try:
            if self._conn is not None and not self._conn.closed:
                self._conn.execute("SELECT 1")
                return
        except psycopg.Error:
            self.release()
        self.acquire()

    def release(self) -> None:
        """Give the name back."""
        if self._conn is not None:
            with suppress(psycopg.Error):
                self._conn.close()
            self._conn = None

    def _try(self, name: str) -> bool:
        try:
            if self._conn is None or self._conn.closed:
                self._conn = self._connect()
                self._conn.execute("SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3")
            row = self._conn.execute(
                "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (f"worker:{self._consumer}:{name}",)
            ).fetchone()
        except psycopg.Error as error:
            self.release()
            raise Infrastructure(f"database: {type(error).__name__}") from error
        return bool(row and row[0])
