"""One child process: started in its own session, known by pid *and* start time, logged to a file.

A pid alone is not enough to signal somebody: the number is reused. Every handle carries the start time that the kernel
reports, so a stale pid file never reaches a stranger.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from devstack.errors import ProcessFailed

POLL_S = 0.02
MARK = "DEVSTACK_VAR_DIR"
"""Every process we start has this in its environment, so that `down` finds it even if its pid file was never written."""


@dataclass(frozen=True, slots=True)
class Handle:
    """A process as the kernel knows it: pid and start time (seconds since the epoch, the kernel's resolution)."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> Handle:
        """The handle of a live process; raises psutil.NoSuchProcess."""
        return cls(pid, psutil.Process(pid).create_time())

    def process(self) -> psutil.Process | None:
        """The live process, or None if it ended (also when the pid now belongs to somebody else)."""
        try:
            found = psutil.Process(self.pid)
            # The kernel gives ticks since boot; the boot time itself may be corrected by a second meanwhile.
            same = abs(found.create_time() - self.created) < 2.0
            return found if same and found.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None

    def alive(self) -> bool:
        """True while it runs, also while it is frozen."""
        return self.process() is not None

    def frozen(self) -> bool:
        """True while it is stopped by SIGSTOP."""
        found = self.process()
        return found is not None and found.status() == psutil.STATUS_STOPPED

    def signal_tree(self, number: int) -> list[psutil.Process]:
        """Signal the process, then its descendants, and return them all.

        PostgreSQL's children are leaders of groups of their own, so a signal to the group would miss them.
        """
        parent = self.process()
        if parent is None:
            return []
        family = [parent, *_children(parent)]
        for member in family:
            try:
                member.send_signal(number)
            except psutil.NoSuchProcess:
                continue
        return family

    def kill(self, timeout: float = 10.0) -> None:
        """SIGKILL the process and all its descendants; returns when every one is gone."""
        parent = self.process()
        if parent is None:
            return
        # Freeze first: a supervisor such as the postmaster must not answer a dead child with a new one.
        family = self.signal_tree(signal.SIGSTOP)
        family += [child for child in _children(parent) if child not in family]
        for member in family:
            try:
                member.kill()
            except psutil.NoSuchProcess:
                continue
        _gone(family, timeout)

    def terminate(self, timeout: float, number: int = signal.SIGTERM) -> None:
        """Ask politely, wake it if it is frozen, and kill what is left after `timeout` seconds."""
        parent = self.process()
        if parent is None:
            return
        family = [parent, *_children(parent)]
        try:
            parent.send_signal(number)
            for member in family:
                member.send_signal(signal.SIGCONT)
        except psutil.NoSuchProcess:
            pass
        for straggler in _gone(family, timeout):
            Handle(straggler.pid, straggler.create_time()).kill()


def _children(parent: psutil.Process) -> list[psutil.Process]:
    try:
        return list(parent.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def _gone(family: Sequence[psutil.Process], timeout: float) -> list[psutil.Process]:
    """Wait for all; returns those that still run. Zombies count as gone: their parent reaps them."""
    deadline = time.monotonic() + timeout
    while True:
        left = [member for member in family if _runs(member)]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(POLL_S)


def _runs(member: psutil.Process) -> bool:
    try:
        return bool(member.is_running() and member.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to start a process.

    `env` is the whole environment (None: ours). `log` is appended to. `uid`/`gid` drop privileges (root only).
    """

    name: str
    argv: Sequence[str]
    log: Path
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    uid: int | None = None
    gid: int | None = None


class Child:
    """A process that this program started."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        recipe.log.parent.mkdir(parents=True, exist_ok=True)
        with recipe.log.open("ab") as log:
            self._popen = subprocess.Popen(
                list(recipe.argv),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=None if recipe.env is None else dict(recipe.env),
                cwd=recipe.cwd,
                start_new_session=True,
                user=recipe.uid,
                group=recipe.gid,
                extra_groups=None if recipe.uid is None else [],
            )
        try:
            self.handle = Handle.of(self._popen.pid)
        except psutil.NoSuchProcess:
            self.handle = Handle(self._popen.pid, 0.0)

    @property
    def pid(self) -> int:
        return self._popen.pid

    def exit_code(self) -> int | None:
        """None while it runs; reaps the process when it ended."""
        return self._popen.poll()

    def alive(self) -> bool:
        return self.exit_code() is None

    def kill(self) -> None:
        """SIGKILL to the process and its descendants."""
        self.handle.kill()
        self._popen.wait(10)

    def send(self, number: int) -> None:
        """Signal the process and its descendants (SIGSTOP, SIGCONT and the like)."""
        self.handle.signal_tree(number)

    def stop(self, timeout: float = 10.0, number: int = signal.SIGTERM) -> int:
        """Ask to end, kill after `timeout`; returns the exit code."""
        self.handle.terminate(timeout, number)
        return self._popen.wait(10)

    def forget(self) -> None:
        """Leave it running after we end (no ResourceWarning from Popen)."""
        self._popen.returncode = 0


def marked(var_dir: Path) -> list[Handle]:
    """Every live process that was started for `var_dir`, by the mark in its environment; never this program or those above it."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid not in own and process.environ().get(MARK) == str(var_dir):
                found.append(Handle(process.pid, process.create_time()))
        except (psutil.Error, OSError):
            continue
    return [handle for handle in found if handle.alive()]


def tail(log: Path, lines: int = 25) -> str:
    """The last lines of a log file; an empty text if there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 64 * 1024))
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""


def log_tail(log: Path) -> str:
    """The tail under a heading, for error texts."""
    return f"\n--- {log}\n{tail(log)}"


def wait_ready(child: Child, ready: Callable[[], bool], timeout: float) -> None:
    """Poll `ready` until true; raises ProcessFailed with the log's tail if the child ends or time runs out."""
    deadline = time.monotonic() + timeout
    while not ready():
        code = child.exit_code()
        if code is not None:
            raise ProcessFailed(f"{child.recipe.name} ended with exit code {code}{log_tail(child.recipe.log)}")
        if time.monotonic() > deadline:
            raise ProcessFailed(f"{child.recipe.name} was not ready within {timeout:.0f} s{log_tail(child.recipe.log)}")
        time.sleep(POLL_S)
