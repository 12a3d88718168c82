"""Creates the topics of the registry, the inbound ones too: on this machine nobody else does."""

from __future__ import annotations

from kafka import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError

from contracts.topics import TOPICS, Topic
from devstack.errors import DevstackError

LOCAL_PARTITIONS = 4


def create(bootstrap: str, partitions: int = LOCAL_PARTITIONS) -> list[str]:
    """Create every topic of the registry that does not exist yet, and return the names of those created.

    Keyed topics get `partitions` partitions, so that one claim has the same partition number everywhere; the clock topic
    has one. Raises DevstackError if a topic that exists has another number: keys would land elsewhere.
    """
    try:
        admin = KafkaAdminClient(bootstrap_servers=bootstrap, client_id="devstack-topics")
    except KafkaError as error:
        raise DevstackError(f"no Kafka answers at {bootstrap}: {error}") from error
    try:
        existing = set(admin.list_topics())
        _check(admin, sorted(existing & TOPICS.keys()), partitions)
        wanted = {name: _options(topic, partitions) for name, topic in TOPICS.items() if name not in existing}
        if wanted:
            try:
                admin.create_topics(wanted, wait_for_metadata=True)
            except TopicAlreadyExistsError:
                # Two programs at once: both asked for the same registry.
                admin.wait_for_topics(list(wanted))
        return list(wanted)
    finally:
        admin.close()


def _options(topic: Topic, partitions: int) -> dict[str, object]:
    return {"num_partitions": topic.partition_count(partitions), "replication_factor": -1, "configs": topic.config()}


def _check(admin: KafkaAdminClient, names: list[str], partitions: int) -> None:
    if not names:
        return
    for found in admin.describe_topics(names):
        name, count = found["name"], len(found["partitions"])
        wanted = TOPICS[name].partition_count(partitions)
        if count != wanted:
            raise DevstackError(f"topic {name} has {count} partitions, not {wanted}; delete it or use another broker")
