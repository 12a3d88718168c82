"""The inside of one transaction: what is locked, what is parked, and what will be written when it ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import Connection

from streaming import audit, dead_letters, documents, due, outbox, parking
from streaming.crypto import FieldCipher
from streaming.documents import Codec, Stored
from streaming.errors import MoreRoots
from streaming.records import Bad, Cause, Record, Root
from streaming.spec import Change, Due, Spec
from streaming.work import DueItem, Effects, Outgoing, Work

_UNREAD: Any = object()


class TouchesParked(Exception):
    """A handler reached for a parked document: its cause must wait behind that root."""

    def __init__(self, root: Root) -> None:
        super().__init__("parked")
        self.root = root


@dataclass(slots=True)
class Session:
    """One transaction's memory. Made after BEGIN (and after the fence, for chunks); `flush` writes everything at once."""

    conn: Connection[Any]
    spec: Spec
    codec: Codec
    cipher: FieldCipher
    now: datetime
    stored: dict[Root, Stored] = field(default_factory=dict)
    locked: set[Root] = field(default_factory=set)
    parked: set[Root] = field(default_factory=set)
    docs: dict[Root, Any] = field(default_factory=dict)
    peeked: dict[Root, tuple[int, Any]] = field(default_factory=dict)
    changed: dict[Root, Any] = field(default_factory=dict)
    outgoing: list[Outgoing] = field(default_factory=list)
    due: dict[str, DueItem | None] = field(default_factory=dict)
    fired: list[Due] = field(default_factory=list)
    rows: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    audit: list[Mapping[str, Any]] = field(default_factory=list)
    bad: list[Bad] = field(default_factory=list)
    newly_parked: list[tuple[Root, str]] = field(default_factory=list)
    waiting: list[tuple[Root, Record]] = field(default_factory=list)
    inbox: list[str] = field(default_factory=list)
    outcomes: list[tuple[str, str]] = field(default_factory=list)
    glanced: tuple[Any] | None = None

    def lock(self, roots: Iterable[Root]) -> None:
        """Lock the roots and everything linked to them, in the platform's one lock order.

        The linked set is found by reading without locks first; what another transaction linked meanwhile shows after
        locking and raises MoreRoots, so that nothing is ever locked out of order.
        """
        order = [kind.name for kind in self.spec.kinds]
        wanted = set(roots)
        if len(order) > 1:
            wanted = self._closure(wanted, documents.peek(self.conn, order, wanted), follow=True)
        self.stored = documents.lock(self.conn, order, wanted)
        self.locked = wanted
        if len(order) > 1:
            missing = self._closure(set(wanted), self.stored, follow=False) - wanted
            if missing:
                raise MoreRoots(missing)
        self.parked = parking.marks(self.conn, wanted) if wanted else set()

    def _closure(self, seen: set[Root], stored: Mapping[Root, Stored], *, follow: bool) -> set[Root]:
        order = [kind.name for kind in self.spec.kinds]
        fresh = stored
        while True:  # the set only grows, and there are only so many documents
            linked = {
                link
                for (kind, key), row in fresh.items()
                if (doc := self._decode((kind, key), row)) is not None
                for link in self.spec.links(kind, doc)
            }
            new = linked - seen
            seen |= new
            if not new or not follow:
                return seen
            fresh = documents.peek(self.conn, order, new)

    def _decode(self, root: Root, row: Stored | None) -> Any:
        """Decoded once per version: the unlocked and the locked read of a row nearly always agree."""
        if row is None:
            return None
        known = self.peeked.get(root)
        if known is not None and known[0] == row.version:
            return known[1]
        doc = self.codec.decode(root[0], row)
        self.peeked[root] = (row.version, doc)
        return doc

    def original(self, root: Root) -> Any:
        """The document as it was when the transaction locked it."""
        doc = self.docs.get(root, _UNREAD)
        if doc is _UNREAD:
            row = self.stored.get(root)
            doc = self.docs[root] = self._decode(root, row) if self.peeked else self.codec.decode(root[0], row)
        return doc

    def load(self, root: Root) -> Any:
        """Current value in this transaction. Raises TouchesParked."""
        if self.parked and root in self.parked:
            raise TouchesParked(root)
        doc = self.changed.get(root, _UNREAD)
        return self.original(root) if doc is _UNREAD else doc

    def work(self, cause: Cause, *, as_of: datetime | None = None, if_match: str | None = None) -> Work:
        """A scope for one cause; its effects count only after `merge`."""
        return Work(
            cause=cause,
            now=self.now,
            as_of=as_of or self.now,
            load=self.load,
            locked=self.locked.__contains__,
            source=self.spec.name,
            if_match=if_match,
            glance=self.glance,
        )

    def glance(self) -> Any:
        """The service's glance, taken once."""
        if self.glanced is None:
            self.glanced = (self.spec.glance(self.conn, self.now),)
        return self.glanced[0]

    def merge(self, effects: Effects) -> None:
        """The scope ended well: keep what it did."""
        if effects.docs:
            self.changed.update(effects.docs)
        if effects.outgoing:
            self.outgoing.extend(effects.outgoing)
        if effects.due:
            self.due.update(effects.due)
        if effects.rows:
            for table, rows in effects.rows.items():
                self.rows.setdefault(table, []).extend(rows)
        if effects.audit:
            self.audit.extend(effects.audit)

    def park(self, root: Root, error: str) -> None:
        """Mark a root as parked from here on. A root nobody has written gets an empty row, so that it can be locked."""
        if root in self.parked:
            return
        if root not in self.stored and self.changed.get(root) is None:
            documents.place(self.conn, root)
            self.stored[root] = Stored(0, 0, None)
        self.parked.add(root)
        self.newly_parked.append((root, error))

    def flush(self) -> None:
        """Write everything. Documents first: their rows order this claim's events against other transactions."""
        changes: list[Change] = []
        altered: dict[Root, Any] = {}
        for root, after in self.changed.items():
            before = self.original(root)
            if after is not before:
                changes.append(Change(*root, before, after))
                altered[root] = after
        documents.save(self.conn, self.codec, altered, self.stored)
        outbox.append(self.conn, self.outgoing)
        if self.due or self.fired:
            due.write(self.conn, self.due, self.fired)
        dead_letters.append(self.conn, self.cipher, self.bad)
        parking.park(self.conn, self.newly_parked)
        parking.append(self.conn, self.cipher, self.waiting)
        if self.inbox:
            self.conn.execute("INSERT INTO inbox (id) SELECT unnest(%s::text[])", (self.inbox,))
        audit.write(self.conn, self.audit)
        if changes or self.rows:
            self.spec.project(self.conn, changes, self.rows)

    def seen(self, ids: Sequence[str]) -> set[str]:
        """Which of these inbox ids were handled before."""
        if not ids:
            return set()
        return {row[0] for row in self.conn.execute("SELECT id FROM inbox WHERE id = ANY(%s)", (list(ids),))}


def describe(error: BaseException) -> str:
    """Type and place of an exception, without its text: texts can hold values."""
    trace = error.__traceback__
    place = "unknown"
    while trace is not None:
        place = f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__} at {place}"
