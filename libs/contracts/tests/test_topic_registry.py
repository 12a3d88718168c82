"""The registry spells every topic once and says who writes, who reads and how long it is kept."""

from __future__ import annotations

import pytest

from contracts import topics
from contracts.topics import EVENT_TYPES, TOPICS, Topic

SERVICES = {"earnings", "referrals", "notifications", "employer-link"}


def test_every_constant_names_a_registered_topic() -> None:
    constants = {value for name, value in vars(topics).items() if name.isupper() and isinstance(value, str)}
    assert constants == set(TOPICS)


def test_an_event_name_belongs_to_one_topic() -> None:
    assert len(EVENT_TYPES) == sum(len(topic.events) for topic in TOPICS.values())


@pytest.mark.parametrize("topic", TOPICS.values(), ids=lambda topic: topic.name)
def test_planned_names_are_events_of_their_topic(topic: Topic) -> None:
    assert topic.planned <= set(topic.events)


@pytest.mark.parametrize("topic", TOPICS.values(), ids=lambda topic: topic.name)
def test_writers_and_readers_are_known(topic: Topic) -> None:
    assert topic.producer in SERVICES | {"upstream", "devstack"}
    assert set(topic.consumers) <= SERVICES


@pytest.mark.parametrize("topic", [topic for topic in TOPICS.values() if topic.inbound], ids=lambda topic: topic.name)
def test_inbound_topics_hold_personal_data_for_seven_days_and_large_messages(topic: Topic) -> None:
    assert topic.personal_data
    assert topic.config()["retention.ms"] == str(7 * 86_400_000)
    assert topic.config()["max.message.bytes"] == "4194304"
    assert topic.consumers in [("earnings",), ("notifications",)]


def test_platform_topics_hold_no_personal_data() -> None:
    assert not [topic.name for topic in TOPICS.values() if topic.personal_data and not topic.inbound]


def test_snapshots_are_kept_for_ever() -> None:
    assert {topic.name for topic in TOPICS.values() if topic.cleanup == "compact"} == {
        topics.EARNINGS_CIRCUMSTANCES,
        topics.PROGRESSION_REFERENCE,
    }


def test_only_the_clock_has_its_own_number_of_partitions() -> None:
    assert {topic.name: topic.partition_count(4) for topic in TOPICS.values() if topic.partition_count(4) != 4} == {
        topics.PLATFORM_CLOCK: 1
    }


def test_only_earnings_and_notifications_read_inbound_topics() -> None:
    assert topics.consumed_by("notifications")[0] == topics.CONTACT_PREFERENCES
    for service in ("referrals", "employer-link"):
        assert not [name for name in topics.consumed_by(service) if TOPICS[name].inbound]
