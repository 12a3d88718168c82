"""The clock port: the wall, or the platform's clock topic, so that a demo plays months in minutes.

The only module that asks the machine for the time of day. Instants are aware datetimes in UTC.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

import msgspec
import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from contracts.clock import ClockAdvanced
from contracts.topics import PLATFORM_CLOCK
from streaming.errors import Fatal, Infrastructure

log = structlog.get_logger()

POLL_S = 0.5
PUBLISH_TIMEOUT_S = 10.0
FIRST_VALUE_S = 60.0
SILENCE_S = 5.0
"""After so long without a value, ask where the topic ends."""

_decoder = msgspec.json.Decoder(ClockAdvanced)


class Clock(Protocol):
    """What everything asks for the time."""

    def now(self) -> datetime:
        """The platform's present instant, UTC."""


class WallClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the clock port


class TopicClock:
    """The latest value of the clock topic, kept up to date by a background thread.

    It reads without a group, from the last record, and never falls. `now` raises Infrastructure before the first value.
    Use as a context manager, or call `start` and `close`.
    """

    def __init__(self, bootstrap_servers: str, topic: str = PLATFORM_CLOCK) -> None:
        self._bootstrap = bootstrap_servers
        self._topic = topic
        self._now: datetime | None = None
        self._changed = threading.Condition()
        self._callbacks: list[Callable[[datetime], None]] = []
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="clock", daemon=True)

    def start(self) -> TopicClock:
        """Begin to follow the topic."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop following; the last value stays."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def __enter__(self) -> TopicClock:
        return self.start()

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def now(self) -> datetime:
        """The latest instant of the topic."""
        if self._now is None:
            raise Infrastructure(f"clock: no value on {self._topic} yet")
        return self._now

    def wait_first(self, timeout: float) -> datetime:
        """The first value, within `timeout` seconds. Raises Fatal with what to do when there is none."""
        with self._changed:
            self._changed.wait_for(lambda: self._now is not None, timeout)
        if self._now is None:
            raise Fatal(
                f"PLATFORM_CLOCK=topic, but {self._topic} gave no value within {timeout:g} s: "
                "create the topic and publish a ClockAdvanced, or use PLATFORM_CLOCK=wall"
            )
        return self._now

    def subscribe(self, callback: Callable[[datetime], None]) -> None:
        """Call `callback(now)` after every advance, from the clock's thread: set an event there, nothing slow."""
        self._callbacks.append(callback)

    def _follow(self) -> None:
        while not self._closing.is_set():
            consumer = Consumer(
                {
                    "bootstrap.servers": self._bootstrap,
                    "group.id": "clock-reader",  # never joined or committed to: the client insists on a name
                    "enable.auto.commit": False,
                    "enable.partition.eof": False,
                    "auto.offset.reset": "latest",
                    "fetch.wait.max.ms": 500,
                    "reconnect.backoff.max.ms": 1000,
                }
            )
            try:
                self._listen(consumer)
            finally:
                consumer.close()

    def _listen(self, consumer: Consumer) -> None:
        """Follow with this client. Returns when it missed something or hears of no end: after a broker's restart a client can be
        left with a position behind which it never looks, or without a connection that it would ever make again."""
        end = self._end(consumer)
        if end is None:
            self._closing.wait(0.2)
            return
        begin = max(0, end - 1)
        consumer.assign([TopicPartition(self._topic, 0, begin)])
        following, heard = begin, time.monotonic()
        while not self._closing.is_set():
            message = consumer.poll(POLL_S)
            self._take(message)
            if message is not None and message.error() is None:
                following, heard = int(message.offset() or 0) + 1, time.monotonic()
            elif time.monotonic() - heard > SILENCE_S:
                end = self._end(consumer)
                if end is None or end > following:
                    log.warning("clock.behind", offset=following, end=end)
                    return
                heard = time.monotonic()

    def _end(self, consumer: Consumer) -> int | None:
        """Where the next record will be; None while the broker does not say."""
        try:
            _, high = consumer.get_watermark_offsets(TopicPartition(self._topic, 0), timeout=5.0)
        except KafkaException as error:
            log.warning("clock.waits", error=error.args[0].name())
            return None
        return int(high)

    def _take(self, message: Any) -> None:
        if message is None:
            return
        error = message.error()
        if error is not None:
            if error.code() != KafkaError._PARTITION_EOF:
                log.warning("clock.waits", error=error.name())
            return
        try:
            now = _decoder.decode(message.value() or b"").now
        except (msgspec.DecodeError, msgspec.ValidationError):
            log.error("clock.unreadable", offset=message.offset())
            return
        with self._changed:
            if now.tzinfo is None or (self._now is not None and now <= self._now):
                return
            self._now = now.astimezone(UTC)
            self._changed.notify_all()
        for callback in self._callbacks:
            callback(self._now)


class ClockSettings(Protocol):
    """The part of the settings that chooses the clock."""

    @property
    def environment(self) -> str: ...
    @property
    def platform_clock(self) -> str: ...
    @property
    def kafka_bootstrap_servers(self) -> str: ...


def make_clock(settings: ClockSettings) -> Clock:
    """The clock a process was set to use. The topic is followed once per process, however often this is called.

    Raises Fatal for the clock topic in production, or when the topic stays silent for a minute.
    """
    if settings.platform_clock == "wall":
        return WallClock()
    if settings.environment == "production":
        raise Fatal("PLATFORM_CLOCK=topic is for local use and tests; production runs on the wall clock")
    clock = _shared(settings.kafka_bootstrap_servers)
    clock.wait_first(FIRST_VALUE_S)
    return clock


@cache
def _shared(bootstrap_servers: str) -> TopicClock:
    return TopicClock(bootstrap_servers).start()


@cache
def _producer(bootstrap_servers: str) -> Producer:
    return Producer(
        {
            "bootstrap.servers": bootstrap_servers,
            "enable.idempotence": True,
            "linger.ms": 0,
            "log_level": 2,  # a broker that went away after the play is no news
            "error_cb": lambda error: log.debug("clock.kafka", error=error.name()),
        }
    )


def advance(bootstrap_servers: str, now: datetime, topic: str = PLATFORM_CLOCK) -> None:
    """Publish ClockAdvanced and wait until the broker has it. Raises Infrastructure."""
    if now.tzinfo is None:
        raise ValueError("the platform's clock needs an aware instant")
    failed: list[str] = []
    producer = _producer(bootstrap_servers)
    value = msgspec.json.encode(ClockAdvanced(now=now.astimezone(UTC)))
    producer.produce(topic, value=value, partition=0, on_delivery=lambda error, _: failed.append(error.name()) if error else None)
    if producer.flush(PUBLISH_TIMEOUT_S) or failed:
        raise Infrastructure(f"clock: not published ({', '.join(failed) or 'timed out'})")
