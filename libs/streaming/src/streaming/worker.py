"""The worker process: consumes the inbound topics and fires timers until SIGTERM.

Exit codes: 0 stopped as asked; 1 stopped because going on would lose or damage data, or because of a bug.
The reason is logged as `worker.stopped` with the message that says what to do.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import structlog
import uvloop

from streaming import metrics, resume
from streaming.broker import Broker, Partition, TopicInfo
from streaming.clock import TopicClock
from streaming.database import connector
from streaming.errors import Fatal, Infrastructure
from streaming.lanes import Lanes, Unit, backoff
from streaming.liveness import HealthServer, Liveness
from streaming.membership import InstanceLock
from streaming.progress import Position
from streaming.settings import PlatformSettings
from streaming.spec import Spec
from streaming.ticker import Ticker
from streaming.transport import ChunkApp, Fetching
from streaming.watchdog import Watchdog

log = structlog.get_logger()

START_LIMIT_S = 45.0
STOP_LIMIT_S = 20.0
WATCH_S = 2.0
CREATE_TOPICS = "python -m devstack topics"

S = TypeVar("S", bound=PlatformSettings, contravariant=True)


class Program(Protocol[S]):
    """What the worker needs of a service's program."""

    @property
    def database_url(self) -> Callable[[S], str]: ...
    @property
    def spec(self) -> Callable[[S], Spec]: ...
    def unit(self, settings: S, role: str) -> Unit: ...


def run_worker(program: Program[S], settings: S) -> None:
    """Run until SIGTERM or SIGINT. Raises SystemExit(1) after a fatal error."""
    liveness = Liveness(settings.stuck_after_s)
    server = HealthServer(settings.metrics_port, liveness)
    log.info("worker.starting", health_port=server.port)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            failure = runner.run(_Worker(program, settings, liveness).run())
    except (Fatal, Infrastructure) as error:
        failure = error
    finally:
        server.close()
    if failure is None:
        log.info("worker.stopped", reason="asked to")
        return
    log.critical("worker.stopped", reason=str(failure) or type(failure).__name__, error=type(failure).__name__)
    raise SystemExit(1)


class _Worker:
    def __init__(self, program: Program[Any], settings: PlatformSettings, liveness: Liveness) -> None:
        self._settings = settings
        self._liveness = liveness
        self._spec = program.spec(settings)
        self._broker = Broker(settings.kafka_bootstrap_servers)
        self._units = [program.unit(settings, "worker") for _ in range(settings.lanes)]
        self._timer_unit = program.unit(settings, "timers")
        self._lock = InstanceLock(
            connector(program.database_url(settings), f"{self._spec.name} instance"),
            self._spec.name,
            settings.instance_id,
            socket.gethostname(),
        )
        self._failure: BaseException | None = None

    async def run(self) -> BaseException | None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._stop.set)
        preparing = asyncio.create_task(self._prepare())
        await _first(preparing, self._stop.wait())
        if not preparing.done():
            preparing.cancel()
            return None
        await self._consume(preparing.result())
        return self._failure

    async def _prepare(self) -> dict[str, TopicInfo]:
        """Wait for the backends; refuse to start without the topics or under a name that is in use."""
        wanted = sorted(self._spec.topics)
        found: dict[str, TopicInfo] = await self._patiently("start", lambda: self._broker.topics(wanted))
        missing = [topic for topic in wanted if topic not in found]
        if missing:
            raise Fatal(f"topics are missing: {', '.join(missing)}; create them with `{CREATE_TOPICS}`")
        await self._patiently("start", self._lock.acquire)
        self._liveness.end("start")
        return found

    async def _patiently(self, step: str, question: Callable[[], Any]) -> Any:
        attempt = 0
        while True:
            try:
                return await asyncio.to_thread(question)
            except Infrastructure as error:
                self._liveness.waits(step, str(error))
                await asyncio.sleep(backoff(attempt))
                attempt += 1

    async def _consume(self, topics: Mapping[str, TopicInfo]) -> None:
        app = _make_app(self._spec.name, self._settings, _member(self._lock.name, topics))
        lanes = Lanes(
            self._spec,
            self._units,
            merge_cap=self._settings.merge_cap,
            liveness=self._liveness,
            confirm=lambda chunk: app.reader.confirm(chunk),
            fail=self._fail,
        )
        self._lanes = lanes
        app.pipeline = lanes
        app.fail = self._fail
        app.resume = self._resume
        for topic in self._spec.topics:
            _add_agent(app, topic, lanes)
        ticker = Ticker(self._timer_unit, self._liveness, self._fail_from_thread)
        clock = getattr(self._timer_unit, "clock", None)
        if isinstance(clock, TopicClock):
            clock.subscribe(ticker.wake)
        lanes.start()
        ticker.start()
        # Faust makes the consumer when it is first asked for, with the loop of whoever asks: a health check that came first
        # would make it in its own thread, and nothing would ever start.
        reader = app.reader
        self._liveness.add_check(reader.problem)
        watchdog = Watchdog(lambda: reader.problem() if reader.connected() else None)
        watchdog.start()
        running = asyncio.create_task(self._run_app(app))
        watching = asyncio.create_task(self._watch(app, lanes, watchdog))
        try:
            await _first(running, self._stop.wait())
        finally:
            watching.cancel()
            watchdog.stop()
            await self._shut_down(app, lanes, ticker, running)

    async def _run_app(self, app: ChunkApp) -> None:
        starting = _give_up_after(START_LIMIT_S, f"the consumer did not start within {START_LIMIT_S:g} s; start it again")
        await app.start()
        starting.cancel()
        self._liveness.started = True
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 50, 100)
        await app.wait_until_stopped()

    async def _shut_down(self, app: ChunkApp, lanes: Lanes, ticker: Ticker, running: asyncio.Task[None]) -> None:
        """Lanes first, then the group: what is in flight is committed while the partitions are still ours."""
        _give_up_after(STOP_LIMIT_S, f"did not stop within {STOP_LIMIT_S:g} s; what was in flight is rolled back")
        if running.done() and self._failure is None:
            self._failure = running.exception() or app.crash_reason or Fatal("the consumer stopped by itself")
        if self._failure is not None:
            log.error("worker.stopping", error=type(self._failure).__name__)
        try:
            app.consumer.stop_flow()
            await asyncio.to_thread(ticker.stop, STOP_LIMIT_S)
            await lanes.stop()
            if app.consumer.assignment():
                await app.consumer.commit()
            running.cancel()
            await app.stop()
        except Exception as error:
            log.warning("worker.stop_failed", error=type(error).__name__)
        self._lock.release()

    # -- where to read --------------------------------------------------------------------------------------------

    async def _resume(self, assigned: frozenset[Partition]) -> dict[Partition, int]:
        topics = await asyncio.to_thread(self._broker.topics, {topic for topic, _ in assigned})
        bounds = await asyncio.to_thread(self._broker.bounds, [place for place in assigned if place[0] in topics])
        while True:
            rows: dict[Partition, Position] = await self._lanes.call(lambda unit: unit.positions(self._spec.topics))
            found = resume.plan(self._spec.name, assigned, rows, topics, bounds)
            if not found.fresh:
                return dict(found.seek)
            starts = [(topic, part, found.seek[topic, part], topics[topic].topic_id) for topic, part in sorted(found.fresh)]
            await self._lanes.call(partial(_start_rows, starts))

    # -- watching -------------------------------------------------------------------------------------------------

    async def _watch(self, app: ChunkApp, lanes: Lanes, watchdog: Watchdog) -> None:
        while True:
            watchdog.beat()
            await asyncio.sleep(WATCH_S)
            if app.reader.connected():
                self._liveness.end("consumer")
            else:
                self._liveness.waits("consumer", "kafka: not connected")
            behind = dict.fromkeys(self._spec.topics, 0)
            for (topic, _), records in app.reader.lag().items():
                behind[topic] += records
            for topic, age in lanes.ages(time.time()).items():
                metrics.LAG_RECORDS.labels(topic).set(behind[topic])
                metrics.LAG_SECONDS.labels(topic).set(age)
            try:
                await asyncio.to_thread(self._lock.check)
                self._liveness.end("instance")
            except Infrastructure as error:
                self._liveness.waits("instance", str(error))
            except Fatal as error:
                self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if self._failure is None:
            self._failure = error
        self._stop.set()

    def _fail_from_thread(self, error: BaseException) -> None:
        self._loop.call_soon_threadsafe(self._fail, error)


