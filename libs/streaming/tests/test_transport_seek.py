"""A fetch that was under way when the partitions changed hands loses nothing.

The consumer's thread serves a fetch and a seek at the same time: records taken after the seek by the older fetch would
be dropped, as of an older generation, and the next fetch would begin behind them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from faust.types import TP

from streaming import transport

PLACE = TP("t", 0)
RECORDS = 10
WAIT_S = 5


class Log:
    """A partition of ten records, and the position of the one consumer that reads it."""

    def __init__(self) -> None:
        self.position = 0
        self.fetching = asyncio.Event()
        self.arrived = asyncio.Event()

    async def getmany(self, wanted: set[TP], timeout: float) -> Any:  # noqa: ASYNC109 - Faust's signature
        self.fetching.set()
        await self.arrived.wait()
        offsets = range(self.position, RECORDS)
        self.position = RECORDS
        return {PLACE: [Fetched(offset) for offset in offsets]}, {PLACE: self.position}


class Fetched:
    """One record as aiokafka gives it."""

    def __init__(self, offset: int) -> None:
        self.topic, self.partition, self.offset = PLACE.topic, PLACE.partition, offset
        self.timestamp, self.key, self.value, self.headers = 0, b"k", b"v", ()


class Pipeline:
    """generation: the one whose chunks are taken; those of any other are dropped."""

    freed = asyncio.Event()
    generation = 0

    def room(self, partition: tuple[str, int]) -> bool:
        return True

    async def quiesce(self, generation: int) -> None:
        self.generation = generation


class App:
    pipeline = Pipeline()

    async def resume(self, assigned: frozenset[tuple[str, int]]) -> dict[tuple[str, int], int]:
        return dict.fromkeys(assigned, 0)

    def fail(self, error: BaseException) -> None:
        raise error


class Reader(transport.Consumer):
    """The consumer without Faust around it."""

    should_stop = False

    def __init__(self, log: Log) -> None:
        self.app, self._thread = App(), log  # type: ignore[assignment]
        self.generation, self.last_poll = 1, 0.0
        self._next, self._safe, self._underway, self._placed = {PLACE: 0}, {}, {}, True
        self._seeking, self._fetch = asyncio.Lock(), None
        self._committed_offset, self._read_offset = {}, {}

    def assignment(self) -> set[TP]:
        return {PLACE}

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        self._thread.position = partitions[PLACE]  # type: ignore[attr-defined]


def offsets(fetched: Mapping[TP, list[Any]]) -> list[int]:
    return [record.offset for chunks in fetched.values() for chunk in chunks for record in chunk.records]


@pytest.mark.parametrize("cancelled", [False, True], ids=["dropped", "cancelled"])
def test_what_an_older_fetch_brought_is_fetched_again(cancelled: bool) -> None:
    assert asyncio.run(read(cancelled)) == list(range(RECORDS))


async def read(cancelled: bool) -> list[int]:
    """Offsets delivered after a fetch was overtaken by a seek, or given up."""
    log = Log()
    reader = Reader(log)
    older = asyncio.create_task(reader._getmany({PLACE}, 1.0))
    await asyncio.wait_for(log.fetching.wait(), WAIT_S)
    if cancelled:
        older.cancel()
        log.arrived.set()
        with pytest.raises(asyncio.CancelledError):
            await older
    else:
        seeking = asyncio.create_task(reader._find_places())
        await asyncio.sleep(0)  # the seek has begun when the records arrive
        await asyncio.sleep(0)
        log.arrived.set()
        assert offsets(await asyncio.wait_for(older, WAIT_S)) == []
        await asyncio.wait_for(seeking, WAIT_S)
    seen: list[int] = []
    async with asyncio.timeout(WAIT_S):
        while len(seen) < RECORDS:
            seen += offsets(await reader._getmany({PLACE}, 1.0))
    return seen


def test_partitions_that_go_and_come_back_during_a_seek_are_read_in_a_generation_that_the_lanes_take() -> None:
    assert asyncio.run(revoked_meanwhile()) == (list(range(RECORDS)), True)


async def revoked_meanwhile() -> tuple[list[int], bool]:
    """Offsets read after a revocation in the middle of a seek; whether their chunks are of the lanes' generation."""
    log = Log()
    log.arrived.set()
    reader, app = Reader(log), Revoking()
    app.reader, reader.app = reader, app  # type: ignore[assignment]
    await asyncio.wait_for(reader._find_places(), WAIT_S)
    chunks = [chunk for found in (await reader._getmany({PLACE}, 1.0)).values() for chunk in found]
    return [record.offset for chunk in chunks for record in chunk.records], {c.generation for c in chunks} == {
        app.pipeline.generation
    }


class Revoking(App):
    """While the offset rows are asked for the first time, the partitions are revoked and assigned again."""

    reader: Reader
    asked = 0

    async def resume(self, assigned: frozenset[tuple[str, int]]) -> dict[tuple[str, int], int]:
        self.asked += 1
        if self.asked == 1:
            self.reader._placed = False
            self.reader.generation += 1
        return await super().resume(assigned)


def test_however_long_places_are_not_to_be_had_faust_is_not_kept_waiting_and_reading_goes_on() -> None:
    """Faust gives up for good, silently, when its hook takes longer than it allows."""
    assert asyncio.run(placed_late()) == list(range(RECORDS))


async def placed_late() -> list[int]:
    """Offsets read after an assignment while the database was away."""
    log = Log()
    log.arrived.set()
    reader, app = Reader(log), Away()
    reader.app = app  # type: ignore[assignment]
    await asyncio.wait_for(reader.perform_seek(), 0.5)
    reading = asyncio.create_task(reader._getmany({PLACE}, 1.0))
    await asyncio.sleep(0.2)
    assert not reading.done()
    app.back.set()
    await asyncio.wait_for(reading, WAIT_S)
    return offsets(await asyncio.wait_for(reader._getmany({PLACE}, 1.0), WAIT_S))


class Away(App):
    """Offset rows cannot be read before `back` is set."""

    def __init__(self) -> None:
        self.back = asyncio.Event()

    async def resume(self, assigned: frozenset[tuple[str, int]]) -> dict[tuple[str, int], int]:
        await self.back.wait()
        return await super().resume(assigned)
