"""The one way state changes: chunk, timer, command, receipt or release, each in one PostgreSQL transaction.

    BEGIN · fence the offset rows · lock the roots · drop duplicates · load · decide · save · outbox · dead letters · COMMIT

An instance belongs to one thread and owns one connection. Why it is built so: docs/adr 1 to 4.
"""

from __future__ import annotations

import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from psycopg import Connection
from psycopg import errors as sql

from streaming import chunks, idempotency, metrics, progress, timers
from streaming.clock import Clock
from streaming.crypto import FieldCipher
from streaming.documents import Codec, Collision
from streaming.errors import Busy, Infrastructure, MoreRoots, Parked, Refused
from streaming.pace import TOO_LONG, Pace, take
from streaming.progress import Fenced, Partition, Position
from streaming.records import Cause, PreparedChunk, Root
from streaming.session import Session, TouchesParked, describe
from streaming.spec import Spec
from streaming.work import Reply, Work

T = TypeVar("T")

MAX_REDO = 50
TIDY_EVERY_S = 3600.0
"""Between deletions of old idempotency keys, by whoever fires timers and finds none due."""
INFRASTRUCTURE_CLASSES = ("08", "40", "53", "57", "58")
INFRASTRUCTURE_STATES = ("55P03", "25P03", "25P04", "25006")
"""Lock not had; session ended because we were frozen in a transaction (idle, whole); a standby after a failover."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When bad input stops being normal: the worker stops so that a person looks."""

    dead_letters_in_a_row: int = 5000
    parked_roots_per_hour: int = 20


@dataclass(frozen=True, slots=True)
class Command:
    """A change asked for by a caller.

    client + idempotency_key name it; fingerprint says whether a repeat is the same request. `act` finds its documents
    with work.get, checks work.require_match, and returns the Reply or raises Refused.
    """

    client: str
    idempotency_key: str | None
    fingerprint: bytes
    roots: tuple[Root, ...]
    act: Callable[[Work], Reply]
    if_match: str | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """What a merged chunk came to."""

    records: int
    bad: int
    parked: int

    def plus(self, more: ApplyResult) -> ApplyResult:
        """Both together."""
        return ApplyResult(self.records + more.records, self.bad + more.bad, self.parked + more.parked)


def is_infrastructure(error: psycopg.Error) -> bool:
    """Whether retrying the whole transaction can help: connection, deadlock, serialisation, resources, shutdown."""
    state = error.sqlstate
    if state is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state[:2] in INFRASTRUCTURE_CLASSES or state in INFRASTRUCTURE_STATES


def _lasted_too_long(error: Infrastructure) -> bool:
    """Whether a smaller transaction would have been finished."""
    return getattr(error.__cause__, "sqlstate", None) in TOO_LONG


