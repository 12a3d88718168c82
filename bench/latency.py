"""Record → commit at steady rates below saturation: every event's delay from its record's time to its commit."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import psycopg
from confluent_kafka import Producer
from rich.console import Console

from bench import machine
from bench.workload import PARTITIONS, Load, create_tables, create_topic
from devstack.backends import Backends

SECONDS = 8
WARM_UP_SECONDS = 2
STEADY = "SELECT ms FROM delay WHERE made_ms >= (SELECT min(made_ms) FROM delay) + %s"
"""Without the first seconds: the worker joins its group while they are produced."""


@dataclass(frozen=True, slots=True)
class Delays:
    """Milliseconds, of `events` records after the warm-up."""

    rate: int
    events: int
    p50: float
    p95: float
    p99: float


def run(found: Backends, rates: Sequence[int], console: Console) -> list[Delays]:
    """At each rate, after one another: one worker with two lanes; the producer does not wait for it (open loop)."""
    return [_at(found, rate, console) for rate in rates]


def _at(found: Backends, rate: int, console: Console) -> Delays:
    load = Load("latency", rate * (SECONDS + WARM_UP_SECONDS), 50_000)
    topic = f"bench.latency.{rate}"
    create_topic(found.kafka.bootstrap, topic)
    url = found.postgres.create_database("bench_latency", replace=True)
    with psycopg.connect(url, autocommit=True) as conn:
        create_tables(conn, 0)
        conn.execute("CREATE TABLE delay (made_ms bigint NOT NULL, ms real NOT NULL)")
        env = machine.environment(found, url, topic, {"BENCH_THREADS": "2", "BENCH_DELAYS": "1"})
        with machine.running("bench.contenders.shell", env, found.var_dir / "log" / "bench-latency.log"):
            wait(conn, "SELECT count(*) FROM progress", PARTITIONS)
            produced = produce(found.kafka.bootstrap, topic, load, rate)
            wait(conn, "SELECT coalesce(sum(next_offset), 0) FROM progress", produced)
        delays = [row[0] for row in conn.execute(STEADY, (WARM_UP_SECONDS * 1000,))]
    cuts = statistics.quantiles(delays, n=100)
    made = Delays(rate, len(delays), round(cuts[49], 1), round(cuts[94], 1), round(cuts[98], 1))
    console.print(
        f"latency at {rate:,} events/s: p50 {made.p50} ms, p95 {made.p95} ms, p99 {made.p99} ms"
        f" ({len(delays):,} events, the first {WARM_UP_SECONDS} s left out)"
    )
    return made


def produce(bootstrap: str, topic: str, load: Load, rate: int) -> int:
    """Write a load at a steady rate; returns the number of records."""
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "log_level": 3,
            "linger.ms": 0,
            "enable.idempotence": True,
            "partitioner": "murmur2_random",
        }
    )
    began, sent = time.monotonic(), 0
    for event in load.produce():
        ahead = sent / rate - (time.monotonic() - began)
        if ahead > 0:
            time.sleep(ahead)
        producer.produce(topic, msgspec.json.encode(event), event.key)
        producer.poll(0)
        sent += 1
    producer.flush()
    return sent


def wait(conn: "psycopg.Connection[Any]", query: str, wanted: int) -> None:  # noqa: UP037
    """Until the query's number is as high as wanted. Raises TimeoutError."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        row = conn.execute(query).fetchone()
        if row and row[0] >= wanted:
            return
        time.sleep(0.02)
    raise TimeoutError("the worker did not come that far within 60 s; see bench-latency.log")
