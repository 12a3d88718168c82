"""Kafka and PostgreSQL for `up`, the demo and the tests: found by address, in Docker, or embedded; in that order.

    with backends.start(var_dir) as found:
        found.kafka.bootstrap, found.postgres.url("earnings")

Only what was started here is ever stopped. What runs is noted in `<var>/run/backends.json`, so that `attach` finds it and
the next `start` cleans up after a program that was killed.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from devstack import docker_engine, state
from devstack.errors import DevstackError
from devstack.kafka import Kafka
from devstack.postgres import Postgres

Want = Literal["kafka", "postgresql"]
BOTH: tuple[Want, ...] = ("kafka", "postgresql")


def default_var_dir() -> Path:
    """VAR_DIR, else `var` in the root of the project (the nearest folder above that has a Makefile or deploy folder)."""
    given = os.environ.get("VAR_DIR")
    if given:
        return Path(given).resolve()
    return Path(__file__).resolve().parents[4] / "var"


class Backends:
    """The backends of one run; a context manager that stops what it started."""

    def __init__(self, var_dir: Path, kafka: Kafka | None, postgres: Postgres | None, *, owned: bool) -> None:
        self.var_dir = var_dir
        self._kafka = kafka
        self._postgres = postgres
        self._owned = owned

    @property
    def kafka(self) -> Kafka:
        if self._kafka is None:
            raise DevstackError("Kafka was not asked for")
        return self._kafka

    @property
    def postgres(self) -> Postgres:
        if self._postgres is None:
            raise DevstackError("PostgreSQL was not asked for")
        return self._postgres

    def kinds(self) -> dict[str, str]:
        """For reports: `{"kafka": "address"|"docker"|"embedded", "postgresql": …}`."""
        kinds: dict[str, str] = {}
        if self._kafka is not None:
            kinds["kafka"] = self._kafka.kind
        if self._postgres is not None:
            kinds["postgresql"] = self._postgres.kind
        return kinds

    def detach(self) -> None:
        """Leave them running after this program ends; `attach(var_dir).stop()` ends them later."""
        self._owned = False
        atexit.unregister(self.close)
        for backend in (self._kafka, self._postgres):
            if backend is not None:
                backend.forget()
        state.write(self.var_dir, self._kafka, self._postgres, owner=None)

    def close(self) -> None:
        """Stop what this object started; nothing after `detach` or `attach`."""
        atexit.unregister(self.close)
        if self._owned:
            self.stop()

    def stop(self) -> None:
        """Stop what runs, whoever started it (never a backend given by address), and forget it."""
        self._owned = False
        for backend in (self._kafka, self._postgres):
            if backend is not None:
                backend.close()
        state.remove(self.var_dir)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def start(
    var_dir: Path | None = None,
    *,
    kafka_port: int | None = None,
    want: Sequence[Want] = BOTH,
    fresh: bool = False,
    detached: bool = False,
) -> Backends:
    """Find or start the wanted backends, wait until each answers, and say which way was chosen and why.

    Data and logs live under `var_dir`; `fresh` erases the data of an earlier run first. `kafka_port` fixes the port of a
    started broker (default: any free one). `detached` is for `up`: they stay after this program.
    Raises MissingPrerequisite, PortTaken, ProcessFailed, or DevstackError if a live program already uses `var_dir`.
    """
    home = (var_dir or default_var_dir()).resolve()
    (home / "run").mkdir(parents=True, exist_ok=True)
    if not detached:
        _end_in_order()
    with _one_at_a_time(home):
        _clean_up(home)
        if fresh:
            for name in ("kafka", "postgresql"):
                shutil.rmtree(home / name, ignore_errors=True)
        kafka, postgres = _find(home, want, docker=_docker_if_needed(want), kafka_port=kafka_port, outlives_us=detached)
        found = Backends(home, kafka, postgres, owned=True)
        state.write(home, kafka, postgres, owner=os.getpid())
        atexit.register(found.close)
        for backend in (kafka, postgres):
            if backend is not None:
                backend.on_restart = lambda: state.write(home, kafka, postgres, owner=os.getpid() if found._owned else None)
        if detached:
            found.detach()
        return found


def _find(
    home: Path, want: Sequence[Want], *, docker: bool, kafka_port: int | None, outlives_us: bool
) -> tuple[Kafka | None, Postgres | None]:
    """Both at the same time; if one fails, the other is stopped again."""
    with ThreadPoolExecutor(2) as threads:
        kafka_found = (
            threads.submit(Kafka.find, home, docker=docker, port=kafka_port, outlives_us=outlives_us) if "kafka" in want else None
        )
        postgres_found = (
            threads.submit(Postgres.find, home, docker=docker, outlives_us=outlives_us) if "postgresql" in want else None
        )
    found = [one for one in (kafka_found, postgres_found) if one is not None]
    failures = [error for one in found if (error := one.exception()) is not None]
    if failures:
        for one in found:
            if one.exception() is None:
                one.result().close()
        raise failures[0]
    kafka = kafka_found.result() if kafka_found else None
    postgres = postgres_found.result() if postgres_found else None
    if postgres is not None:
        _say("PostgreSQL", postgres.kind, postgres.why, postgres.where)
    if kafka is not None:
        _say("Kafka", kafka.kind, kafka.why, kafka.where)
    return kafka, postgres


def attach(var_dir: Path | None = None) -> Backends:
    """The backends that `start(detached=True)` left running under `var_dir`; DevstackError if there are none."""
    home = (var_dir or default_var_dir()).resolve()
    kept = state.read(home)
    if kept is None:
        raise DevstackError(f"no backends are running under {home}; start the platform first (make up)")
    kafka = None if kept.kafka is None else Kafka.kept(home, kept.kafka)
    postgres = None if kept.postgres is None else Postgres.kept(home, kept.postgres)
    for backend in (kafka, postgres):
        if backend is not None:
            backend.on_restart = lambda: state.write(home, kafka, postgres, owner=kept.owner_pid())
    return Backends(home, kafka, postgres, owned=False)


def _clean_up(home: Path) -> None:
    """Stop what a killed program left behind; refuse if its owner is alive or it was left running on purpose."""
    kept = state.read(home)
    if kept is None:
        return
    left = attach(home)
    if kept.detached and any(backend is not None and backend.alive() for backend in (left._kafka, left._postgres)):
        raise DevstackError(f"backends are already running under {home}; stop them first (make down) or choose another VAR_DIR")
    if kept.owner_alive():
        raise DevstackError(f"{home} is in use by the program with pid {kept.owner_pid()}; wait for it or choose another VAR_DIR")
    left.stop()


def _docker_if_needed(want: Sequence[Want]) -> bool:
    needed = ("kafka" in want and not Kafka.address()) or ("postgresql" in want and not Postgres.address())
    return needed and docker_engine.answers()


def _say(what: str, kind: str, why: str, where: str) -> None:
    print(f"{what}: {kind} ({why}), {where}", file=sys.stderr, flush=True)


def _end_in_order() -> None:
    """SIGTERM ends this program as Ctrl-C does: what it started is stopped, not left running without it."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)


@contextmanager
def _one_at_a_time(home: Path) -> Iterator[None]:
    with (home / "run" / "backends.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
