"""Everything that was published during the play, read once at its end: the report is made of this and of nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from contracts.clock import ClockAdvanced
from contracts.topics import TOPICS

POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class Event:
    """One platform event as published. at_ms: when the relay's record was made (wall clock)."""

    topic: str
    type: str
    id: str
    causation_id: str
    correlation_id: str
    at_ms: int
    body: dict[str, Any]


@dataclass(slots=True)
class Recording:
    """events: in order of publication. inbound_ms: (topic, partition, offset) → when the record was made.

    clock_ms, clock_now: when each advance of the clock was made, and to which instant.
    """

    events: list[Event] = field(default_factory=list)
    messages: Counter[str] = field(default_factory=Counter)
    inbound_ms: dict[tuple[str, int, int], int] = field(default_factory=dict)
    by_id: dict[str, Event] = field(default_factory=dict)
    clock_ms: list[int] = field(default_factory=list)
    clock_now: list[datetime] = field(default_factory=list)

    def of(self, *types: str) -> Iterator[Event]:
        """Events of these types, oldest first, a repeated id once."""
        return (event for event in self.events if event.type in types)


def read(bootstrap: str) -> Recording:
    """All topics of the registry from their beginning to their present end."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "demo-recording",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
        }
    )
    found = Recording()
    try:
        metadata = consumer.list_topics(timeout=10).topics
        open_ends = {(topic, part) for topic in TOPICS if topic in metadata for part in metadata[topic].partitions}
        consumer.assign([TopicPartition(topic, part, OFFSET_BEGINNING) for topic, part in open_ends])
        while open_ends:
            message = consumer.poll(POLL_S)
            if message is None:
                continue
            place = (message.topic() or "", message.partition() or 0)
            if message.error() is not None:
                open_ends.discard(place)
                continue
            found.messages[place[0]] += 1
            _take(found, place, message)
    finally:
        consumer.close()
    found.events.sort(key=lambda event: event.at_ms)
    return found


def _take(found: Recording, place: tuple[str, int], message: Any) -> None:
    topic, partition = place
    at_ms = message.timestamp()[1]
    found.inbound_ms[(topic, partition, message.offset())] = at_ms
    if topic == "platform.clock.v1":
        found.clock_ms.append(at_ms)
        found.clock_now.append(msgspec.json.decode(message.value(), type=ClockAdvanced).now)
        return
    headers = {name: value.decode() for name, value in message.headers() or [] if value is not None}
    if "ce_type" not in headers or TOPICS[topic].inbound:
        return
    event_id = headers["ce_id"]
    if event_id in found.by_id:
        return  # published twice with the same id after a crash: consumers drop it, so do we
    event = Event(
        topic,
        headers["ce_type"],
        event_id,
        headers.get("ce_causationid", ""),
        headers.get("ce_correlationid", ""),
        at_ms,
        msgspec.json.decode(message.value()),
    )
    found.by_id[event_id] = event
    found.events.append(event)
