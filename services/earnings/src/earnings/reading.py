"""Upstream topics read by a job of our own: from given offsets to the end of now, in no consumer group."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from streaming.broker import Bounds, Broker, Partition, TopicInfo
from streaming.errors import Infrastructure
from streaming.records import Chunk, Record

BATCH = 2000
POLL_S, SILENCE_S = 0.1, 30.0


class Reader:
    """Committed records of some topics. bounds: of the log when reading began. reached: how far reading has come."""

    def __init__(self, bootstrap: str, topics: Sequence[str]) -> None:
        broker = Broker(bootstrap)
        self.topics: dict[str, TopicInfo] = broker.topics(topics)
        self._bootstrap = bootstrap
        places = [(topic, number) for topic, info in self.topics.items() for number in range(info.partitions)]
        self.bounds: dict[Partition, Bounds] = broker.bounds(places)
        self.reached = {place: bounds.begin for place, bounds in self.bounds.items()}

    def start_at(self, offsets: Mapping[Partition, int]) -> None:
        """Begin there instead of at the log's beginning."""
        self.reached.update({place: offset for place, offset in offsets.items() if place in self.bounds})

    @property
    def left(self) -> int:
        """Offsets to pass: messages, and what transactions leave between them."""
        return sum(bounds.end - self.reached[place] for place, bounds in self.bounds.items())

    def chunks(self, passed: Callable[[int], None], batch: int = BATCH) -> Iterator[list[Chunk]]:
        """Up to `batch` records at once, as chunks without gaps between them. passed: told the number of offsets.

        Raises Infrastructure when the broker falls silent.
        """
        open_ = {place for place, bounds in self.bounds.items() if bounds.end > self.reached[place]}
        consumer = Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": "earnings-reader",  # never joined or committed to: the client insists on a name
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
                "queued.max.messages.kbytes": 16_384,
            }
        )
        consumer.assign([TopicPartition(*place, self.reached[place]) for place in open_])
        silent = 0
        try:
            while open_:
                messages = consumer.consume(batch, timeout=POLL_S)
                silent = 0 if messages else silent + 1
                if silent * POLL_S > SILENCE_S:
                    raise Infrastructure(f"kafka: nothing came for {SILENCE_S:.0f} s")
                yield from self._taken(messages, open_, passed)
        finally:
            consumer.close()

    def _taken(self, messages: Sequence[Message], open_: set[Partition], passed: Callable[[int], None]) -> Iterator[list[Chunk]]:
        records: dict[Partition, list[Record]] = {}
        ends: dict[Partition, int] = {}
        for message in messages:
            place = (str(message.topic()), int(message.partition() or 0))
            if place not in open_:
                continue
            end = self.bounds[place].end
            if message.error() is not None:
                _check(message.error())
                ends[place] = end
            elif (record := _record(message)).offset < end:
                records.setdefault(place, []).append(record)
                ends[place] = record.offset + 1
            else:
                ends[place] = end
            if ends[place] >= end:
                open_.discard(place)
        made = []
        for place, end in ends.items():
            begin = self.reached[place]
            if end > begin:
                made.append(Chunk(*place, begin, end, 0, records.get(place, [])))
                passed(end - begin)
                self.reached[place] = end
        if made:
            yield made


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
