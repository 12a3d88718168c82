"""How the fault cells start a service's process: the real program, with crash points that files on disk arm.

    python -m tests.faults.entry <process name> <service> <role> …

CRASH_POINTS names a folder; while it holds `<process name>.<point>`, the process dies by SIGKILL when it comes to that point
next, and the file is renamed to `.fired`. MUTANT names a broken promise of `tests.faults.mutants`. SKEW_S shifts the time of
day that this process sees. All exist here only: the product has no such switches.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from tests.faults import mutants

from streaming import relay
from streaming.clock import WallClock
from streaming.session import Session
from streaming.unit_of_work import UnitOfWork


class CrashPoints:
    """Looks for the process's armed points; a look costs one failed `rename`."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name

    def reached(self, point: str) -> None:
        """Die here if the point is armed."""
        armed = self._folder / f"{self._name}.{point}"
        try:
            armed.rename(armed.with_suffix(f".{point}.fired"))
        except FileNotFoundError:
            return
        os.kill(os.getpid(), signal.SIGKILL)


def install(points: CrashPoints, role: str) -> None:
    """`before_commit`: everything is written, nothing committed. `after_commit`: committed, nobody told yet.
    `after_publish`: Kafka has the batch, the outbox not yet without it."""
    flush, account, command, run_relay = Session.flush, UnitOfWork._account, UnitOfWork.command, relay.run_relay

    def flush_and_look(self: Session) -> None:
        flush(self)
        if role == "api" or self.outcomes:  # in a worker: a chunk, not a timer
            points.reached("before_commit")

    def account_and_look(self: UnitOfWork, *given: Any) -> Any:
        points.reached("after_commit")
        return account(self, *given)

    def command_and_look(self: UnitOfWork, *given: Any) -> Any:
        reply = command(self, *given)
        points.reached("after_commit")
        return reply

    Session.flush = flush_and_look  # type: ignore[method-assign]
    UnitOfWork._account = account_and_look  # type: ignore[assignment, method-assign]
    UnitOfWork.command = command_and_look  # type: ignore[assignment, method-assign]
    relay.run_relay = partial(run_relay, reached=points.reached)


def skew(seconds: float) -> None:
    """The machine's clock is wrong by so much, for everything in this process that asks Python for the time of day."""
    honest, honest_ns = time.time, time.time_ns
    time.time = lambda: honest() + seconds
    time.time_ns = lambda: honest_ns() + int(seconds * 1e9)
    WallClock.now = lambda self: datetime.now(UTC) + timedelta(seconds=seconds)  # type: ignore[method-assign]


def main() -> None:
    skew(float(os.environ.get("SKEW_S", "0")))
    name, service, *rest = sys.argv[1:]
    install(CrashPoints(Path(os.environ["CRASH_POINTS"]), name), rest[0])
    mutants.install(os.environ.get("MUTANT", ""))
    sys.argv = [service, *rest]
    runpy.run_module(service, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
