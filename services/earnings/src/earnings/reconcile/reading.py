"""The upstream topics read a second time: an own reader, from the beginning to the end of now, in no consumer group."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition

from streaming.broker import Bounds, Broker, Partition
from streaming.errors import Infrastructure
from streaming.records import Record

BATCH = 2000
POLL_S, SILENCE_S = 0.1, 30.0


class Reader:
    """What the log holds of the topics. bounds: as found when reading began; `reached`: where it ended."""

    def __init__(self, bootstrap: str, topics: Sequence[str]) -> None:
        broker = Broker(bootstrap)
        found = broker.topics(topics)
        self._bootstrap = bootstrap
        self.bounds: dict[Partition, Bounds] = broker.bounds(
            (topic, partition) for topic, info in found.items() for partition in range(info.partitions)
        )
        self.reached = {place: bounds.begin for place, bounds in self.bounds.items()}

    @property
    def total(self) -> int:
        """Offsets to pass: messages, and what transactions leave between them."""
        return sum(bounds.end - bounds.begin for bounds in self.bounds.values())

    def batches(self, passed: Callable[[int], None]) -> Iterator[list[Record]]:
        """Committed records, at most BATCH at once. passed: told the number of offsets. Raises Infrastructure."""
        consumer = Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": "earnings-reconcile",  # never joined or committed to: the client insists on a name
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
            }
        )
        open_ = {place for place, bounds in self.bounds.items() if bounds.end > bounds.begin}
        consumer.assign([TopicPartition(*place, OFFSET_BEGINNING) for place in open_])
        silent = 0
        try:
            while open_:
                messages = consumer.consume(BATCH, timeout=POLL_S)
                silent = 0 if messages else silent + 1
                if silent * POLL_S > SILENCE_S:
                    raise Infrastructure(f"kafka: nothing came for {SILENCE_S:.0f} s")
                records = []
                for message in messages:
                    place = (str(message.topic()), int(message.partition() or 0))
                    if place not in open_:
                        continue
                    if message.error() is not None:
                        _check(message.error())
                        open_.discard(place)
                        self._pass(place, self.bounds[place].end, passed)
                        continue
                    record = _record(message)
                    if record.offset >= self.bounds[place].end:
                        open_.discard(place)
                        continue
                    self._pass(place, record.offset + 1, passed)
                    records.append(record)
                    if self.reached[place] >= self.bounds[place].end:
                        open_.discard(place)
                yield records
        finally:
            consumer.close()

    def _pass(self, place: Partition, position: int, passed: Callable[[int], None]) -> None:
        passed(position - self.reached[place])
        self.reached[place] = position


def _check(error: Any) -> None:
    """The end of a partition is no error."""
    if error.code() != KafkaError._PARTITION_EOF:
        raise Infrastructure(f"kafka: {error.name()}")


def _record(message: Message) -> Record:
    headers: Any = message.headers() or ()
    return Record(
        str(message.topic()),
        int(message.partition() or 0),
        int(message.offset() or 0),
        int(message.timestamp()[1]),
        message.key(),
        message.value(),
        tuple((name, value or b"") for name, value in headers),
    )
