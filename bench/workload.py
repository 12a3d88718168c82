"""The work every contender does: 515-byte JSON events, a tally per key, an output for every twentieth event.

1 % of the events are delivered twice; an event whose `seq` is not above the key's last one counts for nothing.
*hot*: few keys, all new to the table. *wide*: many keys over a table that already holds a million.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from psycopg import Connection

from streaming import documents, outbox, progress, schema
from streaming.documents import Codec
from streaming.records import Bad, Cause, Chunk, Item, Prepared, Record
from streaming.spec import Due, Kind, Spec
from streaming.work import Outgoing, Work

PARTITIONS = 8
BATCH = 5000
"""Records of one transaction at most, for loops that say how many they want."""
EVENT_BYTES = 515
OUTPUT_EVERY = 20
OUT_TOPIC = "bench.out"
KIND = "claim"
STRIDE = 7_368_787
"""A prime, so that steps of it meet every key of a round once."""
NOW = datetime(2026, 4, 6, tzinfo=UTC)


class Event(msgspec.Struct, frozen=True):
    """One inbound event. amount: pence."""

    key: str
    seq: int
    amount: int
    filler: str


class Tally(msgspec.Struct, frozen=True):
    """State of one key."""

    seq: int = 0
    count: int = 0
    total: int = 0
    name: str = "x" * 60


class Tallied(msgspec.Struct, frozen=True):
    """The output."""

    key: str
    count: int
    total: int


def tally(state: Tally | None, event: Event) -> Tally | None:
    """The rule: a new state, or None when the event is old."""
    before = state or Tally()
    if event.seq <= before.seq:
        return None
    return Tally(event.seq, before.count + 1, before.total + event.amount, before.name)


def is_output(event: Event) -> bool:
    """Every twentieth event of the run."""
    return event.seq % OUTPUT_EVERY == 0


@dataclass(frozen=True, slots=True)
class Load:
    """A workload. prefilled: rows in the table before it starts.

    rounds: each key once a round, scattered over the table, instead of at random: a payday, and the same number of keys in
    a transaction however many there are. first: number of the first event, for a load that goes on where another ended.
    one_key: share of the events that are about the first key.
    """

    name: str
    events: int
    keys: int
    prefilled: int = 0
    seed: int = 7
    partitions: int = PARTITIONS
    rounds: bool = False
    first: int = 1
    one_key: float = 0.0

    def produce(self) -> Iterator[Event]:
        """Events in order of production, repeats included."""
        chance = random.Random(self.seed)
        pick = self._picker(chance)
        size = len(msgspec.json.encode(Event("k0000000", 1_000_000, 10_000, "")))
        filler = "f" * (EVENT_BYTES - size)
        for seq in range(self.first, self.first + self.events):
            event = Event(f"k{pick(seq):07d}", seq, chance.randrange(100_000), filler)
            yield event
            if chance.random() < 0.01:
                yield event

    def _picker(self, chance: random.Random) -> Callable[[int], int]:
        if self.rounds:
            return lambda seq: seq * STRIDE % self.keys
        if self.one_key:
            return lambda seq: 0 if chance.random() < self.one_key else chance.randrange(self.keys)
        return lambda seq: chance.randrange(self.keys)

    def fold(self, before: dict[str, Tally] | None = None) -> dict[str, Tally]:
        """What the tables must say at the end (keys that were touched), from what they said before."""
        states: dict[str, Tally] = dict(before or {})
        for event in self.produce():
            after = tally(states.get(event.key), event)
            if after is not None:
                states[event.key] = after
        return states

    def outputs(self) -> int:
        """How many outputs the events ask for."""
        last = self.first + self.events - 1
        return last // OUTPUT_EVERY - (self.first - 1) // OUTPUT_EVERY

    def publish(self, bootstrap: str, topic: str) -> int:
        """Write all events to a new topic; returns the number of records."""
        create_topic(bootstrap, topic, self.partitions)
        return self.write(bootstrap, topic)

    def write(self, bootstrap: str, topic: str) -> int:
        """Write all events to a topic that is there; returns the number of records."""
        producer = Producer({"bootstrap.servers": bootstrap, "log_level": 3, "linger.ms": 20,
                "enable.idempotence": True,  # a retry must not change the order of a key's events
                "compression.type": "lz4",
                             "queue.buffering.max.messages": 1_000_000, "partitioner": "murmur2_random"})  # fmt: skip
        written = 0
        for event in self.produce():
            producer.produce(topic, msgspec.json.encode(event), event.key)
            written += 1
            if written % 10_000 == 0:
                producer.poll(0)
        producer.flush()
        return written


def create_topic(bootstrap: str, topic: str, partitions: int = PARTITIONS) -> None:
    """A topic of the benchmark. Raises KafkaException."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 3})
    admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result()


