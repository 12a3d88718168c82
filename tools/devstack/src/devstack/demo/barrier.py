"""The drain barrier: nobody advances the clock before everything known so far is done in every service."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from devstack.errors import DevstackError

PAUSE_S = 0.005


@dataclass(frozen=True, slots=True)
class State:
    """One service's answer to /health/drained."""

    drained: bool
    now: datetime | None
    work: int
    body: Mapping[str, Any]


class Barrier:
    """Asks all services at once. Drained means: two rounds in which all say so, with the same amount of work done."""

    def __init__(self, addresses: Mapping[str, str], timeout_s: float = 120.0, pause_s: float = PAUSE_S) -> None:
        self._pause_s = pause_s
        self.timeout_s = timeout_s
        self.waited_s = 0.0
        self._now: datetime | None = None
        self._clients = {name: httpx.Client(base_url=url, timeout=10.0) for name, url in addresses.items()}
        self._threads = ThreadPoolExecutor(len(self._clients))

    def wait(self, now: datetime) -> None:
        """Returns when everything is done at the platform's instant `now`. Raises DevstackError with what is left over."""
        self._now = now
        began = time.monotonic()
        before: dict[str, int] | None = None
        while True:
            states = dict(zip(self._clients, self._threads.map(self._ask, self._clients), strict=True))
            done = all(state.drained and state.now is not None and state.now >= now for state in states.values())
            work = {name: state.work for name, state in states.items()}
            if done and work == before:
                self.waited_s += time.monotonic() - began
                return
            before = work if done else None
            if time.monotonic() - began > self.timeout_s:
                left = {name: dict(state.body) for name, state in states.items() if not state.drained}
                raise DevstackError(f"not drained within {self.timeout_s:.0f} s at {now}: {left}; see the logs of these services")
            if not done:
                time.sleep(self._pause_s)

    def wait_again(self) -> None:
        """Once more at the instant of the last wait."""
        if self._now is not None:
            self.wait(self._now)

    def _ask(self, name: str) -> State:
        try:
            response = self._clients[name].get("/health/drained")
            body = response.json()
            return State(bool(body["drained"]), datetime.fromisoformat(body["now"]), int(body["work"]), body)
        except (httpx.HTTPError, ValueError, KeyError) as error:
            return State(False, None, -1, {"error": type(error).__name__})

    def close(self) -> None:
        """Give the connections back."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for client in self._clients.values():
            client.close()
