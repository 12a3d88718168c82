"""Lanes keep each partition's order, merge up to the cap, back off, and drop what an older assignment fetched."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Sequence
from itertools import chain, pairwise
from typing import Any

import psycopg
import pytest
from toy import Numbers

from streaming.errors import Gap, Infrastructure
from streaming.lanes import BACKOFF_S, Lanes, backoff, split
from streaming.liveness import Liveness
from streaming.progress import Partition, Position
from streaming.records import Bad, Cause, Chunk, Item, Prepared, PreparedChunk, Record
from streaming.spec import Kind, Spec


def record(offset: int, partition: int = 0, value: bytes = b"ok") -> Record:
    return Record("t", partition, offset, 0, None, value)


def chunk(begin: int, end: int, partition: int = 0, generation: int = 1, value: bytes = b"ok") -> Chunk:
    return Chunk("t", partition, begin, end, generation, [record(offset, partition, value) for offset in range(begin, end)])


def prepare(records: Sequence[Record]) -> list[Prepared]:
    if any(record.value == b"bug" for record in records):
        raise ZeroDivisionError
    return [Item(record, Cause("c", "c"), (("claim", "k"),), None) for record in records]


class Database:
    """Stands where the database is: remembers what was applied; `gate` holds transactions, `errors` come first."""

    def __init__(self) -> None:
        self.applied: list[list[PreparedChunk]] = []
        self.threads: set[str] = set()
        self.errors: list[Exception] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    def apply(self, prepared: Sequence[PreparedChunk]) -> object:
        self.entered.set()
        self.threads.add(threading.current_thread().name)
        self.gate.wait(10)
        if self.errors:
            raise self.errors.pop(0)
        self.applied.append(list(prepared))
        return None

    def ranges(self) -> list[list[tuple[int, int]]]:
        return [[(item.chunk.begin, item.chunk.end) for item in batch] for batch in self.applied]

    def positions(self, topics: Iterable[str]) -> dict[Partition, Position]:
        return {}

    def start(self, topic: str, partition: int, offset: int, topic_id: str) -> None: ...

    def fire_due(self, limit: int = 500) -> int:
        return 0

    def close(self) -> None: ...


class Bench:
    def __init__(self, lanes: int = 1, cap: int = 100) -> None:
        self.databases = [Database() for _ in range(lanes)]
        self.database = self.databases[0]
        self.confirmed: list[tuple[int, int]] = []
        self.failures: list[BaseException] = []
        self.liveness = Liveness(0.05)
        self.liveness.started = True
        spec = Spec("toy", (Kind("claim", Numbers),), {"t": prepare}, lambda work, item: None, lambda work, due: None)
        self.lanes = Lanes(
            spec,
            self.databases,
            merge_cap=cap,
            liveness=self.liveness,
            confirm=lambda chunk: self.confirmed.append((chunk.begin, chunk.end)),
            fail=self.failures.append,
        )

    async def until(self, condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110 - polls plain attributes
                await asyncio.sleep(0.002)


def run(scenario: Callable[[Bench], Coroutine[Any, Any, None]], **bench: int) -> Bench:
    made = Bench(**bench)

    async def play() -> None:
        await made.lanes.quiesce(1)
        made.lanes.start()
        try:
            await scenario(made)
        finally:
            for database in made.databases:
                database.gate.set()
            await made.lanes.stop()

    asyncio.run(play())
    return made


def test_chunks_of_a_partition_are_applied_in_order_and_confirmed_after_it() -> None:
    async def scenario(bench: Bench) -> None:
        for begin in range(0, 50, 10):
            bench.lanes.accept(chunk(begin, begin + 10))
        await bench.until(lambda: len(bench.confirmed) == 5)

    bench = run(scenario)
    assert list(chain(*bench.database.ranges())) == [(begin, begin + 10) for begin in range(0, 50, 10)]
    assert bench.confirmed == [(begin, begin + 10) for begin in range(0, 50, 10)]
    assert bench.failures == []


def test_what_waits_is_merged_up_to_the_cap_into_one_transaction() -> None:
    async def scenario(bench: Bench) -> None:
        bench.database.gate.clear()
        bench.lanes.accept(chunk(0, 10))
        await bench.until(bench.database.entered.is_set)
        for partition in range(1, 6):
            bench.lanes.accept(chunk(0, 40, partition))
        await asyncio.sleep(0.05)
        bench.database.gate.set()
        await bench.until(lambda: len(bench.confirmed) == 6)

    assert [len(batch) for batch in run(scenario, cap=100).database.applied] == [1, 2, 2, 1]


def test_each_partition_has_one_lane_and_each_lane_one_thread() -> None:
    async def scenario(bench: Bench) -> None:
        for begin in range(0, 30, 10):
            for partition in range(4):
                bench.lanes.accept(chunk(begin, begin + 10, partition))
        await bench.until(lambda: len(bench.confirmed) == 12)

    bench = run(scenario, lanes=2)
    for number, database in enumerate(bench.databases):
        assert {item.chunk.partition % 2 for batch in database.applied for item in batch} == {number}
        assert len(database.threads) == 1


@pytest.mark.parametrize(("size", "cap", "sizes"), [(10, 10, [10]), (10, 4, [4, 4, 2]), (0, 4, [0]), (5, 1, [1] * 5)])
def test_a_chunk_larger_than_the_cap_is_split_without_losing_an_offset(size: int, cap: int, sizes: list[int]) -> None:
    whole = Chunk("t", 0, 100, 200, 1, [record(100 + 7 * n) for n in range(size)])
    pieces = split(whole, cap)
    assert [len(piece.records) for piece in pieces] == sizes
    assert (pieces[0].begin, pieces[-1].end) == (100, 200)
    assert all(left.end == right.begin for left, right in pairwise(pieces))
    assert all(piece.begin <= one.offset < piece.end for piece in pieces for one in piece.records)


def test_a_backend_that_is_away_is_waited_for_with_the_same_chunks() -> None:
    async def scenario(bench: Bench) -> None:
        bench.database.errors = [Infrastructure("database: away")] * 2
        bench.lanes.accept(chunk(0, 10))
        await bench.until(bench.liveness.waiting)
        assert "lane-0: database: away" in bench.liveness.waiting()
        await bench.until(lambda: bench.confirmed)

    bench = run(scenario)
    assert bench.database.ranges() == [[(0, 10)]]
    assert bench.failures == []


def test_a_lane_that_only_meets_locks_is_stuck_and_one_whose_database_is_away_is_not() -> None:
    contended = Infrastructure("database: LockNotAvailable")
    contended.__cause__ = psycopg.errors.LockNotAvailable()

    async def locks(bench: Bench) -> None:
        bench.database.errors = [contended] * 1000
        bench.lanes.accept(chunk(0, 10))
        await bench.until(bench.liveness.stuck)

    async def outage(bench: Bench) -> None:
        bench.database.errors = [Infrastructure("database: away")] * 1000
        bench.lanes.accept(chunk(0, 10))
        await bench.until(bench.liveness.waiting)
        await asyncio.sleep(0.2)
        assert bench.liveness.stuck() == []

    run(locks)
    run(outage)


def test_steps_of_backing_off_rise_to_a_cap() -> None:
    steps = [backoff(attempt) for attempt in range(20)]
    assert steps == sorted(steps)
    assert steps[-1] == BACKOFF_S[-1] == 5.0


def test_chunks_of_an_older_assignment_are_dropped_and_the_one_in_flight_is_waited_for() -> None:
    async def scenario(bench: Bench) -> None:
        bench.database.gate.clear()
        bench.lanes.accept(chunk(0, 10))
        await bench.until(bench.database.entered.is_set)
        bench.lanes.accept(chunk(10, 20))
        quiet = asyncio.create_task(bench.lanes.quiesce(2))
        await asyncio.sleep(0.05)
        assert not quiet.done()
        bench.database.gate.set()
        await quiet
        bench.lanes.accept(chunk(20, 30))
        bench.lanes.accept(chunk(10, 20, generation=2))
        await bench.until(lambda: len(bench.confirmed) == 2)

    assert list(chain(*run(scenario).database.ranges())) == [(0, 10), (10, 20)]


def test_a_bug_in_prepare_costs_one_record_and_not_its_neighbours() -> None:
    mixed = Chunk("t", 0, 0, 3, 1, [record(0), record(1, value=b"bug"), record(2)])

    async def scenario(bench: Bench) -> None:
        bench.lanes.accept(mixed)
        await bench.until(lambda: bench.confirmed)

    entries = run(scenario).database.applied[0][0].entries
    assert [type(entry) for entry in entries] == [Item, Bad, Item]
    assert entries[1].record.value == b"bug"


def test_a_gap_stops_the_process() -> None:
    async def scenario(bench: Bench) -> None:
        bench.database.errors = [Gap("records are missing")]
        bench.lanes.accept(chunk(0, 10))
        await bench.until(lambda: bench.failures)

    bench = run(scenario)
    assert [str(failure) for failure in bench.failures] == ["records are missing"]
    assert bench.confirmed == []


def test_a_partition_is_not_fetched_further_while_two_of_its_chunks_wait() -> None:
    async def scenario(bench: Bench) -> None:
        bench.database.gate.clear()
        for begin in range(0, 120, 10):
            bench.lanes.accept(chunk(begin, begin + 10))
        await asyncio.sleep(0.02)
        assert not bench.lanes.room(("t", 0))
        assert bench.lanes.room(("t", 1))
        bench.database.gate.set()
        await bench.until(lambda: bench.lanes.room(("t", 0)))

    run(scenario)


def test_the_age_of_the_oldest_record_in_work_is_known() -> None:
    async def scenario(bench: Bench) -> None:
        bench.database.gate.clear()
        bench.lanes.accept(chunk(0, 10))
        await bench.until(bench.database.entered.is_set)
        assert bench.lanes.ages(12.5) == {"t": 12.5}
        bench.database.gate.set()
        await bench.until(lambda: bench.confirmed)
        assert bench.lanes.ages(12.5) == {"t": 0.0}

    run(scenario)
