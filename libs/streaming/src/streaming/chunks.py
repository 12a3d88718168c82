"""A merged chunk inside its transaction: fence, lock, handle every record in order, write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import psycopg
import structlog

from streaming import parking, progress
from streaming.documents import Collision
from streaming.errors import Fatal, Infrastructure, MoreRoots, Rejected, StopLimit
from streaming.records import Bad, Cause, Item, Prepared, PreparedChunk, Record, Root
from streaming.session import Session, TouchesParked, describe
from streaming.work import Work

if TYPE_CHECKING:
    from streaming.unit_of_work import Limits

log = structlog.get_logger()
PASS_ON = (MoreRoots, Infrastructure, Fatal, psycopg.Error, Collision)


def run(session: Session, prepared: Sequence[PreparedChunk], extra: set[Root], *, careful: bool) -> None:
    """Everything between BEGIN and COMMIT. careful: write after each record under a savepoint, to find a refused one."""
    progress.advance(session.conn, session.spec.name, [item.chunk for item in prepared])
    entries = [entry for item in prepared for entry in item.entries]
    items = [entry for entry in entries if isinstance(entry, Item)]
    session.lock({root for item in items for root in item.roots} | extra)
    seen = session.seen([item.dedupe for item in items if item.dedupe is not None])
    if careful:
        _carefully(session, entries, seen)
        return
    _all(session, entries, seen)
    session.flush()


def _all(session: Session, entries: Sequence[Prepared], seen: set[str]) -> None:
    """Handle every record. Roots that were not foreseen are asked for together, so that redoing does not grow with the chunk."""
    missing: set[Root] = set()
    short: set[Root] = set()
    for entry in entries:
        if short and isinstance(entry, Item) and not short.isdisjoint(entry.roots):
            continue  # an earlier record of this root has to be redone first
        try:
            one(session, entry, seen)
        except MoreRoots as more:
            missing |= more.roots
            short.update(entry.roots if isinstance(entry, Item) else ())
    if missing:
        raise MoreRoots(missing)


def one(session: Session, entry: Prepared, seen: set[str]) -> None:
    """Handle one record in its own scope."""
    if isinstance(entry, Item):
        _item(session, entry, seen)
    elif isinstance(entry, Bad):
        session.bad.append(entry)
        _journal(session, entry.record, "quarantined", entry.reason, entry.record_id)
    else:
        _journal(session, entry.record, "ignored", entry.reason, entry.record_id)


def _item(session: Session, item: Item, seen: set[str]) -> None:
    if session.parked:
        parked = next((root for root in item.roots if root in session.parked), None)
        if parked is not None:
            _wait(session, parked, item)
            return
    if item.dedupe is not None and item.dedupe in seen:
        _journal(session, item.record, "duplicate", None, item.record_id)
        return
    work = session.work(item.cause)
    try:
        session.spec.handle(work, item)
        session.spec.journal(work, item.record, work.outcome, work.reason, item.record_id)
    except PASS_ON:
        raise
    except Rejected as rejected:
        session.bad.append(Bad(item.record, rejected.reason, item.record_id))
        _journal(session, item.record, "quarantined", rejected.reason, item.record_id)
        return
    except TouchesParked as touched:
        _wait(session, touched.root, item)
        return
    except Exception as error:  # a bug on one event: it waits, its neighbours flow
        log.error("event.parked", topic=item.record.topic, partition=item.record.partition, offset=item.record.offset,
                  error=describe(error))  # fmt: skip
        session.park(item.roots[0], describe(error))
        _wait(session, item.roots[0], item)
        return
    session.merge(work.effects)
    if work.outcome == "quarantined":  # the handler refuses the record but keeps a note of it (a conflict)
        session.bad.append(Bad(item.record, work.reason or "refused", item.record_id))
    session.outcomes.append((item.record.topic, work.outcome))
    if item.dedupe is not None:
        session.inbox.append(item.dedupe)
        seen.add(item.dedupe)


def _wait(session: Session, root: Root, item: Item) -> None:
    session.waiting.append((root, item.record))
    _journal(session, item.record, "pending", "parked", item.record_id)


def _journal(session: Session, record: Record, outcome: str, reason: str | None, record_id: str | None) -> None:
    work: Work = session.work(Cause(f"{record.topic}/{record.partition}/{record.offset}", ""))
    session.spec.journal(work, record, outcome, reason, record_id)
    session.merge(work.effects)
    session.outcomes.append((record.topic, outcome))


def _carefully(session: Session, entries: Sequence[Prepared], seen: set[str]) -> None:
    """One savepoint per record: the record whose writes the database refuses parks, the others are applied."""
    for entry in entries:
        fresh = _fresh(session)
        known = set(seen)
        try:
            with session.conn.transaction():
                one(fresh, entry, known)
                fresh.flush()
        except Exception as error:
            if not (refused(error) and isinstance(entry, Item)):
                raise
            fresh = _fresh(session)
            with session.conn.transaction():
                fresh.park(entry.roots[0], describe(error))
                _wait(fresh, entry.roots[0], entry)
                fresh.flush()
            known = set(seen)
        seen.clear()
        seen.update(known)
        session.bad.extend(fresh.bad)
        session.outcomes.extend(fresh.outcomes)
        session.newly_parked.extend(fresh.newly_parked)
        session.parked |= fresh.parked


def refused(error: Exception) -> bool:
    """Whether it lies in what one event or timer wants written (a value that cannot be packed, or that the database does not
    take, or finds too large): then its root waits, and the others go on."""
    if isinstance(error, psycopg.Error):
        return isinstance(error, psycopg.DataError | psycopg.IntegrityError) or (error.sqlstate or "").startswith("54")
    return not isinstance(error, PASS_ON)


def _fresh(session: Session) -> Session:
    """A session on the same transaction that reads the rows again: earlier records may have changed them."""
    fresh = Session(session.conn, session.spec, session.codec, session.cipher, session.now)
    fresh.lock(session.locked)
    return fresh


def bad_run(before: int, prepared: Sequence[PreparedChunk], session: Session) -> int:
    """Length of the run of dead letters at the end of what was just committed."""
    if not session.bad:
        return 0 if any(item.entries for item in prepared) else before
    dead = {(bad.record.topic, bad.record.partition, bad.record.offset) for bad in session.bad}
    run_length = before
    for item in prepared:
        for entry in item.entries:
            record = entry.record
            run_length = run_length + 1 if (record.topic, record.partition, record.offset) in dead else 0
    return run_length


def check_limits(limits: Limits, bad_in_a_row: int, session: Session) -> None:
    """Raises StopLimit, after the commit, when a person should look before more is consumed."""
    if bad_in_a_row >= limits.dead_letters_in_a_row:
        raise StopLimit(f"{bad_in_a_row} dead letters in a row: see `dlq list`; DEAD_LETTERS_IN_A_ROW sets the limit")
    if session.newly_parked:
        count = parking.newly_parked(session.conn)
        if count > limits.parked_roots_per_hour:
            raise StopLimit(f"{count} keys parked within an hour: see `parked list`; PARKED_ROOTS_PER_HOUR sets the limit")
