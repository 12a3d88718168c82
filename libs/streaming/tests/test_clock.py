"""The platform's clock: the wall, or the clock topic, which starts at its last record and never falls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer
from rig import Rig, until

from streaming import clock
from streaming.clock import TopicClock, WallClock, make_clock
from streaming.errors import Fatal, Infrastructure

DAY = datetime(2026, 4, 6, 8, tzinfo=UTC)


@pytest.fixture
def topic(rig: Rig) -> str:
    return rig.create(f"{rig.prefix}.clock", 1)


@pytest.fixture
def follow(rig: Rig, topic: str) -> Iterator[Callable[[], TopicClock]]:
    made: list[TopicClock] = []

    def start() -> TopicClock:
        made.append(TopicClock(rig.bootstrap, topic).start())
        return made[-1]

    yield start
    for one in made:
        one.close()


@dataclass(frozen=True)
class Chosen:
    environment: str
    platform_clock: str
    kafka_bootstrap_servers: str = "127.0.0.1:1"


def test_the_wall_clock_is_aware_and_in_utc() -> None:
    before = WallClock().now()
    assert before.tzinfo is UTC
    assert timedelta(0) <= WallClock().now() - before < timedelta(seconds=5)


def test_production_refuses_the_clock_topic() -> None:
    with pytest.raises(Fatal, match="production runs on the wall clock"):
        make_clock(Chosen("production", "topic"))
    assert isinstance(make_clock(Chosen("production", "wall")), WallClock)


def test_a_silent_clock_topic_is_said_and_not_waited_for_for_ever(follow: Callable[[], TopicClock]) -> None:
    silent = follow()
    with pytest.raises(Infrastructure, match="no value"):
        silent.now()
    with pytest.raises(Fatal, match=r"create the topic and publish a ClockAdvanced, or use PLATFORM_CLOCK=wall"):
        silent.wait_first(0.3)


def test_it_starts_at_the_last_record_and_follows(rig: Rig, topic: str, follow: Callable[[], TopicClock]) -> None:
    for days in range(3):
        clock.advance(rig.bootstrap, DAY + timedelta(days=days), topic)
    followed = follow()
    assert followed.wait_first(10) == DAY + timedelta(days=2)
    clock.advance(rig.bootstrap, DAY + timedelta(days=3), topic)
    until(lambda: followed.now() == DAY + timedelta(days=3), 5, "the advance to arrive")


def test_it_never_falls_and_skips_what_it_cannot_read(rig: Rig, topic: str, follow: Callable[[], TopicClock]) -> None:
    clock.advance(rig.bootstrap, DAY, topic)
    followed = follow()
    followed.wait_first(10)
    clock.advance(rig.bootstrap, DAY - timedelta(days=1), topic)
    producer = Producer({"bootstrap.servers": rig.bootstrap})
    for value in (b"", b"{}", b'{"now": "yesterday"}', b'{"now": "2026-05-01T00:00:00"}'):
        producer.produce(topic, value=value)
    assert producer.flush(10) == 0
    advances: list[datetime] = []
    followed.subscribe(advances.append)
    clock.advance(rig.bootstrap, DAY + timedelta(hours=1), topic)
    until(lambda: advances, 5, "the advance to arrive")
    assert advances == [DAY + timedelta(hours=1)]


def test_subscribers_are_woken_at_once(rig: Rig, topic: str, follow: Callable[[], TopicClock]) -> None:
    clock.advance(rig.bootstrap, DAY, topic)
    followed = follow()
    followed.wait_first(10)
    woken = threading.Event()
    followed.subscribe(lambda now: woken.set())
    clock.advance(rig.bootstrap, DAY + timedelta(minutes=1), topic)
    assert woken.wait(1)


class HardOfHearing(Consumer):
    """Hears the first value, and then nothing until it is placed again."""

    def assign(self, partitions: list[Any]) -> None:
        self.heard = 0
        super().assign(partitions)

    def poll(self, timeout: float = -1) -> Any:
        message = super().poll(timeout)
        self.heard += message is not None
        return message if self.heard <= 1 else None


def test_an_advance_that_never_arrived_is_looked_for(
    rig: Rig, topic: str, follow: Callable[[], TopicClock], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "Consumer", HardOfHearing)
    monkeypatch.setattr(clock, "SILENCE_S", 2.0)
    clock.advance(rig.bootstrap, DAY, topic)
    follower = follow()
    assert follower.wait_first(10) == DAY
    clock.advance(rig.bootstrap, DAY + timedelta(hours=1), topic)
    until(lambda: follower.now() == DAY + timedelta(hours=1), 30, "the second value")


def test_an_instant_without_a_zone_is_not_published_and_others_arrive_in_utc(
    rig: Rig, topic: str, follow: Callable[[], TopicClock]
) -> None:
    with pytest.raises(ValueError, match="aware"):
        clock.advance(rig.bootstrap, datetime(2026, 4, 6), topic)  # noqa: DTZ001
    clock.advance(rig.bootstrap, DAY.astimezone(timezone(timedelta(hours=5))), topic)
    now = follow().wait_first(10)
    assert now == DAY
    assert now.tzinfo is UTC
