"""Publishes a world's feed to Kafka, day by day."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from random import Random
from typing import Any, Literal

from confluent_kafka import KafkaError, KafkaException, Producer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from world.feed import Feed
from world.model import World
from world.sealing import DataKeys, seal

Order = Literal["time", "shuffled"]
Step = Callable[[date], None]
MAX_MESSAGE_BYTES = 4 * 1024 * 1024


class NotDelivered(RuntimeError):
    """The broker did not take a message; the day is incomplete."""


class Publisher:
    """Sends a feed's days. counts: messages delivered so far, by topic.

    order `shuffled` mixes each day's messages (seeded by the world). rate: messages a second at most; None: as fast as
    possible.
    """

    def __init__(
        self, feed: Feed, seed: int, keys: DataKeys, *, bootstrap_servers: str, order: Order = "time", rate: float | None = None
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._feed = feed
        self._keys = keys
        self._shuffle = Random(f"order-{seed}") if order == "shuffled" else None
        self._pause = 1 / rate if rate else 0.0
        self._failed: list[KafkaError] = []
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap_servers,
                "client.id": "world",
                "log_level": 3,  # errors only: a coordinator that is still loading is no news
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
                "linger.ms": 2,
                "compression.type": "lz4",
                "message.max.bytes": MAX_MESSAGE_BYTES,
                "delivery.timeout.ms": 30_000,
            }
        )

    def publish_day(self, day: date) -> int:
        """Sends the day's messages and waits until the broker has them all. Returns how many."""
        messages = self._feed.day(day, shuffle=self._shuffle)
        for message in messages:
            self._producer.produce(
                message.topic,
                key=message.key,
                value=seal(message, self._keys),
                headers=list(message.headers),
                on_delivery=self._delivered,
            )
            if self._pause:
                self._producer.poll(0)
                time.sleep(self._pause)
        left = self._producer.flush(30)
        if left or self._failed:
            detail = self._failed[0].str() if self._failed else f"{left} messages still on their way after 30 s"
            raise NotDelivered(f"feed of {day}: {detail}")
        return len(messages)

    def _delivered(self, error: KafkaError | None, message: Any) -> None:
        if error is not None:
            self._failed.append(error)
        else:
            self.counts[message.topic()] += 1


def publish(
    world: World,
    *,
    bootstrap_servers: str,
    data_key_service_url: str,
    before_day: Step | None = None,
    after_day: Step | None = None,
    order: Order = "time",
    rate: float | None = None,
    show_progress: bool = True,
    console: Console | None = None,
) -> dict[str, int]:
    """Publishes the whole play. Returns the number of messages by topic.

    before_day(day): called before the day's messages go out; whoever drives the platform advances the clock here.
    after_day(day): called when the broker has them; wait here until the platform is drained. Raises NotDelivered,
    DataKeyServiceUnavailable, KafkaException.
    """
    feed = Feed(world)
    with DataKeys(data_key_service_url) as keys, _bar(len(feed), show_progress, console) as advance:
        publisher = Publisher(feed, world.seed, keys, bootstrap_servers=bootstrap_servers, order=order, rate=rate)
        for day in feed.days():
            if before_day is not None:
                before_day(day)
            sent = publisher.publish_day(day)
            if after_day is not None:
                after_day(day)
            advance(day, sent)
        return dict(publisher.counts)


@contextmanager
def _bar(total: int, show: bool, console: Console | None) -> Iterator[Callable[[date, int], None]]:
    """A progress bar over messages that names the day."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not show) as progress:
        task = progress.add_task("feed", total=total)
        yield lambda day, sent: progress.update(task, advance=sent, description=f"feed {day.isoformat()}")


__all__ = ["KafkaException", "NotDelivered", "Publisher", "publish"]