class UnitOfWork:
    """The shell's transaction machine for one thread.

    connect: opens an autocommit connection. clock: the platform clock.
    """

    def __init__(
        self, spec: Spec, connect: Callable[[], Connection[Any]], clock: Clock, cipher: FieldCipher, limits: Limits | None = None
    ) -> None:
        self.spec = spec
        self.clock = clock
        self.cipher = cipher
        self.limits = limits or Limits()
        self.codec = Codec(spec.kinds)
        self.bad_in_a_row = 0
        self._records = Pace(sys.maxsize)
        self._items = Pace(sys.maxsize)
        self._connect = connect
        self._conn: Connection[Any] | None = None
        self._tidy_at = 0.0

    @property
    def conn(self) -> Connection[Any]:
        """The connection, opened when first needed and again after it broke. Raises Infrastructure."""
        if self._conn is None or self._conn.closed or self._conn.broken:
            try:
                self._conn = self._connect()
            except psycopg.Error as error:
                raise Infrastructure(f"database: {type(error).__name__}") from error
        return self._conn

    def close(self) -> None:
        """Give the connection back."""
        if self._conn is not None:
            with suppress(psycopg.Error):
                self._conn.close()
            self._conn = None

    # -- consumers ------------------------------------------------------------------------------------------------

    def positions(self, topics: Iterable[str]) -> dict[Partition, Position]:
        """Offset rows of this service."""
        return self._plain(lambda conn: progress.positions(conn, self.spec.name, topics))

    def start(self, topic: str, partition: int, offset: int, topic_id: str) -> None:
        """Make an offset row for a partition without one."""
        self._plain(lambda conn: progress.start(conn, self.spec.name, topic, partition, offset, topic_id))

    def apply(self, prepared: Sequence[PreparedChunk]) -> ApplyResult:
        """Apply a merged chunk. Returns when it is committed (now or by an earlier attempt).

        In one transaction, or in several when one would last too long. Raises Infrastructure (call again; what was
        committed is not done twice), Gap or another Fatal (stop the process).
        """
        waiting = list(prepared)
        done = ApplyResult(0, 0, 0)
        while waiting:
            batch, rest = take(waiting, self._records.most)
            try:
                done = done.plus(self._apply(batch))
            except Infrastructure as error:
                if not _lasted_too_long(error) or not self._records.too_long(sum(len(item.entries) for item in batch)):
                    raise
                metrics.REDONE.labels("too_long").inc()
                continue
            waiting = rest
        return done

    def _apply(self, prepared: Sequence[PreparedChunk]) -> ApplyResult:
        todo = list(prepared)
        extra: set[Root] = set()
        careful = False
        for _ in range(MAX_REDO):
            if not todo:
                return ApplyResult(0, 0, 0)
            began = time.monotonic()
            try:
                session = self.transaction(lambda s: chunks.run(s, todo, extra, careful=careful))  # noqa: B023
            except Fenced:
                metrics.FENCED.labels("realigned").inc()
                todo = progress.realign(todo, self.positions({item.chunk.topic for item in todo}))
                continue
            except MoreRoots as more:
                metrics.REDONE.labels("more_roots").inc()
                extra |= more.roots
                continue
            except Collision:
                metrics.REDONE.labels("collision").inc()
                continue
            except Exception as error:
                self._raise_infrastructure(error)
                if careful or not chunks.refused(error):
                    raise
                metrics.REDONE.labels("careful").inc()
                careful = True  # one of our own writes is refused: find the item by giving each a savepoint
                continue
            took = time.monotonic() - began
            metrics.CHUNK_SECONDS.observe(took)
            result = self._account(session, todo)
            self._records.took(result.records, took)
            return result
        raise Infrastructure("a chunk did not settle; other transactions keep changing the same roots")

    def _account(self, session: Session, todo: Sequence[PreparedChunk]) -> ApplyResult:
        records = sum(len(item.entries) for item in todo)
        metrics.CHUNK_RECORDS.observe(records)
        for (topic, outcome), count in Counter(session.outcomes).items():  # once per commit: a redone transaction counts once
            metrics.RECORDS.labels(topic, outcome).inc(count)
        for bad in session.bad:
            metrics.DEAD_LETTERS.labels(bad.record.topic, bad.reason).inc()
        metrics.PARKED.inc(len(session.newly_parked))
        self.bad_in_a_row = chunks.bad_run(self.bad_in_a_row, todo, session)
        chunks.check_limits(self.limits, self.bad_in_a_row, session)
        return ApplyResult(records, len(session.bad), len(session.newly_parked))

    # -- timers ---------------------------------------------------------------------------------------------------

    def fire_due(self, limit: int = 500) -> int:
        """Fire due items, oldest roots first; returns how many fired. 0 means nothing is due. Raises Infrastructure."""
        while True:
            most = min(limit, self._items.most)
            try:
                return self._fire_due(most)
            except Infrastructure as error:
                if not _lasted_too_long(error) or not self._items.too_long(most):
                    raise
                metrics.REDONE.labels("too_long").inc()

    def _fire_due(self, limit: int) -> int:
        roots = self._plain(lambda conn: timers.pick(conn, self.clock.now(), limit))
        if roots:
            return self._fire(roots, limit)
        if time.monotonic() >= self._tidy_at:
            self._tidy_at = time.monotonic() + TIDY_EVERY_S
            self._plain(idempotency.forget)
        return 0

    def _fire(self, roots: Sequence[Root], limit: int) -> int:
        """What is due for these roots. When the database refuses a write, each is fired alone, and the one it concerns waits."""
        extra: set[Root] = set()
        refused: str | None = None
        for _ in range(MAX_REDO):
            began = time.monotonic()
            try:
                session = self.transaction(
                    lambda s: timers.run(s, roots, extra, limit) if refused is None else timers.park(s, roots[0], refused)  # noqa: B023
                )
            except MoreRoots as more:
                extra |= more.roots
                continue
            except Collision:
                continue
            except Exception as error:
                self._raise_infrastructure(error)
                if refused is not None or not chunks.refused(error):
                    raise
                metrics.REDONE.labels("careful").inc()
                if len(roots) > 1:
                    return sum(self._fire([root], limit) for root in roots)
                refused = describe(error)
                continue
            self._items.took(len(session.fired), time.monotonic() - began)
            for item in session.fired:
                metrics.TIMERS.labels(item.name).inc()
            metrics.PARKED.inc(len(session.newly_parked))
            chunks.check_limits(self.limits, 0, session)
            return max(len(session.fired), len(session.newly_parked))
        raise Infrastructure("timers did not settle")

    # -- commands -------------------------------------------------------------------------------------------------

    def command(self, command: Command) -> Reply:
        """Do a command once and keep its reply. Raises Refused (also Busy, Parked, PreconditionFailed), Infrastructure."""
        cause_id = str(uuid.uuid4())  # noqa: TID251 - a command has no upstream id; it is stored with the key
        cause = Cause(cause_id, cause_id, command.traceparent)

        def body(session: Session) -> Reply:
            key = command.idempotency_key
            if key is not None:
                replay = idempotency.claim(session.conn, command.client, key, command.fingerprint, cause_id)
                if replay is not None:
                    return replay
            reply = self._act(session, command.roots, cause, command.act, command.if_match)
            if key is not None:
                idempotency.store(session.conn, command.client, key, reply)
            return reply

        try:
            reply = self._serve(command.roots, body)
        except Refused as refused:
            metrics.COMMANDS.labels(refused.code).inc()
            raise
        metrics.COMMANDS.labels("done").inc()
        return reply

    def internal(self, roots: Sequence[Root], cause: Cause, act: Callable[[Work], Reply]) -> Reply:
        """A change by one of our own processes (sender, sweeper): same rules, no idempotency row."""
        return self._serve(roots, lambda session: self._act(session, roots, cause, act, None))

    def _act(
        self, session: Session, roots: Sequence[Root], cause: Cause, act: Callable[[Work], Reply], if_match: str | None
    ) -> Reply:
        session.lock(set(roots) | session.locked)
        if session.parked & set(roots):
            raise Parked
        work = session.work(cause, if_match=if_match)
        try:
            reply = act(work)
        except TouchesParked:
            raise Parked from None
        session.merge(work.effects)
        session.flush()
        return reply

    def _serve(self, roots: Sequence[Root], body: Callable[[Session], Reply]) -> Reply:
        extra: set[Root] = set(roots)
        result: list[Reply] = []

        def run(session: Session) -> None:
            session.conn.execute("SET LOCAL lock_timeout = '2s'")
            session.locked = set(extra)
            result.append(body(session))

        for _ in range(MAX_REDO):
            result.clear()
            try:
                self.transaction(run)
            except MoreRoots as more:
                extra |= more.roots
                continue
            except Collision:
                continue
            except (sql.LockNotAvailable, sql.DeadlockDetected):
                raise Busy from None
            except psycopg.Error as error:
                self._raise_infrastructure(error)
                raise
            return result[0]
        raise Busy

    # -- common ---------------------------------------------------------------------------------------------------

    def transaction(self, body: Callable[[Session], None]) -> Session:
        """BEGIN, body, COMMIT; anything body raises rolls back."""
        conn = self.conn
        with conn.transaction():
            session = Session(conn, self.spec, self.codec, self.cipher, self.clock.now())
            body(session)
        return session

    def _plain(self, query: Callable[[Connection[Any]], T]) -> T:
        try:
            return query(self.conn)
        except psycopg.Error as error:
            self._raise_infrastructure(error)
            raise

    def _raise_infrastructure(self, error: Exception) -> None:
        if isinstance(error, psycopg.Error) and is_infrastructure(error):
            if self._conn is not None and (self._conn.closed or self._conn.broken):
                self.close()
            raise Infrastructure(f"database: {type(error).__name__}") from error
