"""What the shell asks the broker about topics: which exist, their ids, and where each partition begins and ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from streaming.errors import Infrastructure

log = structlog.get_logger()

TIMEOUT_S = 10.0
_UNKNOWN_TOPIC = 3

Partition = tuple[str, int]


@dataclass(frozen=True, slots=True)
class TopicInfo:
    """topic_id: Kafka's own id; it changes when a topic is deleted and created again under the same name."""

    topic_id: str
    partitions: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """Offsets [begin, end) that the log holds."""

    begin: int
    end: int


def _say(error: KafkaError) -> None:
    """What the client notices between questions; a question that fails raises."""
    log.debug("kafka.error", error=error.name())


class Broker:
    """A thin, synchronous reader of topic metadata. Every method raises Infrastructure when the broker does not answer."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._config: dict[str, Any] = {
            "bootstrap.servers": bootstrap_servers,
            "reconnect.backoff.max.ms": 1000,
            "error_cb": _say,
        }
        self._admin = AdminClient(self._config)

    def topics(self, names: Iterable[str]) -> dict[str, TopicInfo]:
        """Id and number of partitions of those that exist."""
        wanted = sorted(set(names))
        if not wanted:
            return {}
        found: dict[str, TopicInfo] = {}
        futures = self._admin.describe_topics(TopicCollection(wanted), request_timeout=TIMEOUT_S)
        for name, future in futures.items():
            try:
                described = future.result(TIMEOUT_S + 1)
            except KafkaException as error:
                if error.args[0].code() == _UNKNOWN_TOPIC:
                    continue
                raise self._away(error.args[0].name()) from error
            except TimeoutError as error:
                raise self._away("no answer") from error
            found[name] = TopicInfo(str(described.topic_id), len(described.partitions))
        return found

    def bounds(self, partitions: Iterable[Partition]) -> dict[Partition, Bounds]:
        """First and next offset of each partition."""
        wanted = list(partitions)
        begins = self._offsets(wanted, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
        ends = self._offsets(wanted, OffsetSpec.latest())  # type: ignore[no-untyped-call]
        return {partition: Bounds(begins[partition], ends[partition]) for partition in wanted}

    def _offsets(self, partitions: list[Partition], spec: OffsetSpec) -> Mapping[Partition, int]:
        if not partitions:
            return {}
        requests = {TopicPartition(topic, partition): spec for topic, partition in partitions}
        try:
            futures = self._admin.list_offsets(requests, request_timeout=TIMEOUT_S)
            return {(tp.topic, tp.partition): future.result(TIMEOUT_S + 1).offset for tp, future in futures.items()}
        except KafkaException as error:
            raise self._away(error.args[0].name()) from error
        except TimeoutError as error:
            raise self._away("no answer") from error

    def _away(self, why: str) -> Infrastructure:
        """The question is asked again, by a new client: one that was refused goes on with the leader epochs it once learned for
        minutes after they have changed, and one that found no broker for long may never look again."""
        self._admin = AdminClient(self._config)
        return Infrastructure(f"kafka: {why}")
