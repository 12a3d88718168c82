"""Days of the feed on a real broker, encrypted with keys from a real data key service."""

from __future__ import annotations

import json
import time
from base64 import b64decode
from collections import Counter
from datetime import date
from typing import cast

import httpx
import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition

from contracts import topics
from world import generate
from world.feed import Feed
from world.publish import publish
from world.sealing import DataKeys, DataKeyServiceUnavailable, crypt

INBOUND = [name for name, topic in topics.TOPICS.items() if topic.inbound]


def _ends(bootstrap: str) -> dict[tuple[str, int], int]:
    reader = Consumer({"bootstrap.servers": bootstrap, "group.id": "world-ends"})
    listed = reader.list_topics(timeout=10).topics
    ends = {(topic, partition): _end(reader, topic, partition) for topic in INBOUND for partition in listed[topic].partitions}
    reader.close()
    return ends


def _end(reader: Consumer, topic: str, partition: int) -> int:
    # The leader of a topic created a moment ago may not answer at once.
    deadline = time.monotonic() + 20
    while True:
        try:
            return int(reader.get_watermark_offsets(TopicPartition(topic, partition), timeout=5)[1])
        except KafkaException:
            if time.monotonic() > deadline:
                raise


def _read(
    bootstrap: str, since: dict[tuple[str, int], int], count: int
) -> list[tuple[str, bytes, bytes, list[tuple[str, bytes]]]]:
    reader = Consumer({"bootstrap.servers": bootstrap, "group.id": "world-test", "enable.auto.commit": False})
    reader.assign([TopicPartition(topic, partition, offset) for (topic, partition), offset in since.items()])
    found: list[tuple[str, bytes, bytes, list[tuple[str, bytes]]]] = []
    deadline = time.monotonic() + 30
    while len(found) < count and time.monotonic() < deadline:
        for message in reader.consume(500, timeout=0.5):
            assert message.error() is None
            headers = cast(list[tuple[str, bytes]], message.headers() or [])
            found.append((message.topic() or "", message.key() or b"", message.value() or b"", headers))
    reader.close()
    return found


@pytest.mark.parametrize("order", ["time", "shuffled"])
def test_the_whole_play_reaches_the_topics_and_decrypts_back(bootstrap: str, data_key_service: str, order: str) -> None:
    world = generate(seed=3, claimants=8, months=6)
    feed = Feed(world)
    expected = [message for day in feed.days() for message in feed.day(day)]
    before, steps = _ends(bootstrap), list[tuple[str, date]]()
    counts = publish(
        world,
        bootstrap_servers=bootstrap,
        data_key_service_url=data_key_service,
        before_day=lambda day: steps.append(("before", day)),
        after_day=lambda day: steps.append(("after", day)),
        order=order,  # type: ignore[arg-type]
        show_progress=False,
    )
    assert counts == Counter(message.topic for message in expected)
    assert steps == [(step, day) for day in feed.days() for step in ("before", "after")]

    bodies = Counter((m.topic, m.key, m.body if m.body is not None else m.value, m.headers) for m in expected)
    received: Counter[tuple[str, bytes, bytes, tuple[tuple[str, bytes], ...]]] = Counter()
    with httpx.Client(base_url=data_key_service) as client:
        for topic, key, value, headers in _read(bootstrap, before, len(expected)):
            sealed = topic.startswith("db.core.") and value
            received[topic, key, _decrypt(client, value) if sealed else value, tuple(headers)] += 1
    assert received == bodies


def _decrypt(client: httpx.Client, value: bytes) -> bytes:
    message = json.loads(value)["message"]
    encryption = message["encryption"]
    answer = client.post(
        "/datakey/actions/decrypt",
        params={"keyId": encryption["keyEncryptionKeyId"]},
        content=encryption["encryptedEncryptionKey"],
        headers={"content-type": "text/plain"},
    )
    key = b64decode(answer.raise_for_status().json()["plaintextDataKey"])
    return crypt(key, b64decode(encryption["initialisationVector"]), b64decode(message["dbObject"]))


def test_one_data_key_serves_many_messages_but_not_for_ever(data_key_service: str) -> None:
    with DataKeys(data_key_service, uses=3) as keys:
        used = [keys.current() for _ in range(7)]
    assert [used.count(key) for key in dict.fromkeys(used)] == [3, 3, 1]


def test_without_a_data_key_nothing_goes_out(data_key_service: str) -> None:
    httpx.put(f"{data_key_service}/sandbox/faults", json={"mode": "unavailable", "times": 50}).raise_for_status()
    with DataKeys(data_key_service) as keys, pytest.raises(DataKeyServiceUnavailable, match="503"):
        keys.current()
    httpx.delete(f"{data_key_service}/sandbox/faults").raise_for_status()
