"""Stock Faust: one event, one transaction (BENCH_TAKE=0), or batches of events (BENCH_TAKE=n)."""

from __future__ import annotations

import os
import sys
import tempfile

import faust
import psycopg

from bench.contenders.env import BOOTSTRAP, DATABASE, GROUP, TOPIC, Writer
from bench.workload import PARTITIONS

TAKE = int(os.environ.get("BENCH_TAKE", "0"))

app = faust.App(
    GROUP,
    broker=f"kafka://{BOOTSTRAP}",
    web_enabled=False,
    topic_disable_leader=True,
    datadir=tempfile.mkdtemp(),
    consumer_auto_offset_reset="earliest",
    stream_wait_empty=False,
    broker_commit_interval=1.0,
)
source = app.topic(TOPIC, key_serializer="raw", value_serializer="raw", partitions=PARTITIONS)
writer = Writer(psycopg.connect(DATABASE, autocommit=True))


def write(events: list[faust.Event]) -> None:
    records: dict[int, list[tuple[int, bytes]]] = {}
    for event in events:
        records.setdefault(event.message.partition, []).append((event.message.offset, event.message.value))
    writer.write(records)


@app.agent(source)
async def consume(stream: faust.Stream[bytes]) -> None:
    if TAKE:
        async for batch in stream.take_events(TAKE, within=0.05):
            write(batch)
    else:
        async for event in stream.events():
            write([event])


if __name__ == "__main__":
    sys.argv = ["faust", "-A", "bench.contenders.faust_naive", "worker", "-l", "warn", "--without-web"]
    app.main()
