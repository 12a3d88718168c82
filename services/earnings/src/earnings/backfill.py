"""`earnings backfill`: take in what upstream replays, say a month of the whole feed, without stirring the services behind.

Every event of it is marked `backfill`: they record it and do nothing. Messages go through the same unit of work as always;
the offset rows move with them, so that a run that was stopped goes on where it was. What hangs on a claim is read before the
claim itself: each claim is then judged once, from everything, instead of after every payment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from contracts import topics
from earnings.reading import Reader
from streaming.errors import Fatal
from streaming.records import Chunk, PreparedChunk
from streaming.resume import plan
from streaming.unit_of_work import UnitOfWork

ORDER = (
    topics.UCFS_CLAIMANT,
    topics.CLAIMANT_CONDITIONALITY,
    topics.CLAIMANT_EASEMENT,
    topics.RTI_PAYMENT,
    topics.UCFS_STATEMENT,
    topics.UCFS_CONTRACT,
)
BATCH = 1000
"""Records of one transaction: judging as many claims takes a second or two."""
LONGEST_THOUGHT_MS = 60_000
"""How long a transaction may think: nobody else waits for its offset rows, and the machine may be busy."""
ASK_S = 1.0
"""How often the outbox is looked at."""


@dataclass(frozen=True, slots=True)
class Pace:
    """rate: messages a second at most, None: as fast as it goes. outbox: unpublished events above which it waits for the
    relay, so that neither the database nor the services behind are flooded."""

    rate: float | None = None
    outbox: int = 50_000


class Backfill:
    """One run. The service's workers must be stopped: what they take in is not marked."""

    def __init__(self, unit: UnitOfWork, bootstrap: str, pace: Pace) -> None:
        self._unit = unit
        self._pace = pace
        self._refuse_beside_workers()
        self._readers = [Reader(bootstrap, [topic]) for topic in ORDER]
        for reader in self._readers:
            rows = unit.positions(reader.topics)
            resume = plan(unit.spec.name, reader.bounds, rows, reader.topics, reader.bounds)
            for topic, partition in resume.fresh:
                unit.start(topic, partition, resume.seek[topic, partition], reader.topics[topic].topic_id)
            reader.start_at(resume.seek)
        self._done = 0
        self._began = 0.0
        self._asked = 0.0

    @property
    def left(self) -> int:
        """Offsets that this run will pass."""
        return sum(reader.left for reader in self._readers)

    def run(self, told: Callable[[str, int], None]) -> int:
        """Until the end that the topics had when the run was made. Returns the number of messages.

        told: (topic, offsets passed) after each transaction. Raises Infrastructure or Fatal; run again to go on.
        """
        self._began = time.monotonic()
        for reader in self._readers:
            for prepared in self._prepared(reader):
                self._unit.apply(prepared)
                chunks = [item.chunk for item in prepared]
                self._done += sum(len(chunk.records) for chunk in chunks)
                told(chunks[0].topic, sum(chunk.end - chunk.begin for chunk in chunks))
                self._wait()
        return self._done

    def _prepared(self, reader: Reader) -> Iterator[list[PreparedChunk]]:
        """The next batch is decrypted while this one is written."""
        with ThreadPoolExecutor(1) as ahead:
            batches = reader.chunks(lambda _: None, BATCH)
            waiting = None
            for chunks in batches:
                following = ahead.submit(self._prepare, chunks)
                if waiting is not None:
                    yield waiting.result()
                waiting = following
            if waiting is not None:
                yield waiting.result()

    def _prepare(self, chunks: Sequence[Chunk]) -> list[PreparedChunk]:
        records = [record for chunk in chunks for record in chunk.records]
        entries = iter(self._unit.spec.topics[chunks[0].topic](records) if records else ())
        return [PreparedChunk(chunk, [next(entries) for _ in chunk.records]) for chunk in chunks]

    def _wait(self) -> None:
        if self._pace.rate is not None:
            time.sleep(max(0.0, self._began + self._done / self._pace.rate - time.monotonic()))
        if time.monotonic() - self._asked > ASK_S:
            while self._unpublished() > self._pace.outbox:
                time.sleep(0.2)
            self._asked = time.monotonic()

    def _unpublished(self) -> int:
        query = "SELECT count(*) FROM (SELECT FROM outbox LIMIT %s) waiting"
        row = self._unit.conn.execute(query, (self._pace.outbox + 1,)).fetchone()
        return int(row[0]) if row else 0

    def _refuse_beside_workers(self) -> None:
        name = f"{self._unit.spec.name} worker"
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s"
        row = self._unit.conn.execute(query, (name,)).fetchone()
        if row != (0,):
            raise Fatal(f"{name}s are connected to the database: stop them first")
