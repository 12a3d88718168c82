"""The outbox relay: publishes what transactions wrote, in per-key order, under one leader, fenced against a frozen twin.

One batch = one database transaction around one Kafka transaction:

    BEGIN · renew the lease row · DELETE the first rows RETURNING · publish, commit in Kafka · COMMIT

A crash between the two commits publishes the batch again with the same ids; consumers drop it. So does a broker that went
away during a commit or right after it: it may come back without having ended the transaction (ADR 9). A relay that was
frozen and wakes finds its database session ended and its producer fenced by the new leader, so it publishes nothing stale.
Time-outs, shortest first: lease 3 s < delivery 10 s < idle database session 12 s < Kafka transaction 15 s.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
import structlog
from confluent_kafka import KafkaError, KafkaException, Producer
from psycopg import Connection
from psycopg.rows import class_row

from contracts import envelope
from streaming import metrics
from streaming.database import connector
from streaming.lanes import backoff
from streaming.liveness import HealthServer, Liveness
from streaming.settings import PlatformSettings
from streaming.unit_of_work import is_infrastructure

log = structlog.get_logger()

BATCH = 2000
LEASE_S = 3.0
RENEW_S = 1.0
IDLE_SESSION_MS = 12_000
DELIVERY_MS = 10_000
TRANSACTION_MS = 15_000
BUSY_POLL_S = 0.025
IDLE_POLL_S = 0.2
STANDBY_POLL_S = 0.5
RECENTLY_S = 10.0
MEASURE_EVERY_S = 2.0
UNSURE_S = 5.0
"""So long after a commit a broker that goes away puts it in doubt; it ends a transaction within milliseconds."""
STEP = "relay"


@dataclass(frozen=True, slots=True)
class Row:
    """An outbox row."""

    seq: int
    topic: str
    key: str
    id: str
    type: str
    subject: str
    value: bytes
    causation_id: str
    correlation_id: str
    traceparent: str | None
    time: datetime


class Published:
    """The last batch, while it may have to be published again. Used by one thread: librdkafka calls back where it is polled."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._ended = float("-inf")
        self._broken_at = float("-inf")
        self._in_doubt = False

    def broken(self, error: KafkaError) -> None:
        """The client's own trouble: a connection has ended, or no broker answers. It says so again until one does."""
        log.debug("relay.kafka", error=error.name())
        self._broken_at = time.monotonic()
        self._in_doubt |= self._broken_at <= self._ended + UNSURE_S

    def doubtful(self) -> list[Row]:
        """What was committed while a broker went away; nothing otherwise."""
        return self._rows if self._in_doubt else []

    def keep(self, rows: list[Row], began: float) -> None:
        """These were committed just now, which began then."""
        self._rows, self._ended, self._in_doubt = rows, time.monotonic(), self._broken_at >= began

    def forget(self) -> None:
        """Another relay leads; ours would come after its newer events."""
        self._rows, self._in_doubt = [], False


class NotLeader(Exception):
    """Another relay holds the lease."""


def _nowhere(point: str) -> None:
    return None


