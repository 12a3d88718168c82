"""Documents: read, lock, save. One row per lock root; msgpack of a frozen struct."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from psycopg import Connection

from streaming.errors import UnknownSchema
from streaming.records import Root
from streaming.spec import Kind, Spec

_encode = msgspec.msgpack.Encoder().encode


class Collision(Exception):
    """Another transaction made the same new document first: roll back and redo."""


class Stored(msgspec.Struct, frozen=True):
    """A row as read."""

    schema: int
    version: int
    state: bytes | None


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


def _select(conn: Connection[Any], kind: str, keys: list[str], suffix: str) -> dict[Root, Stored]:
    rows = conn.execute(
        f"SELECT key, schema, version, state FROM document WHERE kind = %s AND key = ANY(%b) ORDER BY key {suffix}",  # noqa: S608
        (kind, keys),
        binary=True,
    )
    return {(kind, key): Stored(schema, version, state) for key, schema, version, state in rows}


def peek(conn: Connection[Any], kinds: Iterable[str], roots: Iterable[Root]) -> dict[Root, Stored]:
    """Read without locking."""
    return _by_kind(conn, kinds, roots, "")


def lock(conn: Connection[Any], kinds: Iterable[str], roots: Iterable[Root]) -> dict[Root, Stored]:
    """Lock the existing rows in the one order that every transaction uses: kind, then key."""
    return _by_kind(conn, kinds, roots, "FOR UPDATE")


def _by_kind(conn: Connection[Any], kinds: Iterable[str], roots: Iterable[Root], suffix: str) -> dict[Root, Stored]:
    keys: dict[str, list[str]] = {}
    for kind, key in roots:
        keys.setdefault(kind, []).append(key)
    found: dict[Root, Stored] = {}
    for kind in kinds:
        if kind in keys:
            found.update(_select(conn, kind, sorted(keys[kind]), suffix))
    return found


def save(conn: Connection[Any], codec: Codec, docs: Mapping[Root, Any], stored: Mapping[Root, Stored]) -> None:
    """Write changed documents: update those that were locked, insert the others. None deletes. Raises Collision."""
    updates = [(root, doc) for root, doc in docs.items() if root in stored and doc is not None]
    inserts = [(root, doc) for root, doc in docs.items() if root not in stored and doc is not None]
    deletes = [root for root, doc in docs.items() if root in stored and doc is None]
    if updates:
        conn.execute(
            "UPDATE document d SET state = u.state, schema = u.schema, version = d.version + 1"
            " FROM unnest(%b::text[], %b::text[], %b::int[], %b::bytea[]) AS u(kind, key, schema, state)"
            " WHERE d.key = u.key AND d.kind = u.kind",
            _columns(codec, updates),
        )
    if inserts:
        cursor = conn.execute(
            "INSERT INTO document (kind, key, schema, version, state)"
            " SELECT u.kind, u.key, u.schema, 1, u.state"
            " FROM unnest(%b::text[], %b::text[], %b::int[], %b::bytea[]) AS u(kind, key, schema, state)"
            " ORDER BY u.key, u.kind ON CONFLICT DO NOTHING",
            _columns(codec, inserts),
        )
        if cursor.rowcount != len(inserts):
            raise Collision
    if deletes:
        conn.execute(
            "DELETE FROM document d USING unnest(%b::text[], %b::text[]) AS u(kind, key) WHERE d.key = u.key AND d.kind = u.kind",
            ([kind for kind, _ in deletes], [key for _, key in deletes]),
        )


# Arrays go to the server in binary (%b): as text every byte string would be escaped for the array literal, in Python.


def _columns(codec: Codec, items: list[tuple[Root, Any]]) -> tuple[list[str], list[str], list[int], list[bytes]]:
    return (
        [kind for (kind, _), _ in items],
        [key for (_, key), _ in items],
        [codec.kinds[kind].schema for (kind, _), _ in items],
        [codec.encode(doc) for _, doc in items],
    )


def place(conn: Connection[Any], root: Root) -> None:
    """A row without content, so that a root nobody has written yet can be locked. Raises Collision."""
    cursor = conn.execute(
        "INSERT INTO document (kind, key, schema, version, state) VALUES (%s, %s, 0, 0, NULL) ON CONFLICT DO NOTHING", root
    )
    if cursor.rowcount != 1:
        raise Collision


def read(conn: Connection[Any], spec: Spec, kind: str, key: str) -> Any:
    """One document for a GET: no lock, a consistent committed value, or None."""
    return Codec(spec.kinds).decode(kind, _select(conn, kind, [key], "").get((kind, key)))
