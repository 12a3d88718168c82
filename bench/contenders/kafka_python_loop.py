"""Plain loop on kafka-python: fetch and write in turn."""

from __future__ import annotations

import psycopg
from kafka import KafkaConsumer, TopicPartition

from bench.contenders.env import BOOTSTRAP, DATABASE, TOPIC, Writer
from bench.workload import BATCH, PARTITIONS

if __name__ == "__main__":
    kafka = KafkaConsumer(
        bootstrap_servers=BOOTSTRAP,
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        fetch_max_wait_ms=25,
        max_partition_fetch_bytes=4 << 20,
    )
    kafka.assign([TopicPartition(TOPIC, partition) for partition in range(PARTITIONS)])
    writer = Writer(psycopg.connect(DATABASE, autocommit=True))
    while True:
        found = kafka.poll(timeout_ms=50, max_records=BATCH)
        records = {tp.partition: [(record.offset, record.value) for record in batch] for tp, batch in found.items() if batch}
        if records:
            writer.write(records)
