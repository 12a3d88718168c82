"""Documents: read, lock, save. One row per lock root; msgpack of a frozen struct."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from psycopg import Connection

from streaming.errors import Fatal, UnknownSchema
from streaming.records import Root
from streaming.spec import Kind, Spec

_encode = msgspec.msgpack.Encoder().encode


class Collision(Exception):
    """Another transaction made the same new document first: roll back and redo."""


class Stored(msgspec.Struct, frozen=True):
    """A row as read. at: where it is (its `ctid`), when this transaction has locked it and not written it since."""

    schema: int
    version: int
    state: bytes | None
    at: str | None = None


class Codec:
    """Decodes and encodes the documents of one service."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self.kinds = {kind.name: kind for kind in kinds}
        self._decoders = {name: msgspec.msgpack.Decoder(kind.type) for name, kind in self.kinds.items()}

    def decode(self, kind: str, stored: Stored | None) -> Any:
        """The struct, or None. Raises UnknownSchema for a number this version cannot read."""
        if stored is None or stored.state is None:
            return None
        wanted = self.kinds[kind].schema
        if stored.schema == wanted:
            return self._decoders[kind].decode(stored.state)
        step = self.kinds[kind].upgrade.get(stored.schema)
        if step is None:
            raise UnknownSchema(
                f"a {kind} document has schema {stored.schema}, this version reads {wanted}: "
                "deploy a version that knows both, then start again"
            )
        return msgspec.convert(step(msgspec.msgpack.decode(stored.state)), self.kinds[kind].type)

    def encode(self, doc: Any) -> bytes:
        """msgpack bytes of the struct."""
        return _encode(doc)


COLUMNS = "key, schema, version, state"
AND_PLACE = f"{COLUMNS}, ctid::text"


def _select(conn: Connection[Any], kind: str, keys: list[str], columns: str = COLUMNS, suffix: str = "") -> dict[Root, Stored]:
    rows = conn.execute(
        f"SELECT {columns} FROM document WHERE kind = %s AND key = ANY(%b) ORDER BY key {suffix}",  # noqa: S608
        (kind, keys),
        binary=True,
    )
    return {(kind, key): Stored(*stored) for key, *stored in rows}


def peek(conn: Connection[Any], kinds: Iterable[str], roots: Iterable[Root]) -> dict[Root, Stored]:
    """Read without locking."""
    return _by_kind(conn, kinds, roots, COLUMNS, "")


def lock(conn: Connection[Any], kinds: Iterable[str], roots: Iterable[Root]) -> dict[Root, Stored]:
    """Lock the existing rows in the one order that every transaction uses: kind, then key."""
    return _by_kind(conn, kinds, roots, AND_PLACE, "FOR UPDATE")


def _by_kind(conn: Connection[Any], kinds: Iterable[str], roots: Iterable[Root], columns: str, suffix: str) -> dict[Root, Stored]:
    keys: dict[str, list[str]] = {}
    for kind, key in roots:
        keys.setdefault(kind, []).append(key)
    found: dict[Root, Stored] = {}
    for kind in kinds:
        if kind in keys:
            found.update(_select(conn, kind, sorted(keys[kind]), columns, suffix))
    return found


def save(conn: Connection[Any], codec: Codec, docs: Mapping[Root, Any], stored: Mapping[Root, Stored]) -> None:
    """Write changed documents: update those that were locked, insert the others. None deletes. Raises Collision.

    What was locked is written where it lies, without a second search by key: nobody else can move a row that we have locked.
    Raises Fatal when it is not there, because this transaction has written it since.
    """
    updates = [(root, doc) for root, doc in docs.items() if root in stored and doc is not None]
    inserts = [(root, doc) for root, doc in docs.items() if root not in stored and doc is not None]
    deletes = [root for root, doc in docs.items() if root in stored and doc is None]
    if updates:
        cursor = conn.execute(
            "UPDATE document d SET state = u.state, schema = u.schema, version = d.version + 1"
            " FROM unnest(%s::tid[], %b::int[], %b::bytea[]) AS u(at, schema, state) WHERE d.ctid = u.at",
            (_addresses(stored[root] for root, _ in updates), *_contents(codec, updates)),
        )
        if cursor.rowcount != len(updates):
            raise Fatal(f"{len(updates)} locked documents were to be written, {cursor.rowcount} were where they had been")
    if inserts:
        cursor = conn.execute(
            "INSERT INTO document (kind, key, schema, version, state)"
            " SELECT u.kind, u.key, u.schema, 1, u.state"
            " FROM unnest(%b::text[], %b::text[], %b::int[], %b::bytea[]) AS u(kind, key, schema, state)"
            " ORDER BY u.key, u.kind ON CONFLICT DO NOTHING",
            ([kind for (kind, _), _ in inserts], [key for (_, key), _ in inserts], *_contents(codec, inserts)),
        )
        if cursor.rowcount != len(inserts):
            raise Collision
    if deletes:
        conn.execute(
            "DELETE FROM document d USING unnest(%b::text[], %b::text[]) AS u(kind, key) WHERE d.key = u.key AND d.kind = u.kind",
            ([kind for kind, _ in deletes], [key for _, key in deletes]),
        )


# Arrays go to the server in binary (%b): as text every byte string would be escaped for the array literal, in Python.


def _addresses(rows: Iterable[Stored]) -> str:
    """tid[] as text."""
    return "{" + ",".join(f'"{row.at}"' for row in rows) + "}"


def _contents(codec: Codec, items: list[tuple[Root, Any]]) -> tuple[list[int], list[bytes]]:
    """schema[], state[]."""
    return [codec.kinds[kind].schema for (kind, _), _ in items], [codec.encode(doc) for _, doc in items]


def place(conn: Connection[Any], root: Root) -> None:
    """A row without content, so that a root nobody has written yet can be locked. Raises Collision."""
    cursor = conn.execute(
        "INSERT INTO document (kind, key, schema, version, state) VALUES (%s, %s, 0, 0, NULL) ON CONFLICT DO NOTHING", root
    )
    if cursor.rowcount != 1:
        raise Collision


def read(conn: Connection[Any], spec: Spec, kind: str, key: str) -> Any:
    """One document for a GET: no lock, a consistent committed value, or None."""
    return Codec(spec.kinds).decode(kind, _select(conn, kind, [key]).get((kind, key)))
