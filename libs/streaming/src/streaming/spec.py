"""What a service tells the shell about itself. One `Spec` per service, built in its `main.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from streaming.records import Item, Prepared, Record, Root

if TYPE_CHECKING:
    from psycopg import Connection

    from streaming.work import Work


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of document (lock root). The order of `Spec.kinds` is the lock order.

    type: a frozen msgspec.Struct with a default for every field added after schema 1.
    schema: number stored beside the bytes; `upgrade` maps an older number to a function of the decoded builtins.
    """

    name: str
    type: type[msgspec.Struct]
    schema: int = 1
    upgrade: Mapping[int, Callable[[Any], Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Due:
    """A timer row that fires. `as_of` of its work is `due_at`, however late it runs.

    revision: names this setting of the timer; with the id it is the cause of what firing does.
    """

    id: str
    root: Root
    due_at: datetime
    name: str
    payload: Mapping[str, Any]
    revision: str
    correlation_id: str


class Change(msgspec.Struct, frozen=True):
    """One document's value before and after the transaction (None = absent)."""

    kind: str
    key: str
    before: Any
    after: Any


def _no_links(kind: str, doc: Any) -> Sequence[Root]:
    return ()


def _no_journal(work: Work, record: Record, outcome: str, reason: str | None, record_id: str | None) -> None:
    return None


def _no_project(conn: Connection[Any], changes: Sequence[Change], rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    if rows:
        raise TypeError(f"rows appended for {sorted(rows)} but the service has no project function")


def _no_glance(conn: Connection[Any], now: datetime) -> Any:
    return None


def _nothing_pending(conn: Connection[Any], now: datetime) -> int:
    return 0


@dataclass(frozen=True, slots=True)
class Spec:
    """A service as the shell sees it.

    name         consumer group, event source and progress key ("earnings").
    kinds        document kinds in lock order (person, claimant, claim, then children such as coach).
    topics       inbound topic → prepare(records) → one Prepared for each record, same order. Runs in an executor
                 thread before the transaction; may do network; raises `Infrastructure` to wait. Must not raise for bad data.
    handle       one item, inside the transaction: read documents with work.get, decide by pure rules, work.put/emit/schedule.
    fire         one due item, same conventions; work.as_of = due_at.
    links        roots that belong together with this document (both directions): locked with it, so that handlers find them.
    journal      called once for every consumed record with its outcome
                 (applied | superseded | duplicate | pending | quarantined | ignored | any text set by work.outcome).
    project      writes query tables from changed documents and rows given to work.append; same transaction.
    glance       what handlers may look at beside their documents, such as a switch: asked for at most once a transaction, when a
                 handler calls `work.glance()`. Takes no lock that two transactions cannot both have.
    pending      number of due entries in the service's own queues at `now` (send queue), for /health/drained.
    """

    name: str
    kinds: tuple[Kind, ...]
    topics: Mapping[str, Callable[[Sequence[Record]], Sequence[Prepared]]]
    handle: Callable[[Work, Item], None]
    fire: Callable[[Work, Due], None]
    links: Callable[[str, Any], Sequence[Root]] = _no_links
    journal: Callable[[Work, Record, str, str | None, str | None], None] = _no_journal
    project: Callable[[Connection[Any], Sequence[Change], Mapping[str, Sequence[Mapping[str, Any]]]], None] = _no_project
    glance: Callable[[Connection[Any], datetime], Any] = _no_glance
    pending: Callable[[Connection[Any], datetime], int] = _nothing_pending
