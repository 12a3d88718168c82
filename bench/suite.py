"""Which contender runs on which load, how often, and the relay's own measurement."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, replace

import psycopg
from rich.console import Console

from bench.measure import CONTENDERS, Contender, Result
from bench.measure import run as run_one
from bench.workload import OUT_TOPIC, Load, create_tables, create_topic
from devstack.backends import Backends

RELAY_EVENTS = 60_000


@dataclass(frozen=True, slots=True)
class Size:
    """How much work."""

    repeats: int
    events: int
    wide_events: int
    wide_keys: int


@dataclass(frozen=True, slots=True)
class Rate:
    """The relay: events published a second while it drains a full outbox."""

    events: int
    events_s: float


def run(found: Backends, size: Size, console: Console) -> list[Result]:
    """Every contender on the hot load, the fast ones on the wide load; contenders take turns, so that noise is shared."""
    hot = Load("hot", size.events, 50_000)
    wide = Load("wide", size.wide_events, size.wide_keys, prefilled=size.wide_keys)
    results: list[Result] = []
    fast = [contender for contender in CONTENDERS if contender.share == 1.0]
    numbers = itertools.count()
    results += _load(found, hot, fast, size.repeats, console, numbers)
    for contender in CONTENDERS:
        if contender.share < 1.0:
            slow = replace(hot, name="hot", events=int(size.events * contender.share))
            results += _load(found, slow, [contender], 1, console, numbers)
    results += _load(found, wide, [c for c in fast if "2" in c.name], max(1, size.repeats - 1), console, numbers)
    return results


def _load(
    found: Backends,
    load: Load,
    contenders: list[Contender],
    repeats: int,
    console: Console,
    numbers: "itertools.count[int]",  # noqa: UP037
) -> list[Result]:
    number = next(numbers)
    topic = f"bench.{load.name}.{number}"
    console.print(f"[bold]{load.name}[/bold]: {load.events:,} events over {load.keys:,} keys, {load.prefilled:,} rows before")
    records, fold, outputs = load.publish(found.kafka.bootstrap, topic), load.fold(), load.outputs()
    results: list[Result] = []
    for turn in range(repeats):
        for index, contender in enumerate(contenders):
            result = run_one(contender, load, topic, records, fold, outputs, found, f"{number}_{turn}_{index}")
            cpu = ", ".join(f"{who} {spent:.1f}" for who, spent in result.cpu_us.items())
            console.print(f"  {contender.name:<34}{result.events_s:>10,.0f} events/s   CPU µs an event: {cpu}", highlight=False)
            results.append(result)
    return results


def relay(found: Backends, console: Console) -> Rate:
    """Drain a full outbox through the fenced relay, in a process of its own."""
    import os
    import subprocess
    import sys
    from pathlib import Path

    create_topic(found.kafka.bootstrap, OUT_TOPIC)
    url = found.postgres.create_database("bench_relay", replace=True)
    with psycopg.connect(url, autocommit=True) as conn:
        create_tables(conn, 0)
        conn.execute(
            "INSERT INTO outbox (topic, key, id, type, subject, value, causation_id, correlation_id, time)"
            " SELECT %s, 'k' || (n %% 5000), n::text, 'Tallied', 's', convert_to(repeat('v', 400), 'UTF8'), 'c', 'c', now()"
            " FROM generate_series(1, %s) n",
            (OUT_TOPIC, RELAY_EVENTS),
        )
        env = {**os.environ, "BENCH_BOOTSTRAP": found.kafka.bootstrap, "BENCH_DATABASE": url, "BENCH_TOPIC": OUT_TOPIC,
               "PYTHONPATH": str(Path(__file__).parents[1])}  # fmt: skip
        with (found.var_dir / "log" / "bench-relay.log").open("wb") as out:
            process = subprocess.Popen([sys.executable, "-m", "bench.contenders.relay"], env=env, stdout=out, stderr=out)
            try:
                rate = _drain(conn, process)
            finally:
                process.kill()
                process.wait()
    console.print(f"relay: {rate.events_s:,.0f} events/s")
    return rate


def _drain(conn: "psycopg.Connection[tuple[int]]", process: object) -> Rate:  # noqa: UP037
    first: tuple[float, int] | None = None
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        row = conn.execute("SELECT count(*) FROM outbox").fetchone()
        left = row[0] if row else 0
        if first is None and left < RELAY_EVENTS:
            first = (time.monotonic(), left)
        if left == 0 and first is not None:
            return Rate(RELAY_EVENTS, first[1] / max(time.monotonic() - first[0], 1e-6))
        time.sleep(0.01)
    raise TimeoutError("the relay did not drain the outbox within 60 s; see bench-relay.log")


def median(results: list[Result], load: str, contender: str) -> Result | None:
    """The run with the median rate."""
    chosen = sorted((r for r in results if (r.load, r.contender) == (load, contender)), key=lambda r: r.events_s)
    return chosen[len(chosen) // 2] if chosen else None


__all__ = ["Rate", "Size", "median", "relay", "run"]
