"""Faust's transport `chunk://`: one event per fetched chunk of a partition instead of one per record.

Faust keeps the group membership and the worker's life cycle; where to read, what was lost and what is committed is
decided here, from the offset rows in the database. Faust's stream acknowledgements mean nothing: only `confirm`, after
the database commit, moves the offset that the commit timer sends to Kafka, and that is a hint for lag tools.

The methods overridden are private to faust-streaming 0.15.3: the version is pinned, a test compares the signatures.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

import faust
import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import IllegalStateError, NoOffsetForPartitionError, OffsetOutOfRangeError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from streaming.errors import Fatal, Gap, Infrastructure
from streaming.records import Chunk, Record

log = structlog.get_logger()

START_LIMIT_S = 60.0
JOIN_LIMIT_S = 60.0
"""After the consumer was made: longer than a start may take, as a broker that is away delays it."""
POLL_LIMIT_S = 60.0
DELIVERY_LIMIT_S = 30.0
"""Between fetch and lanes lie only queues in memory, and Faust drops what it takes for old: a chunk that is not there by
now never comes, and nothing would fetch it again."""
HELD_BACK_S = 0.02
"""While a partition waits for room in the lanes, look again this often; the others are fetched meanwhile."""


class Pipeline(Protocol):
    """What the consumer needs to know of the lanes behind it."""

    freed: asyncio.Event

    def room(self, partition: tuple[str, int]) -> bool: ...
    async def quiesce(self, generation: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Fetching:
    """How to fetch; Faust has no settings for these."""

    max_wait_ms: int = 25
    min_bytes: int = 65536


class ChunkApp(faust.App):
    """A Faust app that consumes by chunks.

    pipeline: where chunks go. resume: reads offset rows and log bounds, returns where to seek; raises Infrastructure
    (asked again), Gap, Fatal. fail: told what must stop the process.
    """

    pipeline: Pipeline
    fetching: Fetching
    resume: Callable[[frozenset[tuple[str, int]]], Any]
    fail: Callable[[BaseException], None]

    @property
    def reader(self) -> Consumer:
        """The consumer, as what it is."""
        return cast(Consumer, self.consumer)


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that owns aiokafka's consumer."""

    app: ChunkApp

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Made by whoever asks first: this thread and its parent would both ask while starting, and could get two queues,
        # of which only one is worked off.
        _ = self.method_queue

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        conf = self.app.conf
        fetching = self.app.fetching
        return AIOKafkaConsumer(
            client_id=conf.broker_client_id,
            group_id=conf.id,
            group_instance_id=conf.consumer_group_instance_id,
            bootstrap_servers=driver.server_list(transport.url, transport.default_port),
            partition_assignment_strategy=[RoundRobinPartitionAssignor],
            enable_auto_commit=False,
            auto_offset_reset="none",  # anything else silently jumps over records that were deleted
            isolation_level="read_committed",
            max_poll_records=conf.broker_max_poll_records,
            max_poll_interval_ms=int(conf.broker_max_poll_interval * 1000),
            max_partition_fetch_bytes=conf.consumer_max_fetch_size,
            fetch_min_bytes=fetching.min_bytes,
            fetch_max_wait_ms=fetching.max_wait_ms,
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            check_crcs=conf.broker_check_crcs,
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            metadata_max_age_ms=conf.consumer_metadata_max_age_ms,
            connections_max_idle_ms=conf.consumer_connections_max_idle_ms,
            **driver.credentials_to_aiokafka_auth(conf.broker_credentials, conf.ssl_context),
        )

    async def _fetch_records(
        self,
        consumer: AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109 - Faust's signature
        max_records: int | None = None,
    ) -> Any:
        """Also returns where each partition stands after the fetch; nothing awaits between the two."""
        records = await super()._fetch_records(consumer, active_partitions, timeout=timeout, max_records=max_records)
        assignment = consumer._subscription.subscription.assignment if consumer._subscription.subscription else None
        positions: dict[TP, int] = {}
        if assignment is not None and assignment.active:
            for tp in active_partitions:
                if tp in assignment.tps and assignment.state_value(tp).has_valid_position:
                    positions[tp] = assignment.state_value(tp).position
        return records, positions

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """A commit that fails is not worth the process: the offset row is what counts."""
        consumer = self._ensure_consumer()
        assigned = {driver.ensure_aiokafka_TP(tp): offset for tp, offset in offsets.items() if tp in self.assignment()}
        try:
            await consumer.commit(assigned)
        except Exception as error:
            log.warning("consumer.commit_skipped", error=type(error).__name__)
            return False
        return True


