"""Run one contender on one load: rate from first to last commit, CPU of client, database and broker, result checked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg

from bench.workload import CODEC, KIND, Load, Tally, create_tables, make_rows
from devstack.backends import Backends
from streaming.documents import Stored

POLL_S = 0.01


@dataclass(frozen=True, slots=True)
class Contender:
    """name: as printed. share: part of the load's events it gets (slow ones get fewer)."""

    name: str
    module: str
    env: Mapping[str, str]
    share: float = 1.0


CONTENDERS: tuple[Contender, ...] = (
    Contender("shell, 2 lanes", "bench.contenders.shell", {"BENCH_THREADS": "2"}),
    Contender("shell, 1 lane", "bench.contenders.shell", {"BENCH_THREADS": "1"}),
    Contender("plain confluent loop", "bench.contenders.plain", {"BENCH_THREADS": "1"}),
    Contender("plain confluent, 2 writers", "bench.contenders.plain", {"BENCH_THREADS": "2"}),
    Contender("Faust, batches of 1000", "bench.contenders.faust_naive", {"BENCH_TAKE": "1000"}, 0.2),
    Contender("Faust, one event one transaction", "bench.contenders.faust_naive", {"BENCH_TAKE": "0"}, 0.03),
)


@dataclass(frozen=True, slots=True)
class Result:
    """events_s: applied records a second. cpu_us: µs of one core per record by process group."""

    contender: str
    load: str
    records: int
    events_s: float
    cpu_us: dict[str, float]
    startup_s: float
    memory_mib: float


class WrongResult(Exception):
    """The contender's tables are not what the fold says."""


def run(
    contender: Contender,
    load: Load,
    topic: str,
    records: int,
    fold: Mapping[str, Tally],
    outputs: int,
    backends: Backends,
    name: str,
) -> Result:
    """One measurement in a database of its own. Raises WrongResult."""
    url = database(backends, load, None if contender.module.endswith("shell") else topic, name)
    log = backends.var_dir / "log" / f"bench-{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    env = {
        **os.environ,
        "BENCH_BOOTSTRAP": backends.kafka.bootstrap,
        "BENCH_DATABASE": url,
        "BENCH_TOPIC": topic,
        "PYTHONPATH": str(Path(__file__).parents[1]),
        **contender.env,
    }
    began = time.monotonic()
    with log.open("wb") as out, psycopg.connect(url, autocommit=True) as conn:
        process = subprocess.Popen([sys.executable, "-m", contender.module], env=env, stdout=out, stderr=out)
        try:
            measured = _watch(conn, process, records, backends, log)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        check(conn, fold, outputs)
    first, seconds, cpu, memory, first_count = measured
    done = records - first_count
    return Result(
        contender.name,
        load.name,
        records,
        done / seconds,
        {who: spent / records * 1e6 for who, spent in cpu.items()},
        first - began,
        memory,
    )


def database(backends: Backends, load: Load, topic: str | None, name: str) -> str:
    """A copy of the load's prepared database, with offset rows of `topic` (the shell makes its own)."""
    template = f"bench_template_{load.name}"
    url = backends.postgres.create_database(template)
    with psycopg.connect(url, autocommit=True) as conn:
        if conn.execute("SELECT to_regclass('document')").fetchone() == (None,):
            create_tables(conn, load.prefilled)
    url = backends.postgres.create_database(f"bench_{name}", template, replace=True)
    with psycopg.connect(url, autocommit=True) as conn:
        if topic is not None:
            make_rows(conn, "bench", topic)
        conn.execute("CHECKPOINT")
    return url


def _watch(
    conn: psycopg.Connection[Any], process: subprocess.Popen[bytes], records: int, backends: Backends, log: Path
) -> tuple[float, float, dict[str, float], float, int]:
    groups = {
        "client": lambda: [psutil.Process(process.pid)],
        "postgresql": lambda: servers("postgres"),
        "kafka": lambda: servers("java"),
    }
    first = 0.0
    first_count = 0
    before: dict[str, float] = {}
    memory = 0.0
    deadline = time.monotonic() + 90
    while True:
        row = conn.execute("SELECT coalesce(sum(next_offset), 0) FROM progress").fetchone()
        count = int(row[0]) if row else 0
        now = time.monotonic()
        if count and not first:
            first, first_count = now, count
            before = {who: cpu(find()) for who, find in groups.items()}
        if count >= records:
            memory = psutil.Process(process.pid).memory_info().rss / 2**20
            spent = {who: cpu(find()) - before[who] for who, find in groups.items()}
            return first, max(now - first, 1e-6), spent, memory, first_count
        if process.poll() is not None:
            raise WrongResult(f"ended with {process.returncode} after {count} of {records}: {log.read_text()[-2000:]}")
        if now > deadline:
            raise WrongResult(f"only {count} of {records} within 90 s: {log.read_text()[-2000:]}")
        time.sleep(POLL_S)


def servers(name: str) -> list[psutil.Process]:
    """The broker's or the database's processes on this machine."""
    return [process for process in psutil.process_iter(["name"]) if (process.info["name"] or "").startswith(name)]


def cpu(processes: Sequence[psutil.Process]) -> float:
    """User and system seconds so far, of ended children too."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def check(conn: psycopg.Connection[Any], fold: Mapping[str, Tally], outputs: int) -> None:
    """Every touched key as the fold says; as many outputs as events that ask for one."""
    wrong = 0
    found = 0
    for key, version, state in conn.execute("SELECT key, version, state FROM document WHERE kind = %s", (KIND,)):
        expected = fold.get(key)
        if expected is None:
            continue
        found += 1
        wrong += CODEC.decode(KIND, Stored(1, version, state)) != expected
    if wrong or found != len(fold):
        raise WrongResult(f"{wrong} keys differ, {len(fold) - found} are missing")
    written = conn.execute("SELECT count(*) FROM outbox").fetchone()
    if written != (outputs,):
        raise WrongResult(f"{written} outputs instead of {outputs}")
