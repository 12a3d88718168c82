"""Kafka and PostgreSQL in containers, when a Docker engine answers.

testcontainers' own Kafka class drives Confluent's images only, so Apache's image is configured here. Its advertised address
must be known before it starts, hence a port chosen first.
"""

from __future__ import annotations

import gc
import warnings
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from devstack.errors import DevstackError
from devstack.ports import LOCALHOST

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

KAFKA_IMAGE = "apache/kafka:4.3.1"
POSTGRES_IMAGE = "postgres:18"
PING_S = 3
_PASSWORD = "local-only"  # a throw-away server on the loopback interface


def answers() -> bool:
    """True if an engine answers a ping within three seconds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the library drops the socket of a refused connection unclosed
        found = _ping()
        if not found:
            gc.collect()
    return found


def _ping() -> bool:
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=PING_S)
    except DockerException:
        return False
    try:
        return bool(client.ping())
    except (DockerException, OSError):
        return False
    finally:
        client.close()


def kafka_environment(port: int) -> dict[str, str]:
    """The settings of a single node for Apache's image; giving one replaces all of the image's defaults."""
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{LOCALHOST}:{port}",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS": "1",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR": "1",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_NUM_PARTITIONS": "1",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_LOG_CLEANER_DEDUPE_BUFFER_SIZE": "2097152",
    }


@cache
def _client() -> DockerClient:
    import docker

    return docker.from_env()


@dataclass(frozen=True, slots=True)
class Contained:
    """A running container: its id and the port of this machine that leads to it."""

    container_id: str
    port: int

    def _container(self) -> Container:
        return _client().containers.get(self.container_id)

    def alive(self) -> bool:
        return str(self._container().status) in ("running", "paused")

    def kill(self) -> None:
        self._container().kill("SIGKILL")
        self._container().wait()

    def pause(self) -> None:
        self._container().pause()

    def resume(self) -> None:
        self._container().unpause()

    def start_again(self) -> None:
        """Start the stopped container on the same data and port."""
        self._container().start()

    def stop(self, *, immediate: bool = False) -> None:
        """Stop it; `immediate` sends SIGQUIT, which PostgreSQL answers by leaving without a checkpoint."""
        if immediate:
            self._container().kill("SIGQUIT")
            self._container().wait()
        else:
            self._container().stop(timeout=15)

    def remove(self) -> None:
        self._container().remove(force=True, v=True)


def start_kafka(port: int, *, outlives_us: bool) -> Contained:
    """Start Apache Kafka's container on `port` of this machine."""
    container = _container(KAFKA_IMAGE, outlives_us).with_bind_ports(9092, port)
    for name, value in kafka_environment(port).items():
        container = container.with_env(name, value)
    return _run(container, port)


def start_postgres(port: int, *, outlives_us: bool) -> Contained:
    """Start PostgreSQL's container on `port` of this machine; a restart keeps the port."""
    container = _container(POSTGRES_IMAGE, outlives_us).with_bind_ports(5432, port).with_env("POSTGRES_PASSWORD", _PASSWORD)
    return _run(container.with_command("postgres -c max_connections=300"), port)


def postgres_url(port: int, database: str) -> str:
    """The address of one database in the container."""
    return f"postgresql://postgres:{_PASSWORD}@{LOCALHOST}:{port}/{database}"


def _container(image: str, outlives_us: bool) -> Any:
    from testcontainers.core.config import testcontainers_config
    from testcontainers.core.container import DockerContainer

    # The reaper removes containers when the program that started them ends, which is wrong only for `up`.
    testcontainers_config.ryuk_disabled = outlives_us
    return DockerContainer(image)


def _run(container: Any, port: int) -> Contained:
    from docker.errors import DockerException

    try:
        container.start()
    except DockerException as error:
        raise DevstackError(f"Docker answers, but could not start {container.image}: {error}") from error
    return Contained(str(container.get_wrapped_container().id), port)
