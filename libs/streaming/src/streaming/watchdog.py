"""Ends a worker that only a restart can help, and says where it stood.

An orchestrator restarts what fails its liveness; a plain service manager only sees a process that ends. So the worker also
watches itself, from a thread of its own: a blocked event loop or a consumer that no longer delivers would otherwise stay
up, consume nothing, and look like quiet hours.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable

import structlog

log = structlog.get_logger()

LOOP_LIMIT_S = 60.0
"""An event loop that has not turned for longer is blocked; a starved machine is slower by less."""
PERSISTS_S = 10.0
"""A problem that passes by itself within this time is none."""
LOOK_EVERY_S = 2.0


class Watchdog:
    """problem: what a restart would help against, or None; asked from the watching thread. `beat` from the event loop."""

    def __init__(self, problem: Callable[[], str | None], leave: Callable[[str], None] | None = None) -> None:
        self._problem = problem
        self._leave = leave or _leave
        self._turned = time.monotonic()
        self._since: float | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Watch until `stop`."""
        self.beat()
        self._thread.start()

    def beat(self) -> None:
        """The event loop turns."""
        self._turned = time.monotonic()

    def stop(self) -> None:
        """The process is ending by itself."""
        self._ended.set()

    def look(self, now: float) -> None:
        """One look; leaves the process when something has been wrong for long enough. A process that was frozen as a whole
        looks blocked at first when it wakes."""
        blocked = now - self._turned
        found = f"the event loop has not turned for {blocked:.0f} s" if blocked > LOOP_LIMIT_S else self._problem()
        if found is None:
            self._since = None
            return
        self._since = self._since or now
        if now - self._since > PERSISTS_S:
            self._leave(found)

    def _run(self) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            self.look(time.monotonic())


def _leave(reason: str) -> None:
    log.critical("worker.stopped", reason=f"{reason}; a new start goes on where the database says", error="Stalled")
    sys.stdout.flush()
    faulthandler.dump_traceback(all_threads=True)  # names and lines only, no values
    os._exit(1)
