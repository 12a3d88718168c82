"""What the earnings service told on each day of a play, kept in files, to be told again to another progression service."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import IO, Any

import msgspec
from confluent_kafka import Producer

from contracts.topics import TOPICS
from devstack.errors import DevstackError
from devstack.rate_change.reading import messages

TOLD = tuple(topic.name for topic in TOPICS.values() if topic.producer == "earnings" and "referrals" in topic.consumers)
_LENGTH = struct.Struct("<I")


class Told(msgspec.Struct, frozen=True, array_like=True):
    """One event as published, to go to the same partition again."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


def keep(bootstrap: str, folder: Path, began: Sequence[tuple[int, date]]) -> int:
    """Write the events of each day to a file of its own. began: (wall clock in milliseconds, day), in order. Returns how many."""
    folder.mkdir(parents=True, exist_ok=True)
    marks = [at for at, _ in began]
    files: dict[date, IO[bytes]] = {}
    count = 0
    try:
        for message in messages(bootstrap, TOLD):
            day = began[max(0, bisect_right(marks, message.timestamp()[1]) - 1)][1]
            if day not in files:
                files[day] = _file(folder, day).open("wb")
            headers = [(name, value) for name, value in message.headers() or [] if value is not None]
            one = Told(message.topic() or "", message.partition() or 0, message.key(), message.value(), headers)
            packed = msgspec.msgpack.encode(one)
            files[day].write(_LENGTH.pack(len(packed)) + packed)
            count += 1
    finally:
        for file in files.values():
            file.close()
    return count


def again(producer: Producer, folder: Path, day: date) -> None:
    """Publish the day's events, in their order. Raises DevstackError when the broker does not take them."""
    failed: list[Any] = []
    for one in _read(_file(folder, day)):
        producer.produce(
            one.topic, one.value, one.key, one.partition, headers=list(one.headers),
            on_delivery=lambda error, _: failed.append(error) if error is not None else None,
        )  # fmt: skip
        producer.poll(0)
    if producer.flush(60) or failed:
        raise DevstackError(f"the broker did not take the events of {day}")


def producer(bootstrap: str) -> Producer:
    """One that keeps the order."""
    return Producer(
        {"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 2, "queue.buffering.max.messages": 1_000_000}
    )


def _file(folder: Path, day: date) -> Path:
    return folder / f"{day.isoformat()}.events"


def _read(path: Path) -> Iterator[Told]:
    if not path.exists():
        return
    with path.open("rb") as file:
        while head := file.read(_LENGTH.size):
            yield msgspec.msgpack.decode(file.read(_LENGTH.unpack(head)[0]), type=Told)
