"""Lanes: from fetched chunk to committed transaction, in order per partition.

    accept(chunk) → prepare, one ordered task per partition → lane[partition % L], a bounded queue
                  → merge up to a cap → one transaction in the lane's own thread → confirm

Everything but `prepare` and the transaction runs on the event loop, so nothing here needs a lock. A chunk of an older
generation (fetched before the last rebalance) is dropped: its records are fetched again from the offset row.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

import structlog

from streaming.errors import Fatal, Infrastructure
from streaming.liveness import Liveness
from streaming.progress import Partition, Position
from streaming.records import Bad, Chunk, Prepared, PreparedChunk, Record
from streaming.spec import Spec

log = structlog.get_logger()

T = TypeVar("T")

LANE_QUEUE = 8
PIPE_CHUNKS = 2
PREPARE_THREADS = 2
BACKOFF_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
CONTENTION = ("55P03", "40P01")
"""Lock not had, deadlock: somebody else's transaction, not an outage. A lane that meets nothing else is stuck."""


class Unit(Protocol):
    """The part of the unit of work that consumption uses; one instance per thread."""

    def apply(self, prepared: Sequence[PreparedChunk]) -> object: ...
    def positions(self, topics: Iterable[str]) -> dict[Partition, Position]: ...
    def start(self, topic: str, partition: int, offset: int, topic_id: str) -> None: ...
    def fire_due(self, limit: int = 500) -> int: ...
    def close(self) -> None: ...


def backoff(attempt: int) -> float:
    """Seconds to wait after the n-th failure (0 is the first): capped steps, no jitter."""
    return BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)]


def split(chunk: Chunk, cap: int) -> list[Chunk]:
    """The chunk in pieces of at most `cap` records; together they cover [begin, end)."""
    records = chunk.records
    if len(records) <= cap:
        return [chunk]
    pieces: list[Chunk] = []
    begin = chunk.begin
    for at in range(0, len(records), cap):
        end = records[at + cap].offset if at + cap < len(records) else chunk.end
        pieces.append(Chunk(chunk.topic, chunk.partition, begin, end, chunk.generation, records[at : at + cap]))
        begin = end
    return pieces


class Lane:
    """A bounded queue of prepared chunks, one thread, one connection."""

    def __init__(self, number: int, unit: Unit, cap: int) -> None:
        self.name = f"lane-{number}"
        self.unit = unit
        self.executor = ThreadPoolExecutor(1, thread_name_prefix=self.name)
        self.queue: asyncio.Queue[PreparedChunk] = asyncio.Queue(LANE_QUEUE)
        self.idle = asyncio.Event()
        self.idle.set()
        self._cap = cap
        self._carried: PreparedChunk | None = None

    async def take(self) -> list[PreparedChunk]:
        """Wait for a chunk, then add what else is queued, up to the cap."""
        first = self._carried or await self.queue.get()
        self._carried = None
        batch, size = [first], len(first.entries)
        while not self.queue.empty():
            item = self.queue.get_nowait()
            size += len(item.entries)
            if size > self._cap:
                self._carried = item
                break
            batch.append(item)
        return batch

    def clear(self) -> None:
        """Forget what is queued."""
        self._carried = None
        while not self.queue.empty():
            self.queue.get_nowait()


class Pipe:
    """The ordered way of one partition to its lane: at most PIPE_CHUNKS fetched chunks wait or are prepared."""

    def __init__(self) -> None:
        self.waiting: deque[Chunk] = deque()
        self.open = 0
        self.task: asyncio.Task[None] | None = None


