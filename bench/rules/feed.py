"""What both feeds have in common: the instant that everything happens at, and messages before the broker has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from confluent_kafka import Producer

from streaming.records import Record

NOW = datetime(2026, 4, 8, 9, tzinfo=UTC)
"""The platform's clock stands still, so that both contenders write the same facts down to their times."""


class Message(NamedTuple):
    """One record to be. headers: none for upstream's own messages."""

    key: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


def records(topic: str, partition: int, first: int, messages: Iterable[Message]) -> Iterator[Record]:
    """As a broker would give them back from one partition."""
    for offset, message in enumerate(messages, first):
        yield Record(topic, partition, offset, 0, message.key.encode(), message.value, message.headers)


def publish(bootstrap: str, topic: str, messages: Sequence[Message]) -> None:
    """Write all messages to a topic that is there. Raises RuntimeError when the broker does not take them."""
    producer = Producer({"bootstrap.servers": bootstrap, "log_level": 3, "linger.ms": 20, "enable.idempotence": True,
                         "compression.type": "lz4", "queue.buffering.max.messages": 1_000_000,
                         "partitioner": "murmur2_random"})  # fmt: skip
    for written, message in enumerate(messages, 1):
        producer.produce(topic, message.value, message.key, headers=list(message.headers))
        if written % 10_000 == 0:
            producer.poll(0)
    if producer.flush(60):
        raise RuntimeError(f"the feed of {topic} was not published within a minute")
