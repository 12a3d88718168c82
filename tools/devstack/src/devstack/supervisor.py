"""Starts, watches, kills and restarts the platform's processes by name.

Used by `up`, the demo, the end-to-end tests and the fault harness. Logs go to `<var>/log/<name>.log`; each process is noted
in `<var>/run/<name>.json`, so that another program can show or stop it.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec

from devstack.errors import DevstackError, ProcessFailed
from devstack.processes import MARK, POLL_S, Child, Handle, Recipe, log_tail, marked

STOP_S = 25.0
_NOT_PROCESSES = {"backends"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A process of the platform. env is laid over the supervisor's; health: an address that answers 200 when it is ready;
    port: where it listens (for people)."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    health: str | None = None
    port: int | None = None


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """What the run folder says of one process."""

    name: str
    pid: int
    created: float
    health: str | None = None
    port: int | None = None

    def handle(self) -> Handle:
        return Handle(self.pid, self.created)


class Supervisor:
    """The processes of one var folder. `environment` is the whole environment that programs get, before their own."""

    def __init__(self, var_dir: Path, environment: Mapping[str, str]) -> None:
        self.var_dir = var_dir.resolve()
        self.environment = {**environment, MARK: str(self.var_dir)}
        self._programs: dict[str, Program] = {}
        self._children: dict[str, Child] = {}

    def start(self, program: Program, env: Mapping[str, str] | None = None) -> Child:
        """Start a program in its own session and return at once; `env` is laid over the program's for this time."""
        if program.name in self._children and self._children[program.name].alive():
            raise DevstackError(f"{program.name} is already running")
        whole = {**self.environment, **program.env, **(env or {})}
        child = Child(Recipe(program.name, program.argv, self.log(program.name), env=whole, cwd=self.var_dir))
        self._programs[program.name], self._children[program.name] = program, child
        self._note(program, child)
        return child

    def wait_healthy(self, names: Iterable[str] | None = None, timeout: float = 30.0) -> None:
        """Return when every named process (default: all) answers its health address with 200.

        One that ends before it was healthy, or says that a restart would help, is started once more, as a service manager
        would. Raises ProcessFailed with the tail of the log of one that ended twice, or that is not ready in time.
        """
        restarted: set[str] = set()
        waiting = [name for name in (names or list(self._programs)) if self._programs[name].health]
        deadline = time.monotonic() + timeout
        with httpx.Client(timeout=2.0) as http:
            while waiting:
                for name in list(waiting):
                    code = self._children[name].exit_code()
                    health = self._programs[name].health
                    if code is None and name not in restarted and health is not None and needs_restart(http, health):
                        self.kill(name)
                        code = self._children[name].exit_code()
                    if code is not None and name not in restarted:
                        restarted.add(name)
                        self.start(self._programs[name])
                        continue
                    if code is not None:
                        raise ProcessFailed(f"{name} ended with exit code {code}{log_tail(self.log(name))}")
                    if health is not None and answers_ok(http, health):
                        waiting.remove(name)
                if waiting and time.monotonic() > deadline:
                    slowest = waiting[0]
                    raise ProcessFailed(f"not ready within {timeout:.0f} s: {', '.join(waiting)}{log_tail(self.log(slowest))}")
                if waiting:
                    time.sleep(POLL_S * 2)

    def names(self) -> list[str]:
        """All that were started, also those that ended."""
        return list(self._programs)

    def program(self, name: str) -> Program:
        return self._programs[name]

    def pid(self, name: str) -> int:
        return self._children[name].pid

    def alive(self, name: str) -> bool:
        return name in self._children and self._children[name].alive()

    def exit_code(self, name: str) -> int | None:
        """None while it runs; minus the signal's number if one ended it."""
        return self._children[name].exit_code()

    def dead(self) -> list[str]:
        """Names of those that ended."""
        return [name for name, child in self._children.items() if not child.alive()]

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """SIGKILL: returns when it and its children are gone. Any other signal is only sent."""
        if number == signal.SIGKILL:
            self._children[name].kill()
        else:
            self._children[name].send(number)

    def pause(self, name: str) -> None:
        """Freeze it (SIGSTOP)."""
        self._children[name].send(signal.SIGSTOP)

    def resume(self, name: str) -> None:
        self._children[name].send(signal.SIGCONT)

    def stop(self, name: str, timeout: float = STOP_S) -> int:
        """SIGTERM, then SIGKILL after `timeout` seconds; returns the exit code."""
        code = self._children[name].stop(timeout)
        self._forget(name)
        return code

    def remove(self, name: str) -> None:
        """Stop it if it runs, and know it no longer. Nothing for an unknown name."""
        if self.alive(name):
            self.stop(name)
        self._programs.pop(name, None)
        self._children.pop(name, None)

    def restart(self, name: str, env: Mapping[str, str] | None = None, *, wait: bool = True, timeout: float = 30.0) -> None:
        """Stop it if it runs and start it again; `env` is laid over the program's for this time."""
        if self.alive(name):
            self.stop(name)
        self.start(self._programs[name], env)
        if wait:
            self.wait_healthy([name], timeout)

    def stop_all(self, timeout: float = STOP_S) -> None:
        """Stop everything at the same time."""
        names = list(self._children)
        if names:
            with ThreadPoolExecutor(len(names)) as threads:
                list(threads.map(lambda name: self.stop(name, timeout), names))

    def log(self, name: str) -> Path:
        return self.var_dir / "log" / f"{name}.log"

    def detach(self) -> None:
        """Leave everything running after this program ends."""
        for child in self._children.values():
            child.forget()

    def _note(self, program: Program, child: Child) -> None:
        noted = Noted(name=program.name, pid=child.pid, created=child.handle.created, health=program.health, port=program.port)
        path = _note_path(self.var_dir, program.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.encode(noted))

    def _forget(self, name: str) -> None:
        _note_path(self.var_dir, name).unlink(missing_ok=True)


