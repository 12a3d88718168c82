"""What is on topics now, and what flags and reviews came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from contracts.topics import PROGRESSION_FLAG

Key = tuple[str, str, str]
"""claimant, rule, period"""


def messages(bootstrap: str, topics: Collection[str]) -> Iterator[Any]:
    """Every committed message of these topics up to their present end, partition by partition in order."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "rate-change",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
        }
    )
    try:
        known = consumer.list_topics(timeout=10).topics
        open_ends = {(topic, part) for topic in topics if topic in known for part in known[topic].partitions}
        consumer.assign([TopicPartition(topic, part, OFFSET_BEGINNING) for topic, part in open_ends])
        while open_ends:
            for message in consumer.consume(2000, 1.0):
                if message.error() is not None:
                    open_ends.discard((message.topic(), message.partition()))
                else:
                    yield message
    finally:
        consumer.close()


@dataclass(slots=True)
class Happened:
    """standing: raised and not withdrawn since; reviews: raised. shown: events by claimant and period; discarded: events."""

    standing: set[Key] = field(default_factory=set)
    reviews: set[Key] = field(default_factory=set)
    shown: Counter[tuple[str, str]] = field(default_factory=Counter)
    discarded: int = 0

    @property
    def all(self) -> set[Key]:
        """Flags and reviews."""
        return self.standing | self.reviews


def happened(bootstrap: str) -> Happened:
    """From the events of the progression service alone."""
    found, keys = Happened(), dict[str, Key]()
    seen: set[str] = set()
    for message in messages(bootstrap, [PROGRESSION_FLAG]):
        headers = dict(message.headers() or [])
        if headers["ce_id"] in seen:
            continue
        seen.add(headers["ce_id"])
        body: dict[str, str] = msgspec.json.decode(message.value())
        who = body["claimant_id"]
        match headers["ce_type"].decode():
            case "FlagRaised":
                keys[body["flag_id"]] = (who, body["rule_id"], body["period_id"])
                found.standing.add(keys[body["flag_id"]])
            case "FlagWithdrawn":
                found.standing.discard(keys.get(body["flag_id"], ("", "", "")))
                found.discarded += body["why"] == "discarded"
            case "FlagShown":
                found.shown[who, keys[body["flag_id"]][2]] += 1
            case "ReviewRaised":
                found.reviews.add((who, body["rule_id"], body["period_id"]))
            case _:
                pass
    return found
