"""Due items inside their transaction: lock the roots, read their due rows again, fire in (due_at, id) order."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from psycopg import Connection

from streaming import due
from streaming.chunks import PASS_ON
from streaming.errors import MoreRoots
from streaming.records import Cause, Root
from streaming.session import Session, TouchesParked, describe
from streaming.spec import Due

log = structlog.get_logger()


def pick(conn: Connection[Any], now: datetime, limit: int) -> list[Root]:
    """Roots with something due, without locking."""
    return due.roots_due(conn, now, limit)


def run(session: Session, roots: Sequence[Root], extra: set[Root], limit: int) -> None:
    """Fire what is due for these roots, items set by earlier ones included, until none is left or `limit` fired."""
    session.lock(set(roots) | extra)
    queue = [
        (item.due_at, item.id, item.revision, item)
        for item in due.read(session.conn, roots, session.now, limit)
        if item.root not in session.parked
    ]
    heapq.heapify(queue)
    live = {item.id: item.revision for *_, item in queue}
    full = len(queue) >= limit  # rows beyond the limit fire next time, and new ones after them
    missing: set[Root] = set()
    short: set[Root] = set()
    while queue and len(session.fired) < limit:
        *_, item = heapq.heappop(queue)
        if live.get(item.id) != item.revision or item.root in session.parked or item.root in short:
            continue
        work = session.work(Cause(f"{item.id}:{item.revision}", item.correlation_id), as_of=item.due_at)
        try:
            session.spec.fire(work, item)
        except MoreRoots as more:  # asked for together, so that redoing does not grow with the number of items
            missing |= more.roots
            short.add(item.root)
            continue
        except PASS_ON:
            raise
        except TouchesParked as touched:
            session.park(item.root, f"waits for parked {touched.root[0]}")
            continue
        except Exception as error:  # a bug on one item: its root waits, the others fire
            log.error("timer.parked", timer=item.name, error=describe(error))
            session.park(item.root, describe(error))
            continue
        del live[item.id]
        session.fired.append(item)
        session.due.pop(item.id, None)  # it may have been set earlier in this very transaction
        session.merge(work.effects)
        for due_id, new in work.effects.due.items():
            live.pop(due_id, None)
            if new is not None and not full and new.due_at <= session.now and new.root in session.locked:
                live[due_id] = new.revision
                fresh = Due(due_id, new.root, new.due_at, new.name, new.payload, new.revision, new.correlation_id)
                heapq.heappush(queue, (fresh.due_at, fresh.id, fresh.revision, fresh))
    if missing:
        raise MoreRoots(missing)
    session.flush()


def park(session: Session, root: Root, error: str) -> None:
    """What is due for this root cannot be written: it waits, and what is due for others is not held up."""
    log.error("timer.parked", error=error)
    session.lock([root])
    session.park(root, error)
    session.flush()