class Consumer(driver.Consumer):
    """Seeks by the offset rows, delivers chunks, commits what was confirmed."""

    app: ChunkApp
    _thread: ConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.generation = 0
        self.last_poll = time.monotonic()
        self._next: dict[TP, int] = {}
        self._safe: dict[TP, int] = {}
        self._underway: dict[TP, tuple[int, float]] = {}
        self._placed = False
        self._seeking = asyncio.Lock()
        self._fetch: asyncio.Future[Any] | None = None

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # -- where to read --------------------------------------------------------------------------------------------

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Faust subscribes as soon as the consumer's thread was asked to start; on a busy machine that is before it runs."""
        async with asyncio.timeout(START_LIMIT_S):
            while self._thread._consumer is None:  # noqa: ASYNC110 - Faust has no event for it
                await asyncio.sleep(0.02)
        await super().subscribe(topics)

    async def perform_seek(self) -> None:
        """Faust's hook after an assignment. The next fetch finds the places: Faust allows this hook a fixed time, and when
        that is over its recovery ends for good without a word, and nothing is fetched again."""
        self._placed = False
        self.generation += 1

    async def _find_places(self) -> None:
        """Wait for the lanes, then read on where the offset rows say, however long backends are away."""
        async with self._seeking:
            attempt = 0
            while not self.should_stop:
                self.last_poll = time.monotonic()  # waiting for a backend is not being stuck
                self.generation += 1
                mine, assigned = self.generation, frozenset(self.assignment())
                self._placed = False
                self._next.clear()
                self._safe.clear()
                self._underway.clear()
                try:
                    await self.app.pipeline.quiesce(self.generation)
                    points = await self.app.resume(frozenset((tp.topic, tp.partition) for tp in assigned))
                    await self._fetch_ended()
                    if mine != self.generation or assigned != self.assignment():
                        continue  # revoked meanwhile, even if the same partitions came back: the lanes wait for the next number
                    await self._place({tp: points[tp.topic, tp.partition] for tp in assigned})
                except (Infrastructure, IllegalStateError, TimeoutError) as error:
                    log.warning("consumer.seek_waits", error=str(error) or type(error).__name__)
                    await asyncio.sleep(min(0.1 * 2**attempt, 5.0))
                    attempt += 1
                    continue
                except Fatal as error:
                    self.app.fail(error)
                    return
                if mine == self.generation and assigned == self.assignment():
                    self._placed = True
                    log.info("consumer.assigned", partitions=len(assigned), generation=self.generation)
                    return

    async def _fetch_ended(self) -> None:
        """The thread serves a fetch and a seek at the same time. A fetch from before that ended after the seek would move
        the position, and its records, of an older generation, would be dropped: lost."""
        if self._fetch is not None:
            await asyncio.wait([self._fetch])

    async def _place(self, points: Mapping[TP, int]) -> None:
        if points:
            await self.seek_wait(points)
        for tp, offset in points.items():
            self._next[tp] = offset
            self._committed_offset[tp] = offset
            self._read_offset[tp] = offset or None

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        await super().on_partitions_revoked(revoked)
        self._placed = False
        self.generation += 1
        self._next.clear()
        self._safe.clear()
        self._underway.clear()

    # -- fetching -------------------------------------------------------------------------------------------------

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:  # noqa: ASYNC109 - Faust's signature
        self.last_poll = time.monotonic()
        if not self._placed:
            await self._find_places()
            return {}
        active = {tp for tp in active_partitions or () if tp in self._next}
        wanted = {tp for tp in active if self.app.pipeline.room((tp.topic, tp.partition))}
        if not wanted:
            await self._wait_for_room(timeout)
            return {}
        generation = self.generation
        self._fetch = asyncio.ensure_future(self._thread.getmany(wanted, timeout if wanted == active else HELD_BACK_S))
        try:
            fetched: Any = await asyncio.shield(self._fetch)
        except asyncio.CancelledError:
            self._placed = False  # nobody will see what it brings
            raise
        except OffsetOutOfRangeError as error:
            self.app.fail(Gap(f"the log no longer holds what is next: {_places(error)}; start again to be told what to do"))
            await asyncio.sleep(timeout)
            return {}
        except NoOffsetForPartitionError:  # the client looked before our seek reached it
            self._placed = False
            return {}
        if generation != self.generation:
            return {}
        records, positions = fetched
        return dict(self._chunks(records, positions))

    async def _wait_for_room(self, seconds: float) -> None:
        self.app.pipeline.freed.clear()
        try:
            await asyncio.wait_for(self.app.pipeline.freed.wait(), seconds)
        except TimeoutError:
            return

    def _chunks(self, records: Mapping[TP, list[Any]], positions: Mapping[TP, int]) -> Iterator[tuple[TP, list[Chunk]]]:
        """One chunk per partition that moved; without records if only control or aborted ones were passed over."""
        for tp, end in positions.items():
            begin = self._next.get(tp)
            if begin is None or end <= begin:
                continue
            self._next[tp] = end
            self._underway[tp] = (end, time.monotonic())
            made = [_record(record) for record in records.get(tp, ())]
            yield tp, [Chunk(tp.topic, tp.partition, begin, end, self.generation, made)]

    def _to_message(self, tp: TP, record: Chunk) -> ConsumerMessage:
        timestamp = record.records[-1].timestamp_ms / 1000 if record.records else 0.0
        value: Any = record  # the `raw` serializer hands it through as it is
        return ConsumerMessage(
            record.topic, record.partition, record.end - 1, timestamp, 0, None, None, value, None, 0, 0, tp,
            generation_id=self.app.consumer_generation_id,
        )  # fmt: skip

    def arrived(self, chunk: Chunk) -> None:
        """The lanes have the chunk."""
        tp = TP(chunk.topic, chunk.partition)
        end, _ = self._underway.get(tp, (None, 0.0))
        if end == chunk.end and chunk.generation == self.generation:
            del self._underway[tp]

    # -- acknowledging --------------------------------------------------------------------------------------------

    def ack(self, message: Any) -> bool:
        """The stream is done with the chunk, which says nothing about the database."""
        message.acked = True
        self._unacked_messages.discard(message)
        waiting = self._waiting_for_ack
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
        return False

    def confirm(self, chunk: Chunk) -> None:
        """The chunk is in the database: its end may be committed to Kafka."""
        tp = TP(chunk.topic, chunk.partition)
        if tp in self._next:
            self._safe[tp] = max(self._safe.get(tp, 0), chunk.end)

    def _filter_tps_with_pending_acks(self, topics: Iterable[Any] | None = None) -> Iterator[TP]:
        return (tp for tp in list(self._safe) if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        return self._safe.get(tp)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Offsets jump where Kafka compacted or keeps transaction markers: no gap."""

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's own stall detector counts stream events; liveness does this here."""

    # -- what health asks -----------------------------------------------------------------------------------------

    def problem(self) -> str | None:
        """Why a restart would help: the membership task is gone, or nothing is fetched although partitions are ours."""
        coordinator = getattr(self._thread._consumer, "_coordinator", None)
        task = getattr(coordinator, "_coordination_task", None)
        silent = time.monotonic() - self.last_poll
        if task is None:
            return f"the consumer has not joined its group for {silent:.0f} s" if silent > JOIN_LIMIT_S else None
        if task.done():
            return "the consumer's group membership has ended"
        fetcher = getattr(getattr(self._thread._consumer, "_fetcher", None), "_fetch_task", None)
        if fetcher is not None and fetcher.done():
            return "the consumer's fetching has ended"
        lost = max((time.monotonic() - since for _, since in list(self._underway.values())), default=0.0)
        if lost > DELIVERY_LIMIT_S:
            return f"what was fetched {lost:.0f} s ago has not come through ({self._state()})"
        if silent > POLL_LIMIT_S and (self.assignment() or self.app.rebalancing):
            return f"the consumer has not fetched for {silent:.0f} s ({self._state()})"
        return None

    def _state(self) -> str:
        """Where it may hang, for the log."""
        app = self.app
        return (
            f"placed={self._placed} generation={self.generation} group={app.consumer_generation_id} flow={self.flow_active}"
            f" streams={app.flow_control.is_active()} assigned={len(self.assignment())} read={len(self._next)}"
            f" paused={len(self._paused_partitions)} rebalancing={app.rebalancing}"
        )

    def connected(self) -> bool:
        """Whether any connection to the broker stands."""
        client = getattr(self._thread._consumer, "_client", None)
        return client is None or any(connection.connected() for connection in list(client._conns.values()))

    def lag(self) -> dict[tuple[str, int], int]:
        """Records between what was confirmed and the end of the log, as far as fetches have shown."""
        found: dict[tuple[str, int], int] = {}
        for tp in list(self._next):
            end = self.highwater(tp)
            if end is not None:
                found[tp.topic, tp.partition] = max(0, end - (self._safe.get(tp) or self._committed_offset[tp] or 0))
        return found


def _record(record: Any) -> Record:
    return Record(
        record.topic,
        record.partition,
        record.offset,
        record.timestamp,
        record.key,
        record.value,
        tuple([(name, value or b"") for name, value in record.headers]) if record.headers else (),
    )


def _places(error: OffsetOutOfRangeError) -> str:
    offsets = error.args[0] if error.args and isinstance(error.args[0], Mapping) else {}
    return ", ".join(f"{tp.topic}[{tp.partition}] at {offset}" for tp, offset in sorted(offsets.items())) or "unknown partition"


class Transport(driver.Transport):
    """The `faust.transports` entry point."""

    Consumer = Consumer
    driver_version = "chunk"
