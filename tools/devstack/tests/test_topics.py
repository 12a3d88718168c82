"""The registry's topics exist as it says."""

from __future__ import annotations

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType  # type: ignore[attr-defined]

from contracts.topics import PLATFORM_CLOCK, TOPICS
from devstack import topics
from devstack.errors import DevstackError


def test_every_topic_of_the_registry_exists_with_its_partitions(bootstrap: str) -> None:
    found = AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=10).topics
    counts = {name: len(found[name].partitions) for name in TOPICS}
    assert counts == {name: 1 if name == PLATFORM_CLOCK else 4 for name in TOPICS}


def test_retention_cleanup_and_size_limits_are_the_registry_s(bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in TOPICS]
    for resource, answer in admin.describe_configs(resources).items():
        entries = answer.result(30)
        topic = TOPICS[resource.name]
        assert {name: entries[name].value for name in topic.config()} == topic.config(), resource.name
        if topic.inbound:
            assert int(entries["max.message.bytes"].value) == 4 * 1024 * 1024


def test_creating_twice_creates_nothing_and_another_partition_count_is_refused(bootstrap: str) -> None:
    assert topics.create(bootstrap, 4) == []
    assert topics.number(bootstrap) == 4
    with pytest.raises(DevstackError, match="has 4 partitions, not 5"):
        topics.create(bootstrap, 5)


def test_a_missing_broker_is_named() -> None:
    with pytest.raises(DevstackError, match=r"no Kafka answers at 127\.0\.0\.1:1"):
        topics.create("127.0.0.1:1", 4)


def test_fresh_topics_hold_nothing_and_a_producer_from_before_still_works(bootstrap: str) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True})

    def publish() -> tuple[int, int]:
        producer.produce(PLATFORM_CLOCK, b"{}")
        assert producer.flush(30) == 0
        consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "nobody"})
        try:
            low, high = consumer.get_watermark_offsets(TopicPartition(PLATFORM_CLOCK, 0), timeout=10)
            return int(low), int(high)
        finally:
            consumer.close()

    publish()
    assert publish()[1] >= 2
    assert set(topics.create(bootstrap, 4, fresh=True)) == set(TOPICS)
    assert publish() == (0, 1)
