"""The emergency brake: nothing is sent while the store is empty or the worker is catching up.

An empty store knows neither that a message went out long ago nor that its reason is gone; sending from it would repeat
the past. The brake is on until the store has consumed nearly everything that there is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import structlog
from confluent_kafka import KafkaException
from psycopg import Connection

from streaming.health import Health

log = structlog.get_logger()

ON_FOR_S, OFF_FOR_S = 0.25, 2.0


class Brake:
    """Asks at most every few seconds. While the broker is away the last answer holds: the store does not get emptier."""

    def __init__(self, health: Health, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._health = health
        self._limit = limit
        self._clock = clock
        self._on = True
        self._told: bool | None = None
        self._asked: float | None = None

    def on(self, conn: Connection[Any]) -> bool:
        """Whether to hold everything back now."""
        now = self._clock()
        if self._asked is not None and now - self._asked < (ON_FOR_S if self._on else OFF_FOR_S):
            return self._on
        self._asked = now
        try:
            lag = sum(self._health.lag(conn).values())
        except KafkaException:
            return self._on
        empty = conn.execute("SELECT 1 FROM progress LIMIT 1").fetchone() is None
        on = empty or lag >= self._limit
        if on != self._told:
            log.warning("sender.brake", on=on, lag=lag, empty=empty)
        self._on = self._told = on
        return on
