"""Stock Faust: one event, one transaction (BENCH_TAKE=0), or batches of events (BENCH_TAKE=n)."""

from __future__ import annotations

import os
import sys
import tempfile

import faust
import psycopg

from bench.contenders.env import BOOTSTRAP, DATABASE, NAME, TOPIC
from bench.workload import PARTITIONS, by_hand

TAKE = int(os.environ.get("BENCH_TAKE", "0"))

app = faust.App(
    f"bench-{TOPIC}",
    broker=f"kafka://{BOOTSTRAP}",
    web_enabled=False,
    topic_disable_leader=True,
    datadir=tempfile.mkdtemp(),
    consumer_auto_offset_reset="earliest",
    stream_wait_empty=False,
    broker_commit_interval=1.0,
)
source = app.topic(TOPIC, key_serializer="raw", value_serializer="raw", partitions=PARTITIONS)
conn = psycopg.connect(DATABASE, autocommit=True)
begin = dict.fromkeys(range(PARTITIONS), 0)


def write(events: list[faust.Event]) -> None:
    records: dict[int, list[tuple[int, bytes]]] = {}
    for event in events:
        records.setdefault(event.message.partition, []).append((event.message.offset, event.message.value))
    chunks = [(part, begin[part], found[-1][0] + 1, found) for part, found in sorted(records.items())]
    by_hand(conn, NAME, TOPIC, chunks)
    for part, _, end, _ in chunks:
        begin[part] = end


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
