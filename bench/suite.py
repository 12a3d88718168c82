"""Which contender runs on which load, how often, and the relay's own measurement."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass

import psycopg
from rich.console import Console

from bench import machine
from bench.measure import CONTENDERS, Contender, Result
from bench.measure import run as run_one
from bench.peers import NotInstalled
from bench.workload import OUT_TOPIC, Load, create_tables, create_topic
from devstack.backends import Backends

RELAY_EVENTS = 60_000


@dataclass(frozen=True, slots=True)
class Size:
    """How much work. whole: all contenders, and the slow ones as often as the fast ones."""

    repeats: int
    events: int
    wide_events: int
    wide_keys: int
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Rate:
    """The relay: events published a second while it drains a full outbox."""

    events: int
    events_s: float


def run(found: Backends, size: Size, console: Console) -> tuple[list[Result], dict[str, str]]:
    """Every contender on the hot load, the widest on the wide load; contenders take turns, so that noise is shared.

    Returns the results, and the contenders that could not be installed with the reason.
    """
    chosen = [contender for contender in CONTENDERS if contender.short or size.whole]
    missing: dict[str, str] = {}
    for contender in list(chosen):
        try:
            contender.python()
        except NotInstalled as error:
            chosen.remove(contender)
            missing[contender.name] = str(error)
            console.print(f"[bold]{contender.name} cannot be installed and is left out:[/bold] {error}", highlight=False)
    results: list[Result] = []
    numbers = itertools.count()
    for share in dict.fromkeys(contender.share for contender in chosen):
        load = Load("hot", int(size.events * share), 50_000)
        group = [contender for contender in chosen if contender.share == share]
        turns = size.repeats if share == 1.0 or size.whole else 1
        results += _load(found, load, group, turns, console, next(numbers))
    wide = Load("wide", size.wide_events, size.wide_keys, prefilled=size.wide_keys)
    group = [contender for contender in chosen if contender.share == 1.0 and (contender.wide or size.whole)]
    turns = size.repeats if size.whole else max(1, size.repeats - 1)
    return results + _load(found, wide, group, turns, console, next(numbers)), missing


def _load(found: Backends, load: Load, contenders: list[Contender], repeats: int, console: Console, number: int) -> list[Result]:
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
            found.postgres.drop_database(f"bench_{number}_{turn}_{index}")
    return results


def relay(found: Backends, console: Console) -> Rate:
    """Drain a full outbox through the fenced relay, in a process of its own."""
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
        env = machine.environment(found, url, OUT_TOPIC, {})
        with machine.running("bench.contenders.relay", env, found.var_dir / "log" / "bench-relay.log"):
            rate = _drain(conn)
    console.print(f"relay: {rate.events_s:,.0f} events/s")
    return rate


def _drain(conn: "psycopg.Connection[tuple[int]]") -> Rate:  # noqa: UP037
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
