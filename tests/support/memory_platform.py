"""The whole flow in memory, one thing after another: the reference that fault cells are compared with.

It runs the services' own handlers (their rules are what is to be computed) with none of the shell: no broker, database,
chunk, lock, fence, outbox, relay, retry or concurrency. What the real platform ends with after faults must equal this.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from contracts import envelope
from streaming.errors import Rejected
from streaming.records import Bad, Cause, Ignored, Item, Record, Root
from streaming.spec import Due, Spec
from streaming.work import Effects, Outgoing, Work


@dataclass(slots=True)
class MemoryService:
    """One service's state as plain dictionaries."""

    spec: Spec
    docs: dict[Root, Any] = field(default_factory=dict)
    timers: dict[str, Due] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    outcomes: dict[tuple[str, int, int], str] = field(default_factory=dict)
    glance: Callable[[], Any] = lambda: None
    """What the service's `Spec.glance` would read."""

    def work(self, cause: Cause, now: datetime, as_of: datetime | None = None) -> Work:
        return Work(
            cause=cause, now=now, as_of=as_of or now, load=self.docs.get, locked=lambda _: True, source=self.spec.name,
            glance=self.glance,
        )  # fmt: skip

    def keep(self, effects: Effects) -> list[Outgoing]:
        for root, doc in effects.docs.items():
            if doc is None:
                self.docs.pop(root, None)
            else:
                self.docs[root] = doc
        for due_id, item in effects.due.items():
            self.timers.pop(due_id, None)
            if item is not None:
                self.timers[due_id] = Due(
                    item.id, item.root, item.due_at, item.name, item.payload, item.revision, item.correlation_id
                )
        for table, rows in effects.rows.items():
            self.rows.setdefault(table, []).extend(dict(row) for row in rows)
        return effects.outgoing

    def consume(self, record: Record, now: datetime) -> list[Outgoing]:
        entry = self.spec.topics[record.topic]([record])[0]
        place = (record.topic, record.partition, record.offset)
        if not isinstance(entry, Item):
            self.outcomes[place] = "quarantined" if isinstance(entry, Bad) else "ignored"
            return self._journal(entry, now)
        if entry.dedupe is not None and entry.dedupe in self.seen:
            self.outcomes[place] = "duplicate"
            return []
        work = self.work(entry.cause, now)
        try:
            self.spec.handle(work, entry)
            self.spec.journal(work, record, work.outcome, work.reason, entry.record_id)
        except Rejected as rejected:
            self.outcomes[place] = "quarantined"
            return self._journal(Bad(record, rejected.reason, entry.record_id), now)
        if entry.dedupe is not None:
            self.seen.add(entry.dedupe)
        self.outcomes[place] = work.outcome
        return self.keep(work.effects)

    def _journal(self, entry: Bad | Ignored, now: datetime) -> list[Outgoing]:
        work = self.work(Cause("journal", ""), now)
        outcome = "quarantined" if isinstance(entry, Bad) else "ignored"
        self.spec.journal(work, entry.record, outcome, entry.reason, entry.record_id)
        return self.keep(work.effects)

    def fire(self, now: datetime) -> list[Outgoing]:
        published: list[Outgoing] = []
        queue = [(item.due_at, item.id) for item in self.timers.values() if item.due_at <= now]
        heapq.heapify(queue)
        while queue:
            due_at, due_id = heapq.heappop(queue)
            item = self.timers.get(due_id)
            if item is None or item.due_at != due_at:
                continue
            del self.timers[due_id]
            work = self.work(Cause(f"{item.id}:{item.revision}", item.correlation_id), now, item.due_at)
            self.spec.fire(work, item)
            published += self.keep(work.effects)
            for new_id in work.effects.due:
                new = self.timers.get(new_id)
                if new is not None and new.due_at <= now:
                    heapq.heappush(queue, (new.due_at, new_id))
        return published


class MemoryPlatform:
    """Services joined by queues. `advance` and `feed` run everything that follows before they return."""

    def __init__(self, specs: Iterable[Spec], partitions: int, partition_of: Callable[[str, int], int] | None = None) -> None:
        self.services = {spec.name: MemoryService(spec) for spec in specs}
        self.published: list[Outgoing] = []
        self._partitions = partitions
        self._partition_of = partition_of or (lambda key, count: 0)
        self._offsets: dict[tuple[str, int], int] = {}
        self.now: datetime | None = None

    def feed(self, records: Sequence[Record]) -> None:
        """Inbound records, with the offsets the broker gave them."""
        assert self.now is not None, "advance the clock first"
        for record in records:
            for service in self.services.values():
                if record.topic in service.spec.topics:
                    self._settle(service.consume(record, self.now), service)

    def advance(self, now: datetime) -> None:
        """Time passes; everything due fires, service by service, until nothing is left."""
        self.now = now
        busy = True
        while busy:
            busy = False
            for service in self.services.values():
                published = service.fire(now)
                busy = busy or bool(published)
                self._settle(published, service)

    def _settle(self, outgoing: Iterable[Outgoing], service: MemoryService) -> None:
        queue = deque((event, service.spec.name) for event in outgoing)
        assert self.now is not None
        while queue:
            event, source = queue.popleft()
            self.published.append(event)
            record = self._record(event, source)
            for reader in self.services.values():
                if event.topic in reader.spec.topics:
                    queue.extend((more, reader.spec.name) for more in reader.consume(record, self.now))
                    queue.extend((more, reader.spec.name) for more in reader.fire(self.now))

    def _record(self, event: Outgoing, source: str) -> Record:
        partition = self._partition_of(event.key, self._partitions)
        offset = self._offsets.get((event.topic, partition), 0)
        self._offsets[(event.topic, partition)] = offset + 1
        headers = envelope.headers(
            id=event.id,
            type=event.type,
            source=source,
            subject=event.subject,
            time=event.time,
            partition_key=event.key,
            causation_id=event.cause.id,
            correlation_id=event.cause.correlation_id or event.cause.id,
            traceparent=event.cause.traceparent,
        )
        return Record(event.topic, partition, offset, 0, event.key.encode(), event.value, tuple(headers))