class Lanes:
    """All lanes of a worker. confirm: told of every chunk that is committed. fail: told of what must stop the process."""

    def __init__(
        self,
        spec: Spec,
        units: Sequence[Unit],
        *,
        merge_cap: int,
        liveness: Liveness,
        confirm: Callable[[Chunk], None],
        fail: Callable[[BaseException], None],
    ) -> None:
        self._spec = spec
        self._cap = merge_cap
        self._liveness = liveness
        self._confirm = confirm
        self._fail = fail
        self._lanes = [Lane(number, unit, merge_cap) for number, unit in enumerate(units)]
        self._pools = {topic: ThreadPoolExecutor(PREPARE_THREADS, thread_name_prefix=f"prepare-{topic}") for topic in spec.topics}
        self._pipes: dict[Partition, Pipe] = {}
        self._unconfirmed: dict[Partition, deque[tuple[int, int | None]]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._generation = 0
        self._closing = False
        self.freed = asyncio.Event()

    def start(self) -> None:
        """Begin to work; call on the event loop."""
        self._tasks = [asyncio.create_task(self._guard(self._run, lane), name=lane.name) for lane in self._lanes]

    # -- intake ---------------------------------------------------------------------------------------------------

    def room(self, partition: Partition) -> bool:
        """Whether another chunk of this partition may be fetched."""
        pipe = self._pipes.get(partition)
        return pipe is None or pipe.open < PIPE_CHUNKS

    def accept(self, chunk: Chunk) -> None:
        """Take a fetched chunk; never waits."""
        if chunk.generation != self._generation or self._closing:
            return
        partition = (chunk.topic, chunk.partition)
        pipe = self._pipes.setdefault(partition, Pipe())
        pipe.waiting.append(chunk)
        pipe.open += 1
        self._unconfirmed.setdefault(partition, deque()).append(
            (chunk.end, chunk.records[0].timestamp_ms if chunk.records else None)
        )
        if pipe.task is None or pipe.task.done():
            pipe.task = asyncio.create_task(self._guard(self._drain, pipe), name=f"prepare-{chunk.topic}-{chunk.partition}")

    async def _drain(self, pipe: Pipe) -> None:
        while pipe.waiting:
            chunk = pipe.waiting.popleft()
            lane = self._lanes[chunk.partition % len(self._lanes)]
            for piece in split(chunk, self._cap):
                entries = await self._prepare(piece)
                if piece.generation == self._generation:
                    await lane.queue.put(PreparedChunk(piece, entries))
            pipe.open -= 1
            self.freed.set()

    async def _prepare(self, chunk: Chunk) -> Sequence[Prepared]:
        if not chunk.records:
            return ()
        loop = asyncio.get_running_loop()
        step = f"prepare {chunk.topic}[{chunk.partition}]"
        attempt = 0
        try:
            while True:
                self._liveness.begin(step)
                try:
                    return await loop.run_in_executor(self._pools[chunk.topic], self._prepare_records, chunk)
                except Infrastructure as error:
                    self._liveness.waits(step, str(error))
                    await asyncio.sleep(backoff(attempt))
                    attempt += 1
        finally:
            self._liveness.end(step)

    def _prepare_records(self, chunk: Chunk) -> Sequence[Prepared]:
        prepare = self._spec.topics[chunk.topic]
        try:
            entries = prepare(chunk.records)
        except (Infrastructure, Fatal):
            raise
        except Exception as error:  # a bug on one record must not stop its neighbours: find it
            log.error(
                "prepare.failed", topic=chunk.topic, partition=chunk.partition, begin=chunk.begin, error=type(error).__name__
            )
            entries = [entry for record in chunk.records for entry in _one(prepare, record)]
        if len(entries) != len(chunk.records):
            raise Fatal(f"prepare of {chunk.topic} returned {len(entries)} entries for {len(chunk.records)} records")
        return entries

    # -- transactions ---------------------------------------------------------------------------------------------

    async def _run(self, lane: Lane) -> None:
        loop = asyncio.get_running_loop()
        while True:
            batch = await lane.take()
            attempt = 0
            contended = False
            while batch := [item for item in batch if item.chunk.generation == self._generation]:
                if not contended:
                    self._liveness.begin(lane.name)
                lane.idle.clear()
                try:
                    await loop.run_in_executor(lane.executor, lane.unit.apply, batch)
                except Infrastructure as error:
                    contended = getattr(error.__cause__, "sqlstate", None) in CONTENTION
                    if not contended:
                        self._liveness.waits(lane.name, str(error))
                    log.warning("lane.waits", lane=lane.name, reason=str(error), attempt=attempt)
                    lane.idle.set()
                    await asyncio.sleep(backoff(attempt))
                    attempt += 1
                    continue
                finally:
                    lane.idle.set()
                for item in batch:
                    self._done(item.chunk)
                break
            self._liveness.end(lane.name)

    def _done(self, chunk: Chunk) -> None:
        self._confirm(chunk)
        unconfirmed = self._unconfirmed.get((chunk.topic, chunk.partition))
        while unconfirmed and unconfirmed[0][0] <= chunk.end:
            unconfirmed.popleft()

    def ages(self, now: float) -> dict[str, float]:
        """Seconds since the oldest fetched and not yet committed record of each topic was written; `now`: epoch seconds."""
        ages = dict.fromkeys(self._spec.topics, 0.0)
        for (topic, _), unconfirmed in self._unconfirmed.items():
            oldest = next((ms for _, ms in unconfirmed if ms is not None), None)
            if oldest is not None:
                ages[topic] = max(ages[topic], now - oldest / 1000)
        return ages

    async def quiesce(self, generation: int) -> None:
        """Drop everything older than `generation` and wait until no transaction is in flight."""
        self._generation = generation
        for pipe in self._pipes.values():
            if pipe.task is not None:
                pipe.task.cancel()
        self._pipes.clear()
        self._unconfirmed.clear()
        for lane in self._lanes:
            lane.clear()
        for lane in self._lanes:
            await lane.idle.wait()
        self.freed.set()

    async def call(self, question: Callable[[Unit], Any]) -> Any:
        """Ask the first lane's unit of work something, in its thread; only while quiet."""
        lane = self._lanes[0]
        return await asyncio.get_running_loop().run_in_executor(lane.executor, question, lane.unit)

    async def stop(self) -> None:
        """Finish the transactions in flight, drop the rest, close the connections. Before leaving the group."""
        self._closing = True
        await self.quiesce(self._generation + 1_000_000)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for lane in self._lanes:
            lane.executor.submit(lane.unit.close)
            lane.executor.shutdown(wait=True)
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)

    async def _guard(self, work: Callable[[T], Awaitable[None]], subject: T) -> None:
        try:
            await work(subject)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # anything else ends the process: a lane that is gone must not go unnoticed
            self._fail(error)


def _one(prepare: Callable[[Sequence[Record]], Sequence[Prepared]], record: Record) -> Sequence[Prepared]:
    try:
        return prepare([record])
    except (Infrastructure, Fatal):
        raise
    except Exception:  # the record that the bug is about: kept with its bytes, replayed when the bug is mended
        return [Bad(record, "prepare_failed")]
