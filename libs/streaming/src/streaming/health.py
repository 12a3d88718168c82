"""Readiness and the drain barrier of a service, as its API answers them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any

import psycopg
from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]
from psycopg import Connection

from streaming import due
from streaming.clock import Clock
from streaming.progress import positions
from streaming.spec import Spec

COUNTS = (
    "SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM parked_root),"
    " (SELECT coalesce(sum(next_offset), 0) FROM progress)"
    " + coalesce(pg_sequence_last_value(pg_get_serial_sequence('outbox', 'seq')::regclass), 0)"
)


LOOK_AGAIN_S = 60.0
"""A topic may be made, and get more partitions, after an API started; to ask at every reading would cost it time."""


@dataclass(frozen=True, slots=True)
class Drained:
    """Whether everything known so far is done. work: rises with all that was consumed or published.

    Two readings of every service with drained true and the same work mean that nothing is in flight anywhere.
    """

    drained: bool
    now: str
    work: int
    lag: int
    outbox: int
    due: int
    queue: int
    parked: int

    def body(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


class EndOffsets:
    """Ends of the consumed topics, records of open transactions included. Thread safe.

    The broker answers a relay's commit before it has written the markers, so the last *stable* offset can lag behind what was
    just published; the end of the log cannot.
    """

    def __init__(self, bootstrap: str, topics: list[str], timeout_s: float = 5.0, look_again_s: float = LOOK_AGAIN_S) -> None:
        self._bootstrap = bootstrap
        self._admin: AdminClient | None = None
        self._topics = topics
        self._timeout_s = timeout_s
        self._partitions: list[TopicPartition] = []
        self._look_again_s = look_again_s
        self._looked_at = 0.0
        self._lock = threading.Lock()

    def read(self) -> dict[tuple[str, int], int]:
        """(topic, partition) → end offset. Raises KafkaException when the broker is away."""
        try:
            return self._read()
        except KafkaException:
            # The client goes on asking with the leader epochs it once learned, for minutes after they have changed.
            with self._lock:
                self._admin, self._partitions = None, []
            raise

    def _read(self) -> dict[tuple[str, int], int]:
        with self._lock:
            if self._admin is None:  # not before it is needed: the client connects as soon as it exists
                self._admin = AdminClient({"bootstrap.servers": self._bootstrap, "socket.timeout.ms": 5000})
            if not self._partitions or time.monotonic() > self._looked_at + self._look_again_s:
                metadata = self._admin.list_topics(timeout=self._timeout_s).topics
                self._partitions = [
                    TopicPartition(topic, partition)
                    for topic in self._topics
                    if topic in metadata
                    for partition in metadata[topic].partitions
                ]
                self._looked_at = time.monotonic()
            wanted, admin = list(self._partitions), self._admin
        if not wanted:
            return {}
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        futures = admin.list_offsets(
            dict.fromkeys(wanted, latest),
            isolation_level=IsolationLevel.READ_UNCOMMITTED,
            request_timeout=self._timeout_s,
        )
        return {(tp.topic, tp.partition): future.result().offset for tp, future in futures.items()}


class Health:
    """Answers for one service; `connect` gives a connection for the length of the question."""

    def __init__(self, spec: Spec, clock: Clock, ends: EndOffsets) -> None:
        self._spec = spec
        self._clock = clock
        self._ends = ends

    def drained(self, connect: Callable[[], AbstractContextManager[Connection[Any]]]) -> Drained:
        """Zero lag, outbox, due and send queues: log ends first, then one snapshot of the database.

        No connection is held while the broker is asked: it may not answer for seconds, and others need the connection.
        """
        now = self._clock.now()
        ends = self._ends.read()
        with connect() as conn, conn.transaction():
            conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            lag = sum(self._behind(conn, ends).values())
            queue = self._spec.pending(conn, now)
            due_now = due.count_due(conn, now)
            outbox, parked, work = conn.execute(COUNTS).fetchone() or (0, 0, 0)
        return Drained(not (lag or outbox or due_now or queue), now.isoformat(), int(work), lag, outbox, due_now, queue, parked)

    def lag(self, conn: Connection[Any]) -> dict[tuple[str, int], int]:
        """Records not applied yet, by partition; only partitions that lag."""
        return self._behind(conn, self._ends.read())

    def _behind(self, conn: Connection[Any], ends: dict[tuple[str, int], int]) -> dict[tuple[str, int], int]:
        stored = {place: position.next_offset for place, position in positions(conn, self._spec.name, self._spec.topics).items()}
        lags = {place: end - stored.get(place, 0) for place, end in ends.items()}
        return {place: lag for place, lag in lags.items() if lag > 0}

    def ready(self, connect: Callable[[], AbstractContextManager[Connection[Any]]]) -> tuple[bool, str]:
        """Database and broker answer."""
        try:
            with connect() as conn:
                conn.execute("SELECT 1")
            self._ends.read()
        except (psycopg.Error, KafkaException) as error:
            return False, type(error).__name__
        return True, "ready"
