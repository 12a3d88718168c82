"""Produce → commit at a steady rate below saturation: every event's delay from its record's time to its commit."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psycopg
from confluent_kafka import Producer
from rich.console import Console

from bench.workload import PARTITIONS, Load, create_tables, create_topic
from devstack.backends import Backends

SECONDS = 8
WARM_UP_SECONDS = 2
TOPIC = "bench.latency"
STEADY = "SELECT ms FROM delay WHERE made_ms >= (SELECT min(made_ms) FROM delay) + %s"
"""Without the first seconds: the worker joins its group while they are produced."""


@dataclass(frozen=True, slots=True)
class Delays:
    """Milliseconds."""

    rate: int
    p50: float
    p95: float
    p99: float


def run(found: Backends, rate: int, console: Console) -> Delays:
    """One worker with two lanes; the producer does not wait for it (open loop)."""
    load = Load("latency", rate * (SECONDS + WARM_UP_SECONDS), 50_000)
    create_topic(found.kafka.bootstrap, TOPIC)
    url = found.postgres.create_database("bench_latency", replace=True)
    with psycopg.connect(url, autocommit=True) as conn:
        create_tables(conn, 0)
        conn.execute("CREATE TABLE delay (made_ms bigint NOT NULL, ms real NOT NULL)")
        env = {**os.environ, "BENCH_BOOTSTRAP": found.kafka.bootstrap, "BENCH_DATABASE": url, "BENCH_TOPIC": TOPIC,
               "BENCH_THREADS": "2", "BENCH_DELAYS": "1", "PYTHONPATH": str(Path(__file__).parents[1])}  # fmt: skip
        with (found.var_dir / "log" / "bench-latency.log").open("wb") as out:
            process = subprocess.Popen([sys.executable, "-m", "bench.contenders.shell"], env=env, stdout=out, stderr=out)
            try:
                _wait(conn, "SELECT count(*) FROM progress", PARTITIONS)
                produced = _produce(found.kafka.bootstrap, load, rate)
                _wait(conn, "SELECT coalesce(sum(next_offset), 0) FROM progress", produced)
            finally:
                process.terminate()
                process.wait(30)
        delays = [row[0] for row in conn.execute(STEADY, (WARM_UP_SECONDS * 1000,))]
    cuts = statistics.quantiles(delays, n=100)
    made = Delays(rate, round(cuts[49], 1), round(cuts[94], 1), round(cuts[98], 1))
    console.print(
        f"latency at {rate:,} events/s: p50 {made.p50} ms, p95 {made.p95} ms, p99 {made.p99} ms ({len(delays):,} events)"
    )
    return made


def _produce(bootstrap: str, load: Load, rate: int) -> int:
    producer = Producer(
        {"bootstrap.servers": bootstrap, "linger.ms": 0, "enable.idempotence": True, "partitioner": "murmur2_random"}
    )
    began, sent = time.monotonic(), 0
    for event in load.produce():
        ahead = sent / rate - (time.monotonic() - began)
        if ahead > 0:
            time.sleep(ahead)
        producer.produce(TOPIC, msgspec.json.encode(event), event.key)
        producer.poll(0)
        sent += 1
    producer.flush()
    return sent


def _wait(conn: "psycopg.Connection[tuple[int]]", query: str, wanted: int) -> None:  # noqa: UP037
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        row = conn.execute(query).fetchone()  # type: ignore[arg-type]
        if row and row[0] >= wanted:
            return
        time.sleep(0.02)
    raise TimeoutError("the worker did not come that far within 60 s; see bench-latency.log")
