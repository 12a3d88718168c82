"""A plain loop with a service's real rules: confluent-kafka and psycopg by hand, one process, one transaction a batch.

What a good engineer writes who has the rules and wants no shell: the service's own `prepare`, handlers and query tables; the
documents of a batch locked and read with one SELECT for each kind; documents, timers, outbox and offsets written in bulk in the
same transaction. The statements are those of `streaming`, so that the rows are the same. Left out is everything that a shell is
for: lanes, one lock order with other writers, parking, dead letters, redoing, scopes, the inbox, metrics, audit, rebalancing.
A record that is refused ends it.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from psycopg import Connection

from bench.contenders.env import BOOTSTRAP, DATABASE, TOPIC
from bench.contenders.plain import consumer
from bench.rules.services import SERVICES
from bench.workload import PARTITIONS
from streaming import documents, due, outbox, progress
from streaming.clock import make_clock
from streaming.documents import Codec, Stored
from streaming.records import Chunk, Item, Record, Root
from streaming.spec import Change, Spec
from streaming.work import DueItem, Outgoing, Work

TAKE = int(os.environ.get("BENCH_TAKE", "2000"))
"""Records of one transaction at most: as many as the shell merges."""


class Batch:
    """What one transaction has read and will write."""

    def __init__(self, conn: Connection[Any], spec: Spec, codec: Codec, now: datetime) -> None:
        self.conn, self.spec, self.codec, self.now = conn, spec, codec, now
        self.stored: dict[Root, Stored] = {}
        self.read: dict[Root, Any] = {}
        self.docs: dict[Root, Any] = {}
        self.outgoing: list[Outgoing] = []
        self.due: dict[str, DueItem | None] = {}
        self.rows: dict[str, list[Mapping[str, Any]]] = {}
        self._glanced: tuple[Any] | None = None

    def lock(self, roots: Iterable[Root]) -> None:
        """Read the roots for update, then what they are linked to, until nothing is left: once for each kind here."""
        kinds = [kind.name for kind in self.spec.kinds]
        wanted = set(roots)
        while wanted:
            found = documents.lock(self.conn, kinds, wanted)
            docs = {root: self.codec.decode(root[0], found.get(root)) for root in wanted}
            self.stored.update(found)
            self.read.update(docs)
            self.docs.update(docs)
            wanted = {link for root in found for link in self.spec.links(root[0], docs[root])} - self.read.keys()

    def get(self, root: Root) -> Any:
        """The newest state; what nobody foresaw is read now."""
        if root not in self.docs:
            self.lock([root])
        return self.docs[root]

    def glance(self) -> Any:
        if self._glanced is None:
            self._glanced = (self.spec.glance(self.conn, self.now),)
        return self._glanced[0]

    def handle(self, item: Item) -> None:
        """One record, by the service's own handler."""
        work = Work(cause=item.cause, now=self.now, as_of=self.now, load=self.get, locked=lambda _: True, source=self.spec.name,
                    glance=self.glance)  # fmt: skip
        self.spec.handle(work, item)
        self.spec.journal(work, item.record, work.outcome, work.reason, item.record_id)
        effects = work.effects
        self.docs.update(effects.docs)
        self.outgoing += effects.outgoing
        self.due.update(effects.due)
        for table, rows in effects.rows.items():
            self.rows.setdefault(table, []).extend(rows)

    def write(self) -> None:
        """Everything in bulk."""
        changed = {root: doc for root, doc in self.docs.items() if doc is not self.read.get(root)}
        documents.save(self.conn, self.codec, changed, self.stored)
        outbox.append(self.conn, self.outgoing)
        if self.due:
            due.write(self.conn, self.due, ())
        changes = [Change(kind, key, self.read.get((kind, key)), doc) for (kind, key), doc in changed.items()]
        self.spec.project(self.conn, changes, self.rows)


def fetch(kafka: Consumer) -> list[Record]:
    """A batch, in the order of each partition."""
    found: list[Any] = kafka.consume(TAKE, timeout=0.05)
    return [_record(message) for message in found if message.error() is None]


def _record(message: Any) -> Record:
    _, milliseconds = message.timestamp()
    headers = tuple(message.headers() or ())
    return Record(TOPIC, message.partition(), message.offset(), milliseconds, message.key(), message.value(), headers)


def chunks(records: Sequence[Record], begin: dict[int, int]) -> list[Chunk]:
    """From where to where each partition's offset moves. begin: where each one's next batch begins; moved along."""
    ends = {record.partition: record.offset + 1 for record in records}
    moved = [Chunk(TOPIC, part, begin[part], end, 0, ()) for part, end in sorted(ends.items())]
    begin.update(ends)
    return moved


def run() -> None:
    """Consume, judge and write in turn."""
    service = SERVICES[os.environ["BENCH_SERVICE"]]
    settings = service.program.settings()
    assert settings.kafka_bootstrap_servers == BOOTSTRAP
    spec, clock = service.program.spec(settings), make_clock(settings)
    codec, prepare = Codec(spec.kinds), spec.topics[TOPIC]
    kafka, conn = consumer(), psycopg.connect(DATABASE, autocommit=True, options="-c timezone=UTC")
    kafka.assign([TopicPartition(TOPIC, partition, OFFSET_BEGINNING) for partition in range(PARTITIONS)])
    begin = dict.fromkeys(range(PARTITIONS), 0)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)  # as the shell's worker does
    while True:
        records = fetch(kafka)
        if not records:
            continue
        items = [usable(entry) for entry in prepare(records)]
        with conn.transaction():
            progress.advance(conn, spec.name, chunks(records, begin))
            batch = Batch(conn, spec, codec, clock.now())
            batch.lock(root for item in items for root in item.roots)
            for item in items:
                batch.handle(item)
            batch.write()


def usable(entry: object) -> Item:
    """Raises ValueError for a record that is refused, or that only an inbox could tell from its repeat."""
    if not isinstance(entry, Item) or entry.dedupe is not None:
        raise ValueError("the feed holds a record that this loop does not know how to treat")
    return entry


if __name__ == "__main__":
    run()
