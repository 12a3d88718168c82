"""Plain loop on aiokafka: fetch and write in turn; the transaction runs in a thread, as it must beside an event loop."""

from __future__ import annotations

import asyncio

import psycopg
from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.contenders.env import BOOTSTRAP, DATABASE, TOPIC, Writer
from bench.workload import BATCH, PARTITIONS


async def loop() -> None:
    kafka = AIOKafkaConsumer(
        bootstrap_servers=BOOTSTRAP,
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        fetch_max_wait_ms=25,
        max_partition_fetch_bytes=4 << 20,
    )
    await kafka.start()
    kafka.assign([TopicPartition(TOPIC, partition) for partition in range(PARTITIONS)])
    writer = Writer(psycopg.connect(DATABASE, autocommit=True))
    while True:
        found = await kafka.getmany(timeout_ms=50, max_records=BATCH)
        records = {tp.partition: [(record.offset, record.value) for record in batch] for tp, batch in found.items() if batch}
        if records:
            await asyncio.to_thread(writer.write, records)


if __name__ == "__main__":
    asyncio.run(loop())
