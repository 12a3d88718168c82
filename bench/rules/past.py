"""What happened before the clock of a run starts: taken in through the service's own unit of work, without a broker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from bench.rules.feed import NOW, Message, records
from streaming.crypto import FieldCipher
from streaming.database import connector
from streaming.records import Bad, Cause, Chunk, Item, Prepared, PreparedChunk, Record, Root
from streaming.spec import Spec
from streaming.unit_of_work import UnitOfWork
from streaming.work import Reply, Work

PARTITION = 1000
"""No partition of the benchmark's topics: rows of the past must not be those of records that are still to come."""
BATCH = 500
LONGEST_THOUGHT_MS = 60_000


class Hands:
    """A clock that is moved by hand."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def move(self, now: datetime) -> None:
        self._now = now


class Past:
    """Facts in order; timers fire as days go by. Use `close` at the end: then only the facts are left."""

    def __init__(self, spec: Spec, url: str, field_key: str, began: datetime = NOW) -> None:
        self._clock = Hands(began)
        self._spec = spec
        self._unit = UnitOfWork(spec, connector(url, "bench past", LONGEST_THOUGHT_MS), self._clock, FieldCipher(field_key))
        self._written: Counter[str] = Counter()

    @property
    def now(self) -> datetime:
        return self._clock.now()

    def records(self, topic: str, messages: Iterable[Message]) -> list[Record]:
        """The messages as records of the past, to be prepared and then taken in before the next are made."""
        return list(records(topic, PARTITION, self._written[topic], messages))

    def publish(self, topic: str, messages: Iterable[Message]) -> None:
        """Prepare and take in, a transaction for each batch."""
        waiting = iter(messages)
        while batch := list(islice(waiting, BATCH)):
            made = self.records(topic, batch)
            self.take_in(topic, self._spec.topics[topic](made))

    def take_in(self, topic: str, entries: Sequence[Prepared]) -> None:
        """One transaction. Raises ValueError for an entry that is refused: the feed is wrong."""
        refused = next((entry for entry in entries if not isinstance(entry, Item)), None)
        if refused is not None:
            why = refused.reason if isinstance(refused, Bad) else f"ignored, {refused.reason}"
            raise ValueError(f"a message of {topic} is refused: {why}")
        begin, end = self._written[topic], self._written[topic] + len(entries)
        self._unit.start(topic, PARTITION, 0, "the past")
        chunk = Chunk(topic, PARTITION, begin, end, 0, [entry.record for entry in entries])
        self._unit.apply([PreparedChunk(chunk, entries)])
        self._written[topic] = end

    def wait_until(self, now: datetime) -> None:
        """Days pass one by one; what is due on each fires."""
        while self._clock.now() < now:
            self._clock.move(min(now, self._clock.now() + timedelta(days=1)))
            while self._unit.fire_due():
                pass

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What the database holds by now."""
        return self._unit.conn.execute(query, values).fetchall()

    def act(self, root: Root, name: str, do: Callable[[Work], None]) -> None:
        """Somebody does something about a root. name: of the cause."""

        def done(work: Work) -> Reply:
            do(work)
            return Reply()

        self._unit.internal([root], Cause(name, name), done)

    def close(self) -> None:
        """Forget what the shell wrote for itself, as if the relay had published everything long ago."""
        conn = self._unit.conn
        left = conn.execute("SELECT (SELECT count(*) FROM parked_root) + (SELECT count(*) FROM dead_letter)").fetchone()
        if left != (0,):
            raise ValueError(f"{left} messages of the past are parked or refused")
        conn.execute("TRUNCATE progress, outbox, inbox")
        conn.execute("VACUUM ANALYZE")
        self._unit.close()
