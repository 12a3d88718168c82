"""The platform's own worker on the benchmark's workload."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from bench.contenders.env import BOOTSTRAP, DATABASE, THREADS, TOPIC
from bench.workload import spec
from streaming import logs
from streaming.clock import WallClock
from streaming.crypto import FieldCipher, new_key
from streaming.database import connector
from streaming.records import PreparedChunk
from streaming.settings import PlatformSettings
from streaming.spec import Spec
from streaming.unit_of_work import ApplyResult, UnitOfWork
from streaming.worker import run_worker

DELAYS = "BENCH_DELAYS" in os.environ


class Timed(UnitOfWork):
    """Also keeps each record's delay from its own time to the commit, for the latency run."""

    def apply(self, prepared: Sequence[PreparedChunk]) -> ApplyResult:
        result = super().apply(prepared)
        now = time.time() * 1000
        made = [entry.record.timestamp_ms for item in prepared for entry in item.entries]
        self.conn.execute("INSERT INTO delay (made_ms, ms) SELECT n, %s - n FROM unnest(%s::bigint[]) n", (now, made))
        return result


class BenchProgram:
    """What the worker needs of a service."""

    def __init__(self) -> None:
        self.made = spec(TOPIC)
        self.cipher = FieldCipher(new_key())

    def database_url(self, settings: PlatformSettings) -> str:
        return DATABASE

    def spec(self, settings: PlatformSettings) -> Spec:
        return self.made

    def unit(self, settings: PlatformSettings, role: str) -> UnitOfWork:
        return (Timed if DELAYS else UnitOfWork)(self.made, connector(DATABASE, f"bench {role}"), WallClock(), self.cipher)


if __name__ == "__main__":
    logs.configure("bench", "worker")
    settings = PlatformSettings(
        environment="test",
        kafka_bootstrap_servers=BOOTSTRAP,
        field_key=new_key(),
        oidc_issuer="http://127.0.0.1:1",
        lanes=THREADS,
        merge_cap=int(os.environ.get("BENCH_MERGE", "8000")),
        fetch_max_bytes=int(os.environ.get("BENCH_FETCH", "4096")) << 10,
    )
    run_worker(BenchProgram(), settings)
