"""The service as its neighbours see it: real processes, topics and HTTP. Fresh claims for each story."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

import httpx
import msgspec
import psycopg
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from tests.support.documented_answers import Documented

from contracts import envelope, topics
from devstack.credentials import client
from devstack.platform import Platform
from referrals.london import start_of
from streaming.clock import advance
from streaming.health import EndOffsets

T = TypeVar("T")
WAIT_S = 60.0


def start_of_tests() -> datetime:
    return datetime(2026, 5, 9, 6, tzinfo=UTC)


def eventually(ask: Callable[[], T | None], what: str, within: float = WAIT_S) -> T:
    """The first true answer; fails with `what` when there is none in time."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError(f"not within {within:g} s: {what}")


@dataclass
class Rig:
    """One running referrals service on the clock topic."""

    platform: Platform
    now: datetime
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.producer = Producer({"bootstrap.servers": self.platform.bootstrap, "linger.ms": 0, "log_level": 2})
        self.http = httpx.Client(
            base_url=self.platform.url("referrals"), timeout=10, event_hooks={"response": [Documented.of("referrals")]}
        )
        self.tokens: dict[str, str] = {}

    def close(self) -> None:
        self.http.close()

    def name(self) -> str:
        return f"claim-{next(self.numbers)}-{time.monotonic_ns()}"

    def publish(self, topic: str, key: str, event: msgspec.Struct, ce_id: str | None = None) -> str:
        event_id = ce_id or f"test-{next(self.numbers)}-{time.monotonic_ns()}"
        headers = envelope.headers(
            id=event_id,
            type=type(event).__name__,
            source="test",
            subject=key,
            time=self.now,
            partition_key=key,
            causation_id="test",
            correlation_id="test",
        )
        self.producer.produce(topic, key=key.encode(), value=msgspec.json.encode(event), headers=headers)  # type: ignore[arg-type]
        assert self.producer.flush(10) == 0
        return event_id

    def go_to(self, day: date) -> None:
        """Advance the clock to the morning of a day, if it is not later already, and drain."""
        now = start_of(day) + timedelta(hours=6)
        if now > self.now:
            self.now = now
            advance(self.platform.bootstrap, now)
        self.drain()

    def drain(self) -> None:
        """The new time has come through, and everything known is done, twice."""
        seen: list[int] = []

        def settled() -> bool:
            answer = self.http.get("/health/drained").json()
            if "now" not in answer or datetime.fromisoformat(answer["now"]) < self.now:  # without: the broker was slow to answer
                return False
            seen.append(answer["work"])
            return bool(answer["drained"]) and len(seen) > 1 and seen[-1] == seen[-2]

        try:
            eventually(settled, "the service is drained")
        except AssertionError as late:
            codes = {name: self.platform.supervisor.exit_code(name) for name in self.platform.supervisor.dead()}
            raise AssertionError(f"{late}; processes that ended, with their exit codes: {codes or 'none'}") from None

    def events(self, claim_id: str, *topic_names: str) -> list[tuple[str, dict[str, Any]]]:
        """(type, body) of everything that was said under a claim's key so far, topic by topic; what waits is published first."""
        self.drain()
        wanted = topic_names or (topics.PROGRESSION_FLAG, topics.PROGRESSION_CASE)
        consumer = Consumer(
            {
                "bootstrap.servers": self.platform.bootstrap,
                "group.id": "none",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
            }
        )
        try:
            return [found for topic in wanted for found in _read(consumer, topic, self._ends(topic), claim_id)]
        finally:
            consumer.close()

    def all_events(self, topic: str) -> list[tuple[str, str]]:
        """(claim, type) of everything published on a topic so far."""
        consumer = Consumer({"bootstrap.servers": self.platform.bootstrap, "group.id": "none", "enable.partition.eof": True})
        try:
            return [(key, kind) for key, kind, _ in _read_all(consumer, topic, self._ends(topic))]
        finally:
            consumer.close()

    def _ends(self, topic: str) -> dict[int, int]:
        """Partition → end, with what is published but not marked as committed yet."""
        return {number: end for (_, number), end in EndOffsets(self.platform.bootstrap, [topic], WAIT_S).read().items()}

    def call(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """A request with a client's token; POST gets a fresh Idempotency-Key unless one is given."""
        sent = {"Authorization": f"Bearer {self.token(who)}"} | {key.replace("_", "-"): value for key, value in headers.items()}
        if method == "POST":
            sent.setdefault("Idempotency-Key", f"key-{next(self.numbers)}-{time.monotonic_ns()}")
        return self.http.request(method, path, json=body, headers=sent)

    def token(self, who: str) -> str:
        if who not in self.tokens:
            secret = self.platform.credentials().clients[who].client_secret
            form = {"grant_type": "client_credentials", "client_id": who, "client_secret": secret}
            self.tokens[who] = httpx.post(f"{self.platform.issuer}/token", data=form, timeout=10).json()["access_token"]
        return self.tokens[who]

    def person(self, who: str, *scopes: str, **identity: Any) -> str:
        """A client of the local issuer with this identity."""
        self.platform.add_clients(client(who, *scopes, **identity))
        return who

    def sql(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.platform.databases["referrals"], autocommit=True) as conn:
            return conn.execute(query, values).fetchall()  # type: ignore[arg-type]


def _read(consumer: Consumer, topic: str, ends: dict[int, int], key: str) -> list[tuple[str, dict[str, Any]]]:
    """What is on the topic now under that key."""
    return [(kind, body) for claim_id, kind, body in _read_all(consumer, topic, ends) if claim_id == key]


def _read_all(consumer: Consumer, topic: str, ends: dict[int, int]) -> list[tuple[str, str, dict[str, Any]]]:
    """(key, type, body) of what is on the topic now, as a read_committed consumer sees it once all up to these ends is marked."""
    waiting = set(ends)
    consumer.assign([TopicPartition(topic, number, 0) for number in waiting])
    found: list[tuple[str, str, dict[str, Any]]] = []
    deadline = time.monotonic() + WAIT_S
    while waiting and time.monotonic() < deadline:
        message = consumer.poll(0.2)
        if message is None:
            continue
        error = message.error()
        if error is not None and error.code() == KafkaError._PARTITION_EOF:
            number = int(message.partition() or 0)
            if (message.offset() or 0) >= ends[number]:
                waiting.discard(number)
        elif error is None:
            headers: Any = message.headers()
            key = (message.key() or b"").decode()
            found.append((key, envelope.parse(headers).type, msgspec.json.decode(message.value() or b"null")))
    assert not waiting, f"{topic} could not be read to its end"
    return found