def _note_path(var_dir: Path, name: str) -> Path:
    return var_dir / "run" / f"{name}.json"


def answers_ok(http: httpx.Client, health: str) -> bool:
    """True if the address answers 200."""
    try:
        return http.get(health).status_code == 200
    except httpx.HTTPError:
        return False


def needs_restart(http: httpx.Client, health: str) -> bool:
    """True if its liveness answers, and not with 200. Silence is no reason: a machine can be slow."""
    try:
        return health.endswith("/ready") and http.get(health.replace("/ready", "/live")).status_code != 200
    except httpx.HTTPError:
        return False


def noted(var_dir: Path) -> list[Noted]:
    """The processes that some program started under `var_dir` and that were not stopped in order; they may be dead."""
    found = []
    for path in sorted((var_dir / "run").glob("*.json")):
        if path.stem in _NOT_PROCESSES:
            continue
        try:
            found.append(msgspec.json.decode(path.read_bytes(), type=Noted))
        except msgspec.DecodeError:
            path.unlink()  # half written by a program that was killed; the mark finds its process
    return found


def stop_noted(var_dir: Path, timeout: float = STOP_S) -> list[str]:
    """Stop every process noted under `var_dir`, all at the same time; returns the names of those that ran."""
    known = noted(var_dir)
    running = [one for one in known if one.handle().alive()]
    if running:
        with ThreadPoolExecutor(len(running)) as threads:
            list(threads.map(lambda one: one.handle().terminate(timeout), running))
    for one in known:
        _note_path(var_dir, one.name).unlink(missing_ok=True)
    return [one.name for one in running]


def sweep(var_dir: Path) -> int:
    """Kill what carries the mark of `var_dir` and is still there; returns how many."""
    left = marked(var_dir)
    for handle in left:
        handle.kill()
    return len(left)


def inherited_environment() -> dict[str, str]:
    """The caller's environment for programs: without what would make them write elsewhere than to their log."""
    return {**os.environ, "PYTHONUNBUFFERED": "1"}
