"""Creates the topics of the registry, the inbound ones too: on this machine nobody else does.

`python -m devstack.topics --bootstrap host:port` (or KAFKA_BOOTSTRAP_SERVERS) does it on any broker.
"""

from __future__ import annotations

from typing import Annotated

import typer
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from contracts.topics import DEFAULT_PARTITIONS, TOPICS
from devstack.errors import DevstackError
from devstack.waiting import until

LOCAL_PARTITIONS = 4
"""Enough for tests and the demo."""
TIMEOUT_S = 30.0


def create(bootstrap: str, partitions: int = LOCAL_PARTITIONS, *, fresh: bool = False) -> list[str]:
    """Create every topic of the registry that does not exist yet, and return the names of those created.

    `fresh` deletes those that exist first, with all they hold: for tests and demos on a broker that others used before.

    Keyed topics get `partitions` partitions, so that one claim has the same partition number everywhere; the clock topic
    has one. Raises DevstackError if the broker is away, or if a topic that exists has another number: keys would land
    elsewhere. Returns when every partition has a leader.
    """
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    wanted = {name: topic.partition_count(partitions) for name, topic in TOPICS.items()}
    if fresh:
        _delete(admin, bootstrap)
    existing = _partitions(admin, bootstrap)
    for name, count in wanted.items():
        if existing.get(name, count) != count:
            raise DevstackError(f"topic {name} has {existing[name]} partitions, not {count}; delete it or use another broker")
    missing = [name for name in wanted if name not in existing]
    new = [NewTopic(name, num_partitions=wanted[name], config=TOPICS[name].config()) for name in missing]
    for name, created in (admin.create_topics(new, operation_timeout=TIMEOUT_S) if new else {}).items():
        try:
            created.result(TIMEOUT_S)
        except KafkaException as error:
            # Two programs at once: both asked for the same registry.
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise DevstackError(f"topic {name} could not be created: {error.args[0].str()}") from error
    until(lambda: wanted.items() <= _partitions(admin, bootstrap).items(), TIMEOUT_S, "not every topic had leaders")
    return missing


def number(bootstrap: str) -> int:
    """How many partitions keyed topics have on this broker; the registry's number if there are none yet."""
    existing = _partitions(AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}), bootstrap)
    keyed = (name for name, topic in TOPICS.items() if topic.partitions is None)
    return next((existing[name] for name in keyed if existing.get(name)), DEFAULT_PARTITIONS)


def _delete(admin: AdminClient, bootstrap: str) -> None:
    present = sorted(_partitions(admin, bootstrap).keys() & TOPICS.keys())
    for name, deleted in (admin.delete_topics(present, operation_timeout=TIMEOUT_S) if present else {}).items():
        try:
            deleted.result(TIMEOUT_S)
        except KafkaException as error:
            raise DevstackError(f"topic {name} could not be deleted: {error.args[0].str()}") from error
    until(lambda: not _partitions(admin, bootstrap).keys() & TOPICS.keys(), TIMEOUT_S, "the old topics did not go away")


def _partitions(admin: AdminClient, bootstrap: str) -> dict[str, int]:
    """Topic → number of partitions that have a leader."""
    try:
        topics = admin.list_topics(timeout=5).topics
    except KafkaException as error:
        raise DevstackError(f"no Kafka answers at {bootstrap}") from error
    return {name: sum(p.leader >= 0 for p in topic.partitions.values()) for name, topic in topics.items()}


def main(
    bootstrap: Annotated[str, typer.Option(envvar="KAFKA_BOOTSTRAP_SERVERS", help="host:port[,host:port]")],
    partitions: Annotated[int, typer.Option(envvar="PARTITIONS", help="Of every keyed topic")] = DEFAULT_PARTITIONS,
) -> None:
    """Create the registry's topics, with their retention and cleanup."""
    created = create(bootstrap, partitions)
    typer.echo(f"created {len(created)} topics" + (f": {', '.join(created)}" if created else "; all were there"))


if __name__ == "__main__":
    typer.run(main)
