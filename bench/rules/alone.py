"""The rules without a shell: the service's own `prepare` and handlers over documents in memory; no broker, no database."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import Connection

from streaming.documents import Codec, Stored
from streaming.records import Cause, Item, Prepared, Record, Root
from streaming.spec import Spec
from streaming.work import Outgoing, Work


@dataclass(slots=True)
class Memory:
    """Documents as a plain dictionary, and what was sent. Timers, rows and audit go nowhere."""

    spec: Spec
    docs: dict[Root, Any] = field(default_factory=dict)
    sent: list[Outgoing] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)

    def handle(self, entry: Prepared, now: datetime) -> None:
        """One record. Raises TypeError for one that is refused."""
        if not isinstance(entry, Item):
            raise TypeError("the feed holds a record that is refused")
        work = self.work(entry.cause, now)
        self.spec.handle(work, entry)
        self.spec.journal(work, entry.record, work.outcome, work.reason, entry.record_id)
        self.docs.update(work.effects.docs)
        self.sent += work.effects.outgoing
        self.outcomes.append(work.outcome)

    def handle_all(self, entries: Sequence[Prepared], now: datetime) -> None:
        """In order."""
        for entry in entries:
            self.handle(entry, now)

    def work(self, cause: Cause, now: datetime) -> Work:
        """A scope that may touch everything."""
        return Work(cause=cause, now=now, as_of=now, load=self.docs.get, locked=lambda _: True, source=self.spec.name)


def documents(conn: Connection[Any], spec: Spec) -> dict[Root, Any]:
    """Every document of a database, decoded."""
    codec = Codec(spec.kinds)
    rows = conn.execute("SELECT kind, key, schema, version, state FROM document")
    return {(kind, key): codec.decode(kind, Stored(schema, version, state)) for kind, key, schema, version, state in rows}


def spent(spec: Spec, docs: dict[Root, Any], records: Sequence[Record], now: datetime) -> dict[str, float]:
    """µs of processor time a record: to read and check it (prepare), to judge it (handle), to pack what changed (encode)."""
    memory, codec = Memory(spec, dict(docs)), Codec(spec.kinds)
    gc.collect()
    gc.freeze()
    try:
        entries: list[Prepared] = []
        prepare = _timed(lambda: entries.extend(spec.topics[records[0].topic](records)))
        handle = _timed(lambda: memory.handle_all(entries, now))
        changed = [doc for root, doc in memory.docs.items() if doc is not docs.get(root)]
        encode = _timed(lambda: [codec.encode(doc) for doc in changed])
    finally:
        gc.unfreeze()
    stages = {"prepare": prepare, "handle": handle, "encode": encode}
    return {stage: round(seconds * 1e6 / len(records), 2) for stage, seconds in stages.items()}


def _timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
