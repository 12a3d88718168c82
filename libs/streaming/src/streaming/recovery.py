"""What an operator does after a fault: use a dead letter after all, release a parked root. Same handlers, in place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Protocol

from streaming import chunks, dead_letters, parking
from streaming.errors import Infrastructure, MoreRoots
from streaming.records import Bad, Item, Prepared, Record, Root
from streaming.session import Session
from streaming.unit_of_work import MAX_REDO, UnitOfWork


@dataclass(frozen=True, slots=True)
class Replayed:
    """outcome: what the ledger says now. reason: code when it is still quarantined or waits."""

    outcome: str
    reason: str | None


class Body(Protocol):
    """A transaction's body; extra: roots found necessary by earlier attempts."""

    def __call__(self, session: Session, extra: set[Root]) -> None: ...


class _Undo(Exception):
    """Roll back on purpose: dry run."""


def _prepare(uow: UnitOfWork, record: Record) -> Prepared:
    return uow.spec.topics[record.topic]([record])[0]


def replay(uow: UnitOfWork, topic: str, partition: int, offset: int, *, dry_run: bool) -> Replayed | None:
    """Run a stored dead letter through the service's handler and update its ledger row. Never produces the record again.

    None: there is no such dead letter. dry_run: tells what would happen and changes nothing.
    """
    record = dead_letters.fetch(uow.conn, uow.cipher, topic, partition, offset)
    if record is None:
        return None
    entry = _prepare(uow, record)
    results: list[Replayed] = []

    def body(session: Session, extra: set[Root]) -> None:
        roots = set(entry.roots) if isinstance(entry, Item) else set()
        session.lock(roots | extra)
        dedupe = [entry.dedupe] if isinstance(entry, Item) and entry.dedupe else []
        chunks.one(session, entry, session.seen(dedupe))
        still = session.bad[0].reason if session.bad else None
        session.bad.clear()  # its row exists already
        waits = bool(session.waiting)
        session.flush()
        if still is None:
            dead_letters.mark_replayed(session.conn, topic, partition, offset)
        results.append(Replayed("quarantined" if still else "pending" if waits else "used", still))
        if dry_run:
            raise _Undo

    try:
        _redo(uow, body)
    except _Undo:
        pass
    return results[-1]


def release(uow: UnitOfWork, root: Root) -> int:
    """Handle what waits behind a parked root, in arrival order, and remove the mark. Returns the number handled.

    A record that fails again parks the root again, with what is behind it.
    """
    handled: list[int] = []

    def attempt(session: Session, extra: set[Root]) -> None:
        waiting = parking.waiting(session.conn, uow.cipher, root)
        entries = [prepared.get(seq) for seq, _ in waiting]
        if None in entries:
            raise _Undo  # more has arrived meanwhile: prepare it too, outside the transaction
        roots = {other for entry in entries if isinstance(entry, Item) for other in entry.roots}
        session.lock({root} | roots | extra)
        if [seq for seq, _ in parking.waiting(session.conn, uow.cipher, root)] != [seq for seq, _ in waiting]:
            raise _Undo
        session.parked.discard(root)
        parking.clear(session.conn, root, [seq for seq, _ in waiting])
        seen = session.seen([entry.dedupe for entry in entries if isinstance(entry, Item) and entry.dedupe])
        for entry in entries:
            if entry is not None:
                chunks.one(session, entry, seen)
        _known_letters(session)
        session.flush()
        handled.append(len(entries) - len(session.waiting))

    for _ in range(MAX_REDO):
        prepared = {seq: _prepare(uow, record) for seq, record in parking.waiting(uow.conn, uow.cipher, root)}
        try:
            _redo(uow, attempt)
        except _Undo:
            continue
        return handled[-1]
    raise Infrastructure("records for this key keep arriving; try again")


def _known_letters(session: Session) -> None:
    """A dead letter that was replayed into a parked root and is bad again has its row already."""
    fresh: list[Bad] = []
    for bad in session.bad:
        place = (bad.record.topic, bad.record.partition, bad.record.offset)
        row = session.conn.execute('SELECT 1 FROM dead_letter WHERE topic = %s AND part = %s AND "offset" = %s', place).fetchone()
        if row is None:
            fresh.append(bad)
    session.bad[:] = fresh


def _redo(uow: UnitOfWork, body: Body) -> None:
    extra: set[Root] = set()
    for _ in range(MAX_REDO):
        try:
            uow.transaction(partial(body, extra=extra))
        except MoreRoots as more:
            extra |= more.roots
            continue
        return
    raise Infrastructure("the transaction did not settle")