class Relay:
    """Publishes one service's outbox.

    reached: told of the crash points `before_publish` (rows removed, nothing sent) and `after_publish` (Kafka has
    committed, the database not yet), so that fault tests stop exactly there.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], Connection[Any]],
        bootstrap_servers: str,
        liveness: Liveness,
        reached: Callable[[str], None] = _nowhere,
    ) -> None:
        self._name = name
        self._connect = connect
        self._bootstrap = bootstrap_servers
        self._liveness = liveness
        self._reached = reached
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{time.time_ns()}"
        self._conn: Connection[Any] | None = None
        self._producer: Producer | None = None
        self._published = Published()
        self._renewed = 0.0
        self._busy_until = 0.0
        self._measured = 0.0

    # -- the loop -------------------------------------------------------------------------------------------------

    def run(self, stopping: threading.Event) -> None:
        """Relay until `stopping` is set. Backs off while a backend is away; any other error is raised."""
        attempt = 0
        while not stopping.is_set():
            self._liveness.begin(STEP)
            try:
                published = self.step()
                self._measure()
            except NotLeader:
                self._forget_producer()
                self._published.forget()
                pause = STANDBY_POLL_S
            except (psycopg.Error, KafkaException) as error:
                if isinstance(error, psycopg.Error) and not is_infrastructure(error):
                    raise
                self._forget_producer()
                self._liveness.waits(STEP, _describe(error))
                log.warning("relay.waits", reason=_describe(error), attempt=attempt)
                stopping.wait(backoff(attempt))
                attempt += 1
                continue
            else:
                pause = self._pause(published)
            attempt = 0
            self._liveness.end(STEP)
            self._liveness.started = True
            stopping.wait(pause)
        self._resign()

    def _pause(self, published: int) -> float:
        now = time.monotonic()
        if published:
            self._busy_until = now + RECENTLY_S
        if published == BATCH:
            return 0.0
        return BUSY_POLL_S if now < self._busy_until else IDLE_POLL_S

    def step(self) -> int:
        """Publish at most one batch; returns how many. Raises NotLeader."""
        conn = self._connection()
        if self._producer is not None:
            self._producer.poll(0)
        again = self._published.doubtful()
        if self._producer is not None and self._leading() and not again and not self._anything(conn):
            return 0
        with conn.transaction():
            self._lead(conn)
            rows = self._take(conn)
            if again or rows:
                self._reached("before_publish")
                self._publish([*again, *rows])
                self._reached("after_publish")
        if again:
            log.warning("relay.published_again", events=len(again))
        for row in rows:
            metrics.RELAYED.labels(row.topic).inc()
        return len(rows)

    # -- leadership -----------------------------------------------------------------------------------------------

    def _leading(self) -> bool:
        return time.monotonic() - self._renewed < RENEW_S

    def _lead(self, conn: Connection[Any]) -> None:
        """Take or renew the lease, first in the transaction; on becoming leader fence the one before in Kafka too."""
        conn.execute("SET LOCAL lock_timeout = '1s'")
        try:
            mine = self._update_lease(conn) or (self._insert_lease(conn) and self._update_lease(conn))
        except psycopg.errors.LockNotAvailable:
            raise NotLeader from None  # the leader is in the middle of a batch
        if not mine:
            raise NotLeader
        self._renewed = time.monotonic()
        if self._producer is None:
            producer = self._new_producer()
            producer.init_transactions(DELIVERY_MS / 1000)
            self._producer = producer
            metrics.RELAY_LEADER.set(1)
            log.info("relay.leads", holder=self._holder)

    def _update_lease(self, conn: Connection[Any]) -> bool:
        cursor = conn.execute(
            "UPDATE relay_lease SET holder = %(me)s, renewed_at = clock_timestamp() WHERE name = %(name)s"
            " AND (holder = %(me)s OR renewed_at NOT BETWEEN clock_timestamp() - %(lease)s * interval '1 second'"
            " AND clock_timestamp() + %(lease)s * interval '1 second')",  # later than now: the clock was set back
            {"me": self._holder, "name": self._name, "lease": LEASE_S},
        )
        return cursor.rowcount == 1

    def _insert_lease(self, conn: Connection[Any]) -> bool:
        cursor = conn.execute(
            "INSERT INTO relay_lease (name, holder, renewed_at) VALUES (%s, %s, '-infinity') ON CONFLICT DO NOTHING",
            (self._name, self._holder),
        )
        return cursor.rowcount == 1

    def _new_producer(self) -> Producer:
        return Producer(
            {
                "bootstrap.servers": self._bootstrap,
                "transactional.id": f"{self._name}-relay",
                "transaction.timeout.ms": TRANSACTION_MS,
                "delivery.timeout.ms": DELIVERY_MS,
                "request.timeout.ms": DELIVERY_MS // 2,
                "partitioner": "murmur2_random",
                "compression.type": "gzip",  # every client can read it; lz4 needs a library that many lack
                "compression.level": 1,
                "acks": "all",
                "linger.ms": 5,
                "reconnect.backoff.max.ms": 1000,
                "error_cb": self._published.broken,  # without it the client writes its troubles to stderr in its own format
            }
        )

    def _forget_producer(self) -> None:
        """A producer that failed is not used again: its successor's `init_transactions` aborts what it left open."""
        self._producer = None
        metrics.RELAY_LEADER.set(0)

    def _resign(self) -> None:
        """Let the next leader begin at once."""
        self._forget_producer()
        with suppress(psycopg.Error):
            self._connection().execute(
                "UPDATE relay_lease SET renewed_at = '-infinity' WHERE name = %s AND holder = %s", (self._name, self._holder)
            )
        if self._conn is not None:
            self._conn.close()

    # -- a batch --------------------------------------------------------------------------------------------------

    def _connection(self) -> Connection[Any]:
        if self._conn is None or self._conn.closed or self._conn.broken:
            self._conn = self._connect()
        return self._conn

    def _anything(self, conn: Connection[Any]) -> bool:
        return conn.execute("SELECT 1 FROM outbox LIMIT 1").fetchone() is not None

    def _take(self, conn: Connection[Any]) -> list[Row]:
        """The first rows, removed. RETURNING has no order of its own."""
        with conn.cursor(row_factory=class_row(Row), binary=True) as cursor:
            cursor.execute(
                "DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox ORDER BY seq LIMIT %s)"
                " RETURNING seq, topic, key, id, type, subject, value, causation_id, correlation_id, traceparent, time",
                (BATCH,),
            )
            return sorted(cursor.fetchall(), key=lambda row: row.seq)

    def _publish(self, rows: list[Row]) -> None:
        producer = self._producer
        assert producer is not None  # `_lead` made it
        began = time.monotonic()
        producer.begin_transaction()
        for row in rows:
            producer.produce(row.topic, value=row.value, key=row.key.encode(), headers=self._headers(row))
        producer.commit_transaction(DELIVERY_MS / 1000)
        self._published.keep(rows, began)

    def _headers(self, row: Row) -> Any:
        return envelope.headers(
            id=row.id,
            type=row.type,
            source=self._name,
            subject=row.subject,
            time=row.time,
            partition_key=row.key,
            causation_id=row.causation_id,
            correlation_id=row.correlation_id,
            traceparent=row.traceparent,
        )

    def _measure(self) -> None:
        if time.monotonic() - self._measured < MEASURE_EVERY_S:
            return
        self._measured = time.monotonic()
        row = self._connection().execute("SELECT extract(epoch FROM now() - time) FROM outbox ORDER BY seq LIMIT 1").fetchone()
        metrics.OUTBOX_OLDEST_SECONDS.set(max(0.0, float(row[0])) if row else 0.0)


def _describe(error: psycopg.Error | KafkaException) -> str:
    return f"kafka: {error.args[0].name()}" if isinstance(error, KafkaException) else f"database: {type(error).__name__}"


def run_relay(name: str, database_url: str, settings: PlatformSettings, reached: Callable[[str], None] = _nowhere) -> None:
    """Run until SIGTERM or SIGINT; a crash of the loop is raised after it is logged."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    liveness = Liveness(settings.stuck_after_s)
    server = HealthServer(settings.metrics_port, liveness)
    log.info("relay.starting", health_port=server.port)
    relay = Relay(
        name, connector(database_url, f"{name} relay", IDLE_SESSION_MS), settings.kafka_bootstrap_servers, liveness, reached
    )
    try:
        relay.run(stopping)
    except Exception as error:
        log.critical("relay.stopped", error=type(error).__name__)
        raise
    finally:
        server.close()
    log.info("relay.stopped", reason="asked to")