def _start_rows(starts: Sequence[tuple[str, int, int, str]], unit: Unit) -> None:
    for topic, partition, offset, topic_id in starts:
        unit.start(topic, partition, offset, topic_id)


async def _first(task: asyncio.Task[Any], other: Any) -> None:
    waiting = asyncio.ensure_future(other)
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


def _give_up_after(seconds: float, reason: str) -> threading.Timer:
    """End the process unless it ends, or the timer is cancelled, before. From a thread: Faust swallows cancellations, and
    then waits for ever, sometimes for its other thread."""
    timer = threading.Timer(seconds, _give_up, [reason])
    timer.daemon = True
    timer.start()
    return timer


def _give_up(reason: str) -> None:
    log.critical("worker.stopped", reason=reason)
    sys.stdout.flush()
    os._exit(1)


def _member(name: str, topics: Mapping[str, TopicInfo]) -> str:
    """The static member's id: name and a digest of the topics and how many partitions each has.

    The broker hands a returning static member its old assignment without asking what it subscribes to now. A version
    that reads other topics, or one that starts after partitions were added, must come back as somebody else.
    """
    subscribed = " ".join(f"{topic}:{info.partitions}" for topic, info in sorted(topics.items()))
    return f"{name}-{hashlib.sha256(subscribed.encode()).hexdigest()[:8]}"


def _make_app(name: str, settings: PlatformSettings, instance: str) -> ChunkApp:
    session = settings.session_timeout_s
    app = ChunkApp(
        name,
        broker=[f"chunk://{server.strip()}" for server in settings.kafka_bootstrap_servers.split(",")],
        datadir=Path(tempfile.gettempdir()) / f"{name}-worker",
        store="memory://",
        autodiscover=False,
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        key_serializer="raw",
        value_serializer="raw",
        stream_wait_empty=False,
        stream_buffer_maxsize=16,
        agent_supervisor="mode.CrashingSupervisor",
        broker_commit_interval=1.0,
        broker_session_timeout=session,
        broker_heartbeat_interval=session / 3.5,
        broker_rebalance_timeout=session * 2,
        broker_request_timeout=40.0,
        broker_max_poll_records=None,
        consumer_max_fetch_size=settings.fetch_max_bytes,
        consumer_group_instance_id=instance,
        worker_redirect_stdouts=False,
    )
    app.fetching = Fetching(settings.fetch_max_wait_ms)
    return app


def _add_agent(app: ChunkApp, topic: str, lanes: Lanes) -> None:
    async def consume(stream: Any) -> None:
        async for chunk in stream:
            lanes.accept(chunk)
            app.reader.arrived(chunk)

    app.agent(app.topic(topic, key_serializer="raw", value_serializer="raw"), name=f"chunks.{topic}")(consume)
