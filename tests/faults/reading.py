"""What a platform has: its topics, read from where the last reading ended, and its documents and tables."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec
import psycopg
from confluent_kafka import Consumer, KafkaException, TopicPartition

from contracts.topics import PLATFORM_CLOCK, TOPICS
from streaming.documents import Codec, Stored
from streaming.records import Record, Root
from streaming.spec import Kind

POLL_S = 5.0
CLIENTS = 3
POISON = "poison"
"""`ce_source` of what no service published."""
OUTGOING = tuple(name for name, topic in TOPICS.items() if not topic.inbound and name != PLATFORM_CLOCK)


@dataclass(frozen=True, slots=True)
class Event:
    """One published event. repeat: its id was published before (a relay died between its two commits).

    Records that a test put there as poison have the type ""."""

    topic: str
    partition: int
    offset: int
    key: str
    type: str
    id: str
    source: str
    body: dict[str, Any]
    repeat: bool
    record: Record


class Topics:
    """Committed events of every platform topic, in the order of each partition."""

    def __init__(self, bootstrap: str) -> None:
        self.events: list[Event] = []
        self._next: dict[tuple[str, int], int] = {}
        self._times: dict[str, int] = {}
        self._bootstrap = bootstrap
        self._consumer = self._connect()

    def _connect(self) -> Consumer:
        return Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": "fault-cells",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
                "log_level": 3,
            }
        )

    def _metadata(self) -> Any:
        """Topics as the broker knows them. A client that found no broker for long may never look again: it is replaced."""
        for _ in range(CLIENTS):
            with suppress(KafkaException):
                return self._consumer.list_topics(timeout=10).topics
            self._consumer.close()
            self._consumer = self._connect()
        return self._consumer.list_topics(timeout=10).topics

    def read(self) -> list[Event]:
        """Read on to the present ends; all events so far."""
        metadata = self._metadata()
        waiting = {(topic, part) for topic in OUTGOING for part in metadata[topic].partitions}
        self._consumer.assign([TopicPartition(*place, self._next.get(place, 0)) for place in waiting])
        while waiting:
            message = self._consumer.poll(POLL_S)
            assert message is not None, f"the broker says nothing about {sorted(waiting)}"
            place = (str(message.topic()), int(message.partition() or 0))
            if message.error() is not None:
                waiting.discard(place)
            else:
                self._next[place] = int(message.offset() or 0) + 1
                self._take(place, message)
        self._consumer.unassign()
        return self.events

    def _take(self, place: tuple[str, int], message: Any) -> None:
        headers = tuple((name, value or b"") for name, value in message.headers() or ())
        named = {name: value.decode() for name, value in headers}
        record = Record(*place, message.offset(), message.timestamp()[1], message.key(), message.value(), headers)
        event_id, key = named.get("ce_id", ""), (record.key or b"").decode()
        if named.get("ce_source") in (None, POISON):
            self.events.append(Event(*place, record.offset, key, "", event_id, "", {}, False, record))
            return
        body = msgspec.json.decode(record.value or b"{}")
        repeat = event_id in self._times
        self.events.append(
            Event(*place, record.offset, key, named["ce_type"], event_id, named["ce_source"], body, repeat, record)
        )
        self._times.setdefault(event_id, record.timestamp_ms)

    def latencies(self, events: Iterable[Event]) -> list[float]:
        """Seconds from an event to each of these that it caused, by the broker's clock."""
        found = []
        for event in events:
            cause = dict(event.record.headers).get("ce_causationid", b"").decode()
            if not event.repeat and cause in self._times:
                found.append((event.record.timestamp_ms - self._times[cause]) / 1000)
        return found

    def close(self) -> None:
        self._consumer.close()


def documents(url: str, kinds: Iterable[Kind]) -> dict[Root, Any]:
    """All documents of a service that have content."""
    codec = Codec(kinds)
    with psycopg.connect(url) as conn:
        rows = conn.execute("SELECT kind, key, schema, version, state FROM document WHERE state IS NOT NULL").fetchall()
    return {(kind, key): codec.decode(kind, Stored(schema, version, state)) for kind, key, schema, version, state in rows}


def rows(url: str, query: str, *given: Any) -> list[tuple[Any, ...]]:
    """A query's rows."""
    with psycopg.connect(url) as conn:
        return conn.execute(query, given).fetchall()  # type: ignore[arg-type]
