"""Drives tally processes on the real broker and database, and compares what they did with a fold in memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from confluent_kafka import Consumer, Message, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic
from tally import EVERY, Count, Tally, step

from streaming import schema

FIELD_KEY = "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg="
PROGRAM = Path(__file__).with_name("tally.py")


def until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """Poll until the condition holds; fail with what was waited for."""
    deadline = time.monotonic() + seconds
    while True:
        if found := condition():
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.02)


class Process:
    """One worker or relay process."""

    def __init__(self, command: str, environment: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("wb") as out:
            self._popen = subprocess.Popen(
                [sys.executable, str(PROGRAM), *command.split()], env=environment, stdout=out, stderr=subprocess.STDOUT
            )

    def signal(self, number: int) -> None:
        self._popen.send_signal(number)

    def kill(self) -> None:
        self._popen.kill()
        self._popen.wait(10)

    def stop(self, seconds: float = 20) -> int:
        """SIGTERM; the exit code."""
        self._popen.send_signal(signal.SIGCONT)
        self._popen.terminate()
        return self._popen.wait(seconds)

    def wait(self, seconds: float) -> int:
        return self._popen.wait(seconds)

    def running(self) -> bool:
        return self._popen.poll() is None

    def output(self) -> str:
        return self.log.read_text()

    def says(self, text: str, seconds: float = 40) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.output():
            assert self.running(), f"ended without {text!r}:\n{self.output()[-3000:]}"
            assert time.monotonic() < deadline, f"no {text!r} within {seconds:g} s:\n{self.output()[-3000:]}"
            time.sleep(0.02)

    def health(self, what: str) -> tuple[int, str]:
        """(status, body) of /health/<what> on the port the process logged."""
        self.says("health_port")
        port = self.output().split('"health_port": ')[1].split(",")[0].rstrip("}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/{what}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


class Rig:
    """Topics and a database of one test; what is produced is folded too."""

    def __init__(self, bootstrap: str, database_url: str, prefix: str, home: Path) -> None:
        self.bootstrap = bootstrap
        self.url = database_url
        self.prefix = prefix
        self.home = home
        self.out = f"{prefix}.out"
        self.topics: list[str] = []
        self.expected: dict[str, Tally] = {}
        self.processes: list[Process] = []
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "error_cb": lambda error: None})
        self._producer = self._connect()
        with self.connect() as conn:
            schema.create(conn)  # type: ignore[arg-type]
        self.create(self.out, 4)

    def _connect(self) -> Producer:
        return Producer(
            {
                "bootstrap.servers": self.bootstrap,
                "linger.ms": 5,
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
                "error_cb": lambda error: None,
                "log_level": 2,
            }
        )

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url, autocommit=True)

    def administer(self) -> psycopg.Connection[Any]:
        """A connection to the server's own database."""
        head, _, options = self.url.partition("?")
        return psycopg.connect(f"{head.rsplit('/', 1)[0]}/postgres?{options}", autocommit=True)

    def create(self, topic: str, partitions: int) -> str:
        for future in self._admin.create_topics([NewTopic(topic, partitions)]).values():
            future.result(10)
        until(lambda: len(self._partitions(topic)) == partitions, 10, f"topic {topic}")
        return topic

    def delete(self, topic: str) -> None:
        for future in self._admin.delete_topics([topic]).values():
            future.result(10)
        until(lambda: not self._partitions(topic), 10, f"topic {topic} to go")

    def add_partitions(self, topic: str, partitions: int) -> None:
        """Grow the topic to this many, and have the producer know it."""
        for future in self._admin.create_partitions([NewPartitions(topic, partitions)]).values():
            future.result(10)
        until(lambda: len(self._partitions(topic)) == partitions, 10, f"partitions of {topic}")
        self._producer = self._connect()

    def delete_records(self, topic: str, partition: int, before: int) -> None:
        for future in self._admin.delete_records([TopicPartition(topic, partition, before)]).values():
            future.result(10)

    def _partitions(self, topic: str) -> Any:
        found = self._admin.list_topics(timeout=5).topics.get(topic)
        return found.partitions if found is not None and all(p.leader >= 0 for p in found.partitions.values()) else ()

    def consumes(self, **partitions: int) -> None:
        """Create inbound topics with these numbers of partitions."""
        self.topics = [self.create(f"{self.prefix}.{name}", count) for name, count in partitions.items()]

    def produce(self, topic: str, records: Iterable[tuple[str, int]], pad: str = "") -> None:
        """Publish (key, n) and fold them."""
        for key, n in records:
            self.expected[key] = step(self.expected.get(key, Tally()), n)
            while True:
                try:
                    self._producer.produce(topic, key=key, value=msgspec.json.encode(Count(key, n, pad)))
                    break
                except BufferError:
                    self._producer.poll(0.1)
        assert self._producer.flush(30) == 0

    def start(self, command: str = "worker", **settings: object) -> Process:
        environment = {
            **os.environ,
            "ENVIRONMENT": "test",
            "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
            "OIDC_ISSUER": "http://127.0.0.1:1",
            "FIELD_KEY": FIELD_KEY,
            "METRICS_PORT": "0",
            "SESSION_TIMEOUT_S": "6",
            "TALLY_NAME": self.prefix,
            "TALLY_DATABASE_URL": self.url,
            "TALLY_TOPICS": ",".join(self.topics),
            "TALLY_OUT": self.out,
            **{name.upper(): str(value) for name, value in settings.items()},
        }
        process = Process(command, environment, self.home / f"{len(self.processes)}-{command.split()[0]}.log")
        self.processes.append(process)
        return process

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self.connect() as conn:
            return conn.execute(query, parameters).fetchall()  # type: ignore[arg-type]

    def consumed(self) -> int:
        return int(self.rows("SELECT coalesce(sum(next_offset), 0) FROM progress")[0][0])

    def ends(self) -> dict[tuple[str, int], int]:
        reader = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "rig", "isolation.level": "read_committed"})
        found = {
            (topic, partition): reader.get_watermark_offsets(TopicPartition(topic, partition), timeout=5)[1]
            for topic in self.topics
            for partition in self._partitions(topic)
        }
        reader.close()
        return found

    def wait_consumed(self, seconds: float = 60) -> None:
        ends = self.ends()
        until(lambda: self.offsets() == ends, seconds, f"everything consumed: {ends}, is {self.offsets()}")

    def offsets(self) -> dict[tuple[str, int], int]:
        return {(topic, part): at for topic, part, at in self.rows("SELECT topic, part, next_offset FROM progress")}

    def state(self) -> dict[str, Tally]:
        return {
            key: msgspec.msgpack.decode(state, type=Tally)
            for key, state in self.rows("SELECT key, state FROM document WHERE kind = 'claim'")
        }

    def expected_events(self) -> dict[str, list[int]]:
        return {key: list(range(EVERY, tally.count + 1, EVERY)) for key, tally in self.expected.items() if tally.count >= EVERY}

    def check(self) -> None:
        """State, outbox and offsets equal the fold."""
        state = self.state()
        wrong = {key: (state.get(key), wanted) for key, wanted in self.expected.items() if state.get(key) != wanted}
        assert not wrong, f"{len(wrong)} of {len(self.expected)} keys differ (is, should be): {dict(list(wrong.items())[:5])}"
        assert state.keys() == self.expected.keys()
        events: dict[str, list[int]] = defaultdict(list)
        for key, value in self.rows("SELECT key, value FROM outbox ORDER BY seq"):
            events[key].append(msgspec.json.decode(value)["count"])
        assert dict(events) == self.expected_events()
        assert self.offsets() == self.ends()

    def published(self, records: int, seconds: float = 30) -> list[Message]:
        """Committed records of the outgoing topic: at least `records`, and then all there are."""
        reader = Consumer(
            {"bootstrap.servers": self.bootstrap, "group.id": f"rig-{time.time_ns()}", "isolation.level": "read_committed",
             "enable.auto.commit": False, "auto.offset.reset": "earliest"}
        )  # fmt: skip
        reader.assign([TopicPartition(self.out, partition, 0) for partition in self._partitions(self.out)])
        found: list[Message] = []
        deadline = time.monotonic() + seconds
        quiet = 0
        while quiet < 2:
            message = reader.poll(0.5)
            if message is not None:
                assert message.error() is None
                found.append(message)
                quiet = 0
            elif len(found) >= records:
                quiet += 1
            elif time.monotonic() > deadline:
                raise AssertionError(f"{len(found)} of {records} records published within {seconds:g} s")
        reader.close()
        return found

    def close(self) -> None:
        for process in self.processes:
            if process.running():
                process.signal(signal.SIGCONT)
                process.kill()

    def topic_id(self, topic: str) -> str:
        described = self._admin.describe_topics(TopicCollection([topic]))[topic].result(10)
        return str(described.topic_id)
