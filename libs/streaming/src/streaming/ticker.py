"""The timer thread of a worker: fires what is due, often while busy, at once when the platform's clock is advanced."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from streaming.errors import Infrastructure
from streaming.lanes import Unit, backoff
from streaming.liveness import Liveness

log = structlog.get_logger()

BUSY_S = 0.025
IDLE_S = 0.1
PER_TRANSACTION = 500
STEP = "timers"


class Ticker:
    """Owns a unit of work of its own. fail: told of what must stop the process."""

    def __init__(self, unit: Unit, liveness: Liveness, fail: Callable[[BaseException], None]) -> None:
        self._unit = unit
        self._liveness = liveness
        self._fail = fail
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=STEP, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self, *_: object) -> None:
        """Look now; any thread may call."""
        self._wake.set()

    def stop(self, timeout: float) -> None:
        """Finish the transaction in flight and end."""
        self._closing.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        try:
            attempt = 0
            while not self._closing.is_set():
                self._liveness.begin(STEP)
                try:
                    fired = self._unit.fire_due(PER_TRANSACTION)
                except Infrastructure as error:
                    self._liveness.waits(STEP, str(error))
                    log.warning("timers.wait", reason=str(error), attempt=attempt)
                    self._closing.wait(backoff(attempt))
                    attempt += 1
                    continue
                attempt = 0
                self._liveness.end(STEP)
                if fired < PER_TRANSACTION:
                    self._wake.wait(BUSY_S if fired else IDLE_S)
                self._wake.clear()
        except BaseException as error:  # timers that stop unseen would be worse than a restart
            self._fail(error)
        finally:
            self._unit.close()
