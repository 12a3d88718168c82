"""Requests per client: a token bucket each, so that one noisy client does not slow the others."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from streaming.errors import Refused

_MAX_CLIENTS = 10_000


class Limiter:
    """rate: requests a second for each client and process; burst: how many may come at once. Thread safe."""

    def __init__(self, rate: float = 500.0, burst: int = 1000, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._monotonic = monotonic
        self._buckets: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, client: str) -> None:
        """Count one request. Raises Refused (429) with the seconds to wait."""
        now = self._monotonic()
        with self._lock:
            if len(self._buckets) > _MAX_CLIENTS:
                self._forget(now)
            tokens, last = self._buckets.get(client, (float(self._burst), now))
            tokens = min(self._burst, tokens + (now - last) * self._rate)
            if tokens >= 1:
                self._buckets[client] = (tokens - 1, now)
                return
            self._buckets[client] = (tokens, now)
        raise Refused(429, "too-many-requests", "Slow down.", retry_after_s=max(1, math.ceil((1 - tokens) / self._rate)))

    def _forget(self, now: float) -> None:
        full_after = self._burst / self._rate
        self._buckets = {client: bucket for client, bucket in self._buckets.items() if now - bucket[1] < full_after}
