"""Plain loops: confluent-kafka and psycopg by hand, no framework. THREADS=1: consume, commit, consume; 2: writer threads."""

from __future__ import annotations

import queue
import threading
from collections import defaultdict

import psycopg
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from bench.contenders.env import BOOTSTRAP, DATABASE, GROUP, THREADS, TOPIC, Writer
from bench.workload import BATCH, PARTITIONS


def consumer() -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": BOOTSTRAP,
            "group.id": GROUP,
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "fetch.wait.max.ms": 25,
            "queued.max.messages.kbytes": 65536,
        }
    )


def loop(partitions: list[int], kafka: Consumer) -> None:
    """Consume and write in turn."""
    kafka.assign([TopicPartition(TOPIC, partition, OFFSET_BEGINNING) for partition in partitions])
    writer = Writer(psycopg.connect(DATABASE, autocommit=True))
    while True:
        records = fetch(kafka)
        if records:
            writer.write(records)


def fetch(kafka: Consumer) -> dict[int, list[tuple[int, bytes]]]:
    records: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
    for message in kafka.consume(BATCH, timeout=0.05):
        if message.error() is None:
            records[message.partition()].append((message.offset(), message.value()))
    return records


def with_writers(count: int) -> None:
    """One consumer feeds writer threads, each with its own partitions and connection."""
    kafka = consumer()
    kafka.assign([TopicPartition(TOPIC, partition, OFFSET_BEGINNING) for partition in range(PARTITIONS)])
    queues: list[queue.Queue[dict[int, list[tuple[int, bytes]]]]] = [queue.Queue(4) for _ in range(count)]

    def write(mine: queue.Queue[dict[int, list[tuple[int, bytes]]]]) -> None:
        writer = Writer(psycopg.connect(DATABASE, autocommit=True))
        while True:
            writer.write(mine.get())

    for mine in queues:
        threading.Thread(target=write, args=(mine,), daemon=True).start()
    while True:
        records = fetch(kafka)
        for index, mine in enumerate(queues):
            part = {partition: found for partition, found in records.items() if partition % count == index}
            if part:
                mine.put(part)


if __name__ == "__main__":
    if THREADS > 1:
        with_writers(THREADS)
    else:
        loop(list(range(PARTITIONS)), consumer())
