"""Programs of the benchmark and what they, the database and the broker spend."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from devstack.backends import Backends

ROOT = Path(__file__).parents[1]
SOURCES = (ROOT, ROOT / "libs/streaming/src", ROOT / "libs/contracts/src")
"""What a contender imports; a peer's own virtual environment does not have it installed."""


def environment(found: Backends, database: str, topic: str, more: Mapping[str, str]) -> dict[str, str]:
    """What `contenders.env` reads."""
    told = {"BENCH_BOOTSTRAP": found.kafka.bootstrap, "BENCH_DATABASE": database, "BENCH_TOPIC": topic}
    return {**os.environ, **told, "PYTHONPATH": os.pathsep.join(map(str, SOURCES)), **more}


@contextmanager
def running(
    module: str, env: Mapping[str, str], log: Path, python: Path | None = None, arguments: Sequence[str] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """A program for as long as the block lasts, then killed: a contender that survives a kill needs no polite end."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        argv = [str(python or sys.executable), "-m", module, *arguments]
        process = subprocess.Popen(argv, env=dict(env), stdout=out, stderr=out)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def backend_cpu(found: Backends) -> dict[str, float]:
    """Seconds of one core that our own database and broker spent so far, not those of others on this machine."""
    return {"postgresql": sum(map(cpu, _roots(found, "postgres"))), "kafka": sum(map(cpu, _roots(found, "java")))}


def _roots(found: Backends, name: str) -> list[psutil.Process]:
    home, embedded = str(found.var_dir), "embedded" in found.kinds().values()
    named = [one for one in psutil.process_iter(["name", "cmdline"]) if (one.info["name"] or "").startswith(name)]
    ours = [one for one in named if not embedded or home in " ".join(one.info["cmdline"] or ())]
    pids = {one.pid for one in ours}
    return [one for one in ours if one.ppid() not in pids]


def cpu(root: psutil.Process) -> float:
    """User and system seconds of a process and all its children, ended ones too (a session may end before it is asked)."""
    found = 0.0
    with suppress(psutil.NoSuchProcess):
        own = root.cpu_times()
        found = own.user + own.system + own.children_user + own.children_system
        found += sum(times.user + times.system for child in root.children(True) for times in [child.cpu_times()])
    return found


def peak_mib(pid: int) -> float:
    """Most resident memory so far, MiB; the present one where the system does not keep a mark."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return float(psutil.Process(pid).memory_info().rss) / 2**20
