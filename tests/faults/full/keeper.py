"""What a service manager does: starts again what ended, and what says that a restart would help."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self

import httpx

from devstack.errors import DevstackError
from devstack.supervisor import Supervisor

LOOK_S = 0.25
ASK_EVERY_S = 2.0
AGAIN_S = 1.0
UNHEALTHY = 3
"""So many answers in a row that it is not alive, and it is replaced."""


class Keeper:
    """Watches every process of the supervisor until `close`. restarts: (name, why), in order."""

    def __init__(self, supervisor: Supervisor) -> None:
        self.restarts: list[tuple[str, str]] = []
        self._supervisor = supervisor
        self._left: Counter[str] = Counter()
        self._bad: dict[str, int] = {}
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self._thread.start()

    @contextmanager
    def leaving(self, *names: str) -> Iterator[None]:
        """Do not touch these for a while: a cell does something with them. May be nested."""
        with self._lock:
            self._left.update(names)
        try:
            yield
        finally:
            with self._lock:
                self._left -= Counter(names)

    def _run(self) -> None:
        asked = 0.0
        with httpx.Client(timeout=2.0) as http:
            while not self._closing.wait(LOOK_S):
                with self._lock:
                    gone = [name for name in self._supervisor.dead() if name not in self._left]
                    for name in gone:
                        self._again(name, f"ended with {self._supervisor.exit_code(name)}")
                if gone:
                    self._closing.wait(AGAIN_S)
                if time.monotonic() - asked > ASK_EVERY_S:
                    self._ask(http)
                    asked = time.monotonic()

    def _ask(self, http: httpx.Client) -> None:
        for name in self._supervisor.names():
            with suppress(KeyError):  # a cell took it away meanwhile
                self._ask_one(http, name)

    def _ask_one(self, http: httpx.Client, name: str) -> None:
        health = self._supervisor.program(name).health
        if health is not None and name not in self._left:
            problem = self._problem(http, health.replace("/ready", "/live"))
            self._bad[name] = self._bad.get(name, 0) + 1 if problem else 0
            if self._bad[name] >= UNHEALTHY:
                self._bad[name] = 0
                with self._lock:
                    if name not in self._left:
                        self._again(name, f"not alive: {problem}")

    @staticmethod
    def _problem(http: httpx.Client, live: str) -> str | None:
        """Only what the process itself says: a machine that is slow is no reason."""
        try:
            answer = http.get(live)
        except httpx.HTTPError:
            return None
        return None if answer.status_code == 200 else answer.text[:200]

    def _again(self, name: str, why: str) -> None:
        self.restarts.append((name, why))
        with suppress(DevstackError):  # somebody else was faster
            if self._supervisor.alive(name):
                self._supervisor.kill(name)
            self._supervisor.start(self._supervisor.program(name))

    def close(self) -> None:
        """Stop watching."""
        self._closing.set()
        self._thread.join(20)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