# -- the tables, and the transaction that every contender runs -----------------------------------------------------------

CODEC = Codec([Kind(KIND, Tally)])
DECODE = msgspec.json.Decoder(Event).decode


def create_tables(conn: Connection[Any], prefilled: int) -> None:
    """The shell's own tables, with `prefilled` keys in them."""
    schema.create(conn)  # type: ignore[arg-type]
    if prefilled:
        conn.execute(
            "INSERT INTO document (kind, key, schema, version, state)"
            " SELECT %s, 'k' || lpad(n::text, 7, '0'), 1, 1, %s FROM generate_series(0, %s) n",
            (KIND, CODEC.encode(Tally()), prefilled - 1),
        )
        conn.execute("VACUUM ANALYZE document")


def make_rows(conn: Connection[Any], consumer: str, topic: str) -> None:
    """Offset rows of all partitions."""
    for partition in range(PARTITIONS):
        progress.start(conn, consumer, topic, partition, 0, "bench")


def by_hand(
    conn: Connection[Any], consumer: str, topic: str, chunks: Sequence[tuple[int, int, int, Sequence[tuple[int, bytes]]]]
) -> None:
    """The transaction without a shell around it: fence, lock, decide, save, outbox. Same statements, same durability.

    chunks: (partition, begin, end, [(offset, value)]).
    """
    with conn.transaction():
        progress.advance(conn, consumer, [Chunk(topic, part, begin, end, 0, ()) for part, begin, end, _ in chunks])
        events = [(part, offset, DECODE(value)) for part, _, _, records in chunks for offset, value in records]
        stored = documents.lock(conn, [KIND], {(KIND, event.key) for _, _, event in events})
        states: dict[tuple[str, str], Any] = {root: CODEC.decode(KIND, row) for root, row in stored.items()}
        changed: dict[tuple[str, str], Any] = {}
        outputs: list[Outgoing] = []
        for part, offset, event in events:
            root = (KIND, event.key)
            after = tally(states.get(root), event)
            if after is None:
                continue
            states[root] = changed[root] = after
            if is_output(event):
                place = f"{topic}/{part}/{offset}"
                value = msgspec.json.encode(Tallied(event.key, after.count, after.total))
                outputs.append(Outgoing(OUT_TOPIC, event.key, place, "Tallied", event.key, value, Cause(place, place), NOW))
        documents.save(conn, CODEC, changed, stored)
        outbox.append(conn, outputs)


# -- the same work as the shell's handlers ------------------------------------------------------------------------------


def prepare(records: Sequence[Record]) -> list[Prepared]:
    """Decode; the roots are the event's key."""
    entries: list[Prepared] = []
    for record in records:
        try:
            event = DECODE(record.value or b"")
        except msgspec.DecodeError:
            entries.append(Bad(record, "not_json"))
            continue
        place = f"{record.topic}/{record.partition}/{record.offset}"
        entries.append(Item(record, Cause(place, place), ((KIND, event.key),), event))
    return entries


def handle(work: Work, item: Item) -> None:
    """One event."""
    event: Event = item.body
    after = tally(work.get(KIND, event.key), event)
    if after is None:
        work.outcome = "superseded"
        return
    work.put(KIND, event.key, after)
    if is_output(event):
        work.emit(OUT_TOPIC, event.key, Tallied(event.key, after.count, after.total))


def _no_timers(work: Work, due: Due) -> None:
    raise AssertionError("the benchmark sets no timers")


def spec(topic: str) -> Spec:
    """The workload as a service."""
    return Spec("bench", (Kind(KIND, Tally),), {topic: prepare}, handle, _no_timers, project=lambda conn, changes, rows: None)
