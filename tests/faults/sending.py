"""Publishes messages as upstream does and keeps a ledger on disk: what was meant to go out, and what the broker took."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import Producer

from streaming.records import Record

FLUSH_S = 30.0
CLIENT_LIMIT = 16 << 20
"""Above every topic's, so that the broker decides what is too large."""


@dataclass(frozen=True, slots=True, eq=False)
class Outbound:
    """One message as bytes. note: what a test calls it. stands_for: the message it is another shape or copy of."""

    topic: str
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    note: str = ""
    stands_for: Outbound | None = None


class Feeder:
    """sent: every record that the broker acknowledged, with its place; the checker balances against it."""

    def __init__(self, bootstrap: str, ledger: Path) -> None:
        self.sent: list[Record] = []
        self._ledger = ledger.open("a")
        self._bootstrap = bootstrap
        self.reconnect()

    def reconnect(self) -> None:
        """A new producer: it knows the topics as they are now."""
        self._producer = Producer(
            {
                "bootstrap.servers": self._bootstrap,
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
                "linger.ms": 1,
                "message.max.bytes": CLIENT_LIMIT,
                "log_level": 3,
            }
        )

    def send(self, messages: Sequence[Outbound]) -> list[Record]:
        """Publish in this order; the records in the same order, with partition and offset."""
        places: list[tuple[int, int] | None] = [None] * len(messages)
        self._note({"intent": [[message.topic, len(message.value or b"")] for message in messages]})
        for number, message in enumerate(messages):
            self._producer.produce(
                message.topic,
                key=message.key,
                value=message.value,
                headers=list(message.headers),
                on_delivery=lambda error, taken, n=number: self._taken(places, n, error, taken),
            )
            self._producer.poll(0)
        left = self._producer.flush(FLUSH_S)
        assert left == 0, "the broker did not take every message in time"
        assert None not in places, "the broker refused a message"
        made = [
            Record(message.topic, place[0], place[1], 0, message.key, message.value, message.headers)
            for message, place in zip(messages, places, strict=True)
            if place is not None
        ]
        self._note({"acknowledged": [[record.topic, record.partition, record.offset] for record in made]})
        self.sent += made
        return made

    def refused(self, message: Outbound) -> bool:
        """Whether the broker does not take this message; one that it takes is sent."""
        errors: list[Any] = []
        self._producer.produce(
            message.topic, key=message.key, value=message.value, on_delivery=lambda error, _: errors.append(error)
        )
        assert self._producer.flush(FLUSH_S) == 0
        return errors[0] is not None

    def _taken(self, places: list[tuple[int, int] | None], number: int, error: Any, taken: Any) -> None:
        if error is None:
            places[number] = (taken.partition(), taken.offset())

    def _note(self, line: dict[str, Any]) -> None:
        self._ledger.write(json.dumps(line) + "\n")
        self._ledger.flush()
        os.fsync(self._ledger.fileno())

    def close(self) -> None:
        self._ledger.close()
