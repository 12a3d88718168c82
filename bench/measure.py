"""Run one contender on one load: rate after the warm-up, CPU of client, database and broker, result checked."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import psycopg

from bench import machine, peers
from bench.workload import BATCH, CODEC, KIND, PARTITIONS, Load, Tally, create_tables, make_rows
from devstack.backends import Backends
from streaming.documents import Stored

POLL_S = 0.01
LIMIT_S = 180.0
WARM_UP = PARTITIONS * BATCH
"""Records before the clock starts, a fifth at most: a full batch of every partition, because a contender that writes at
checkpoints has read the whole of its first one when the first of its commits is seen."""


@dataclass(frozen=True, slots=True)
class Contender:
    """name: as printed. share: part of the load's events it gets (slow ones get fewer). peer: it needs the peers' environment.

    wide: it also runs over the table of a million. short: it is part of the short benchmark. arguments: after the module.
    """

    name: str
    module: str
    env: Mapping[str, str]
    share: float = 1.0
    peer: bool = False
    wide: bool = True
    short: bool = True
    arguments: tuple[str, ...] = ()

    def python(self) -> Path | None:
        """Its interpreter; None: ours. Raises peers.NotInstalled."""
        return peers.python() if self.peer else None


SHELL = Contender("shell, 2 lanes", "bench.contenders.shell", {"BENCH_THREADS": "2"})
CONTENDERS: tuple[Contender, ...] = (
    SHELL,
    Contender("shell, 1 lane", "bench.contenders.shell", {"BENCH_THREADS": "1"}, wide=False),
    Contender("plain confluent loop", "bench.contenders.plain", {"BENCH_THREADS": "1"}, wide=False),
    Contender("plain confluent, 2 writers", "bench.contenders.plain", {"BENCH_THREADS": "2"}),
    Contender("aiokafka loop", "bench.contenders.aiokafka_loop", {}, wide=False, short=False),
    Contender("kafka-python loop", "bench.contenders.kafka_python_loop", {}, peer=True, wide=False, short=False),
    Contender("quixstreams, batching sink", "bench.contenders.quix", {}, peer=True, wide=False, short=False),
    Contender("Faust, batches of 1000", "bench.contenders.faust_naive", {"BENCH_TAKE": "1000"}, 0.2, wide=False),
    Contender("Faust, one event one transaction", "bench.contenders.faust_naive", {"BENCH_TAKE": "0"}, 0.03, wide=False),
)


@dataclass(frozen=True, slots=True)
class Result:
    """events_s: applied records a second. cpu_us: µs of one core per record by process group. startup_s: to the first
    commit. memory_mib: the contender's most resident memory."""

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
    """One measurement in a database of its own. Raises WrongResult, peers.NotInstalled."""
    python = contender.python()
    url = database(backends, load, None if contender.module.endswith("shell") else topic, name)
    result = once(contender, load.name, topic, lambda _: records, backends, url, name, python=python)
    with psycopg.connect(url, autocommit=True) as conn:
        check(conn, fold, outputs)
    return result


def once(
    contender: Contender,
    load: str,
    topic: str,
    begin: Callable[[Sequence[subprocess.Popen[bytes]]], int],
    backends: Backends,
    url: str,
    name: str,
    *,
    python: Path | None = None,
    processes: int = 1,
    base: int = 0,
) -> Result:
    """Let one or more processes apply all records of a topic in a database as it is; the caller checks the tables.

    begin: called with the started processes; returns how many records there are to apply. base: how many of them were before.
    """
    log = backends.var_dir / "log" / f"bench-{name}.log"
    env = machine.environment(backends, url, topic, contender.env)
    began = time.monotonic()
    with psycopg.connect(url, autocommit=True) as conn, ExitStack() as stack:
        start = partial(machine.running, contender.module, env, log, python, contender.arguments)
        group = [stack.enter_context(start()) for _ in range(processes)]
        records = begin(group)
        started, seconds, cpu, memory, first_count = _watch(conn, group, topic, records, base, backends, log)
    done = records - first_count
    if not done:
        raise WrongResult(f"{contender.name} wrote all {records} records in its first transactions: nothing is left to measure")
    cpu_us = {who: spent / done * 1e6 for who, spent in cpu.items()}
    return Result(contender.name, load, records, done / seconds, cpu_us, started - began, memory)


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
    conn: psycopg.Connection[Any],
    group: list[subprocess.Popen[bytes]],
    topic: str,
    records: int,
    base: int,
    backends: Backends,
    log: Path,
) -> tuple[float, float, dict[str, float], float, int]:
    def spent() -> dict[str, float]:
        return {"client": sum(machine.cpu(psutil.Process(one.pid)) for one in group), **machine.backend_cpu(backends)}

    started = first = 0.0
    first_count = 0
    before: dict[str, float] = {}
    warm = base + min(WARM_UP, (records - base) // 5)
    deadline = time.monotonic() + LIMIT_S
    while True:
        row = conn.execute("SELECT coalesce(sum(next_offset), 0) FROM progress WHERE topic = %s", (topic,)).fetchone()
        count = int(row[0]) if row else 0
        now = time.monotonic()
        if count > base and not started:
            started = now
        if count >= warm and not first:
            first, first_count = now, count
            before = spent()
        if count >= records:
            after = spent()
            memory = sum(machine.peak_mib(one.pid) for one in group)
            return started, max(now - first, 1e-6), {who: after[who] - before[who] for who in after}, memory, first_count
        ended = [one.returncode for one in group if one.poll() is not None]
        if ended:
            raise WrongResult(f"ended with {ended[0]} after {count} of {records}: {log.read_text()[-2000:]}")
        if now > deadline:
            raise WrongResult(f"only {count} of {records} within {LIMIT_S:.0f} s: {log.read_text()[-2000:]}")
        time.sleep(POLL_S)


def check(conn: psycopg.Connection[Any], fold: Mapping[str, Tally], outputs: int) -> None:
    """Every touched key as the fold says; as many outputs as events that ask for one."""
    wrong = 0
    found = 0
    query = "SELECT key, version, state FROM document WHERE kind = %s AND key = ANY(%s)"
    for key, version, state in conn.execute(query, (KIND, list(fold))):
        found += 1
        wrong += CODEC.decode(KIND, Stored(1, version, state)) != fold[key]
    if wrong or found != len(fold):
        raise WrongResult(f"{wrong} keys differ, {len(fold) - found} are missing")
    written = conn.execute("SELECT count(*) FROM outbox").fetchone()
    if written != (outputs,):
        raise WrongResult(f"{written} outputs instead of {outputs}")
