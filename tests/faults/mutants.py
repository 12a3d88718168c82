"""Promises of the shell, each broken on purpose in a running process, to see that the checker notices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import psycopg
from psycopg import Connection
from psycopg.rows import class_row

from streaming import dead_letters, idempotency, progress, relay
from streaming.crypto import FieldCipher
from streaming.records import Chunk, Record
from streaming.session import Session


def offsets_apart() -> None:
    """The offset row moves in a transaction of its own: a crash loses what the chunk would have done."""
    honest = progress.advance

    def advance(conn: Connection[Any], consumer: str, chunks: Sequence[Chunk]) -> None:
        with psycopg.connect(conn.info.dsn, password=conn.info.password, autocommit=True) as apart:
            honest(apart, consumer, chunks)

    progress.advance = advance


def outbox_emptied_first() -> None:
    """The relay commits the removal before it publishes: a crash loses events."""
    honest = relay.Relay._take

    def take(self: relay.Relay, conn: Connection[Any]) -> list[relay.Row]:
        rows = honest(self, conn)
        with psycopg.connect(conn.info.dsn, password=conn.info.password, autocommit=True) as apart:
            conn.execute("ROLLBACK")
            conn.execute("BEGIN")
            apart.execute("DELETE FROM outbox WHERE seq = ANY(%s)", ([row.seq for row in rows],))
        return rows

    relay.Relay._take = take  # type: ignore[method-assign]


def outbox_backwards() -> None:
    """The relay publishes the newest first."""

    def take(self: relay.Relay, conn: Connection[Any]) -> list[relay.Row]:
        with conn.cursor(row_factory=class_row(relay.Row)) as cursor:
            cursor.execute(
                "DELETE FROM outbox RETURNING seq, topic, key, id, type, subject, value, causation_id, correlation_id,"
                " traceparent, time"
            )
            return sorted(cursor.fetchall(), key=lambda row: -row.seq)

    relay.Relay._take = take  # type: ignore[method-assign]


def ids_anew() -> None:
    """The relay publishes everything twice, the second time as if it were something else."""
    honest = relay.Relay._take

    def take(self: relay.Relay, conn: Connection[Any]) -> list[relay.Row]:
        return [copy for row in honest(self, conn) for copy in (row, replace(row, id=f"{row.id}-again"))]

    relay.Relay._take = take  # type: ignore[method-assign]


def no_inbox() -> None:
    """What was handled before is not recognised."""
    honest = Session.flush

    def flush(self: Session) -> None:
        self.inbox.clear()
        honest(self)

    Session.seen = lambda self, ids: set()  # type: ignore[method-assign]
    Session.flush = flush  # type: ignore[method-assign]


def keys_not_kept() -> None:
    """A command repeated with its Idempotency-Key is done again."""
    idempotency.claim = lambda *_: None
    idempotency.store = lambda *_: None


def no_look_up() -> None:
    """The sender believes that what it does not know was not taken, and sends it again."""
    from notifications.senders.provider import NotThere, Provider

    Provider.look_up = lambda self, reference: NotThere()  # type: ignore[method-assign]


def talkative() -> None:
    """Whoever is looked for is told to the log."""
    from earnings.intake.identity import Pseudonyms

    honest = Pseudonyms.person

    def person(self: Pseudonyms, nino: str) -> str | None:
        print(f"looking for {nino}", flush=True)
        return honest(self, nino)

    Pseudonyms.person = person  # type: ignore[method-assign]


def no_audit() -> None:
    """Changes leave no row in the audit."""
    from web import commands

    commands._audited = lambda request, principal, act: act


def letters_cut_short() -> None:
    """A dead letter keeps only the beginning of the record."""
    honest = dead_letters.seal

    def seal(cipher: FieldCipher, record: Record) -> bytes:
        return honest(cipher, msgspec.structs.replace(record, value=(record.value or b"")[:4]))

    dead_letters.seal = seal


ALL: dict[str, Callable[[], None]] = {
    made.__name__: made
    for made in (
        offsets_apart, outbox_emptied_first, outbox_backwards, ids_anew, no_inbox, keys_not_kept, no_look_up, talkative, no_audit,
        letters_cut_short,
    )
}  # fmt: skip


def install(name: str) -> None:
    """Break it; the empty name breaks nothing."""
    if name:
        ALL[name]()
