"""The view a handler, timer or command has of one unit of work: documents, events, due items, rows.

Nothing here touches the database: changes are collected and written by `unit_of_work`. If the handler raises,
what it did in its own scope is dropped and its neighbours are kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec

from contracts import ids
from streaming.errors import MoreRoots, PreconditionFailed, Refused, TagMalformed
from streaming.records import Cause, Root

MAX_EVENT_BYTES = 900_000
_TAG = re.compile(r'(?:W/)?"[^"]*"')


derive_id = ids.derive
"""uuid5 of the parts, joined by a separator that no id may contain."""


class Outgoing(msgspec.Struct, frozen=True):
    """One outbox row to be."""

    topic: str
    key: str
    id: str
    type: str
    subject: str
    value: bytes
    cause: Cause
    time: datetime


@dataclass(frozen=True, slots=True)
class DueItem:
    """A timer to set. `id` is derived from the business key (flag id + step): setting it again moves it."""

    id: str
    root: Root
    due_at: datetime
    name: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    revision: str = ""
    correlation_id: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """A command's answer, stored with its idempotency key in the same transaction."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Effects(msgspec.Struct):
    """What one transaction will write, in order."""

    docs: dict[Root, Any] = {}
    outgoing: list[Outgoing] = []
    due: dict[str, DueItem | None] = {}
    rows: dict[str, list[Mapping[str, Any]]] = {}
    audit: list[Mapping[str, Any]] = []


class Work(msgspec.Struct, kw_only=True):
    """One cause's scope inside a transaction.

    now: the platform clock at the start of the transaction (aware, UTC). as_of: due_at of a timer, otherwise now.
    outcome, reason: what `journal` is told about a consumed record; set by the handler, default "applied".
    """

    cause: Cause
    now: datetime
    as_of: datetime
    load: Callable[[Root], Any]
    locked: Callable[[Root], bool]
    source: str
    if_match: str | None = None
    outcome: str = "applied"
    reason: str | None = None
    effects: Effects = msgspec.field(default_factory=Effects)
    ordinals: dict[str, int] = {}
    glance: Callable[[], Any] = lambda: None
    """What the service's `Spec.glance` says in this transaction: read without owning it, never to be put."""

    def get(self, kind: str, key: str) -> Any:
        """The document (a frozen struct) or None. Locks it: if it was not foreseen, the transaction is redone with it."""
        root = (kind, key)
        if root in self.effects.docs:
            return self.effects.docs[root]
        if not self.locked(root):
            raise MoreRoots([root])
        return self.load(root)

    def put(self, kind: str, key: str, doc: Any) -> None:
        """Save the document; None deletes it."""
        root = (kind, key)
        if not self.locked(root):
            raise MoreRoots([root])
        self.effects.docs[root] = doc

    def emit(self, topic: str, key: str, event: msgspec.Struct, *, subject: str | None = None) -> str:
        """Publish `event` (type = its class name) under partition key `key` (the claim id). Returns its `ce_id`."""
        name = type(event).__name__
        value = msgspec.json.encode(event)
        if len(value) > MAX_EVENT_BYTES:
            raise ValueError(f"{name} has {len(value)} bytes; the broker takes {MAX_EVENT_BYTES} at most")
        event_id = self.next_id(name)
        self.effects.outgoing.append(Outgoing(topic, key, event_id, name, subject or key, value, self.cause, self.now))
        return event_id

    def next_id(self, name: str) -> str:
        """A new id: uuid5(cause id, name, ordinal)."""
        ordinal = self.ordinals.get(name, 0)
        self.ordinals[name] = ordinal + 1
        return derive_id(self.source, self.cause.id, name, str(ordinal))

    def schedule(self, item: DueItem) -> None:
        """Set or move a timer. A time in the past fires at once. revision and correlation_id are filled in here."""
        revision = self.next_id(f"due:{item.id}")
        self.effects.due[item.id] = replace(item, revision=revision, correlation_id=self.cause.correlation_id)

    def cancel(self, due_id: str) -> None:
        """Remove a timer if it is set."""
        self.effects.due[due_id] = None

    def append(self, table: str, **row: Any) -> None:
        """Hand a row to the service's `project` function (ledger, decisions, …)."""
        self.effects.rows.setdefault(table, []).append(row)

    def audit(
        self, *, actor: str, action: str, resource: str, granted: bool = True, reason: str | None = None, **ids: str
    ) -> None:
        """Write one audit row with this change. Ids only, never values."""
        self.effects.audit.append(
            {"actor": actor, "action": action, "resource": resource, "granted": granted, "reason": reason, "ids": ids}
        )

    def require_match(self, etag: str) -> None:
        """428 without If-Match, 400 when it holds no quoted tags, 412 when it names another version than `etag`."""
        if self.if_match is None:
            raise Refused(428, "if-match-required", "Send If-Match with the ETag you read.")
        if self.if_match == "*":
            return
        tags = [tag.strip() for tag in self.if_match.split(",")]
        if not all(_TAG.fullmatch(tag) for tag in tags):
            raise TagMalformed
        if etag not in tags:
            raise PreconditionFailed
