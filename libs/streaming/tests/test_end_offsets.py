"""A client that has learned something wrong about a topic is replaced, so that the next question is answered."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast
from uuid import uuid4

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic  # type: ignore[attr-defined]

from streaming import broker
from streaming.clock import WallClock
from streaming.errors import Infrastructure
from streaming.health import EndOffsets, Health


def test_ends_are_read_again_after_a_topic_changed_behind_the_client(bootstrap: str) -> None:
    admin, topic = AdminClient({"bootstrap.servers": bootstrap}), f"ends-{uuid4()}"
    admin.create_topics([NewTopic(topic, num_partitions=3)])[topic].result(30)
    ends = EndOffsets(bootstrap, [topic])
    patiently(ends, 3)
    admin.delete_topics([topic])[topic].result(30)
    deadline = time.monotonic() + 30
    while True:
        try:
            admin.create_topics([NewTopic(topic, num_partitions=1)])[topic].result(30)
            break
        except KafkaException:
            assert time.monotonic() < deadline, "the topic is made anew"
    patiently(ends, 1)


def test_topics_and_partitions_that_came_later_are_read_too(bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    first, later = f"ends-{uuid4()}", f"ends-{uuid4()}"
    admin.create_topics([NewTopic(first, num_partitions=2)])[first].result(30)
    ends, once = EndOffsets(bootstrap, [first, later], look_again_s=0), EndOffsets(bootstrap, [first, later])
    patiently(ends, 2)
    patiently(once, 2)
    admin.create_partitions([NewPartitions(first, 5)])[first].result(30)
    admin.create_topics([NewTopic(later, num_partitions=1)])[later].result(30)
    patiently(ends, 6)
    assert len(once.read()) == 2, "not at every reading"


def patiently(ends: EndOffsets, partitions: int) -> None:
    """Within ten seconds the ends of so many partitions are told; failures in between are what a caller repeats."""
    deadline = time.monotonic() + 10
    while True:
        try:
            if len(ends.read()) == partitions:
                return
        except KafkaException:
            pass
        if time.monotonic() > deadline:
            pytest.fail(f"no ends of {partitions} partitions within 10 s")


def test_no_connection_is_held_while_the_broker_does_not_answer() -> None:
    """Others need it, and the broker may take seconds."""
    opened: list[str] = []

    @contextmanager
    def connect() -> Iterator[Any]:
        opened.append("a connection")
        yield None

    away = EndOffsets("127.0.0.1:1", ["any"], timeout_s=0.2)
    with pytest.raises(KafkaException):
        Health(cast("Any", None), WallClock(), away).drained(connect)
    assert opened == []


def test_a_broker_that_did_not_answer_is_asked_by_a_new_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "TIMEOUT_S", 1.0)
    nobody = broker.Broker("127.0.0.1:1")
    for question in (lambda: nobody.topics(["t"]), lambda: nobody.bounds([("t", 0)])):
        before = nobody._admin
        with pytest.raises(Infrastructure):
            question()
        assert nobody._admin is not before
