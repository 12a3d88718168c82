"""Decisions at rest: encrypted with a key per person and claim, chained by hash over the ciphertext.

Deleting the key erases what was decided about the person; the chain stays whole.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import Connection
from psycopg.rows import dict_row

from referrals.records import Record
from referrals.rules.evaluation import Book, Evaluation, evaluate
from streaming.crypto import FieldCipher

START = b"\x00" * 32
COLUMNS = "claim_id, seq, decision_id, claimant_id, period_id, step, as_of, made_at, rule_set, record, hash"

_records = msgspec.msgpack.Decoder(Record)
_books = msgspec.msgpack.Decoder(Book)


class Erased(Exception):
    """The key is gone: what was decided can no longer be read."""


def link(previous: bytes, row: Mapping[str, Any]) -> bytes:
    """The row's hash: over the previous row's, the row's plain columns and its ciphertext."""
    digest = hashlib.sha256(previous)
    for name in ("claim_id", "seq", "decision_id", "claimant_id", "period_id", "step", "as_of", "made_at", "rule_set"):
        value = row[name]
        text = value.isoformat() if hasattr(value, "isoformat") else str(value)
        digest.update(len(text).to_bytes(4, "big") + text.encode())
    digest.update(bytes(row["record"]))
    return digest.digest()


def append(conn: Connection[Any], cipher: FieldCipher, rows: Sequence[Mapping[str, Any]]) -> None:
    """Encrypt, chain and store decisions, in the transaction that holds the claims' locks."""
    keys = _keys(conn, cipher, {(row["claim_id"], row["claimant_id"]) for row in rows})
    claims = sorted({row["claim_id"] for row in rows})
    heads = {
        claim_id: (seq, bytes(head))
        for claim_id, seq, head in conn.execute(
            "SELECT claim_id, seq, hash FROM decision_head WHERE claim_id = ANY(%s)", (claims,)
        )
    }
    stored = []
    for row in rows:
        seq, head = heads.get(row["claim_id"], (0, START))
        plain = msgspec.msgpack.encode(row["record"])
        sealed = _seal(keys[row["claim_id"], row["claimant_id"]], plain, row["decision_id"])
        full = {**row, "seq": seq + 1, "record": sealed}
        full["hash"] = link(head, full)
        heads[row["claim_id"]] = (seq + 1, full["hash"])
        stored.append(full)
    names = COLUMNS.split(", ")
    conn.execute(
        f"INSERT INTO decision ({COLUMNS}) SELECT * FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::text[], %s::text[],"  # noqa: S608
        " %s::text[], %s::date[], %s::timestamptz[], %s::text[], %s::bytea[], %s::bytea[])",
        [[row[name] for row in stored] for name in names],
    )
    conn.execute(
        "INSERT INTO decision_head SELECT * FROM unnest(%s::text[], %s::bigint[], %s::bytea[])"
        " ON CONFLICT (claim_id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
        (claims, [heads[claim][0] for claim in claims], [heads[claim][1] for claim in claims]),
    )


def _keys(conn: Connection[Any], cipher: FieldCipher, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], AESGCM]:
    people = sorted(wanted)
    columns = ([claim for claim, _ in people], [person for _, person in people])
    found = {
        (claim, person): bytes(key)
        for claim, person, key in conn.execute(
            "SELECT k.claim_id, k.claimant_id, k.key FROM decision_key k JOIN unnest(%s::text[], %s::text[]) AS u(c, p)"
            " ON k.claim_id = u.c AND k.claimant_id = u.p",
            columns,
        )
    }
    fresh = {person: os.urandom(32) for person in people if person not in found}
    if fresh:
        sealed = [cipher.encrypt(key, _place(*person)) for person, key in fresh.items()]
        conn.execute(
            "INSERT INTO decision_key SELECT * FROM unnest(%s::text[], %s::text[], %s::bytea[])",
            ([claim for claim, _ in fresh], [person for _, person in fresh], sealed),
        )
    opened = {person: cipher.decrypt(key, _place(*person)) for person, key in found.items()} | fresh
    return {person: AESGCM(key) for person, key in opened.items()}


def _place(claim_id: str, claimant_id: str) -> bytes:
    return f"decision key/{claim_id}/{claimant_id}".encode()


def _seal(key: AESGCM, plain: bytes, decision_id: str) -> bytes:
    nonce = os.urandom(12)
    return nonce + key.encrypt(nonce, plain, decision_id.encode())


def erase(conn: Connection[Any], people: Iterable[tuple[str, str]]) -> None:
    """Delete the keys of these (claim, person) pairs."""
    pairs = sorted(set(people))
    conn.execute(
        "DELETE FROM decision_key k USING unnest(%s::text[], %s::text[]) AS u(c, p)"
        " WHERE k.claim_id = u.c AND k.claimant_id = u.p",
        ([claim for claim, _ in pairs], [person for _, person in pairs]),
    )


def keep_rule_set(conn: Connection[Any], book: Book) -> None:
    """Store a rule set once, so that its decisions can be recomputed when it is no longer in force."""
    conn.execute("INSERT INTO rule_set VALUES (%s, %s) ON CONFLICT DO NOTHING", (book.version, msgspec.msgpack.encode(book)))


# ---- reading ----


def find(conn: Connection[Any], decision_id: str) -> dict[str, Any] | None:
    """One stored decision."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(f"SELECT {COLUMNS} FROM decision WHERE decision_id = %s", (decision_id,)).fetchone()  # noqa: S608


def of_claimant(conn: Connection[Any], claimant_id: str, after: tuple[Any, ...] | None, limit: int) -> list[dict[str, Any]]:
    """Decisions about a person, newest first; of one instant, the later in its claim's chain first."""
    at, seq, key = after or (None, None, None)
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            f"SELECT {COLUMNS} FROM decision WHERE claimant_id = %s"  # noqa: S608
            " AND (%s::timestamptz IS NULL OR (made_at, seq, decision_id) < (%s, %s, %s))"
            " ORDER BY made_at DESC, seq DESC, decision_id DESC LIMIT %s",
            (claimant_id, at, at, seq, key, limit),
        ).fetchall()


def everything(conn: Connection[Any]) -> Iterator[dict[str, Any]]:
    """Every decision, claim by claim in chain order."""
    place = ("", 0)
    while True:
        with conn.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(
                f"SELECT {COLUMNS} FROM decision WHERE (claim_id, seq) > (%s, %s) ORDER BY claim_id, seq LIMIT 500",  # noqa: S608
                place,
            ).fetchall()
        if not rows:
            return
        yield from rows
        place = (rows[-1]["claim_id"], rows[-1]["seq"])


def head(conn: Connection[Any], claim_id: str) -> tuple[int, bytes] | None:
    """(seq, hash) of a claim's last decision."""
    found = conn.execute("SELECT seq, hash FROM decision_head WHERE claim_id = %s", (claim_id,)).fetchone()
    return None if found is None else (int(found[0]), bytes(found[1]))


def headless(conn: Connection[Any]) -> list[tuple[str, int]]:
    """(claim, seq of its last decision) where no decision is left."""
    rows = conn.execute(
        "SELECT h.claim_id, h.seq FROM decision_head h"
        " WHERE NOT EXISTS (SELECT 1 FROM decision d WHERE d.claim_id = h.claim_id) ORDER BY h.claim_id"
    )
    return [(claim_id, seq) for claim_id, seq in rows]


def exists(conn: Connection[Any], claim_id: str, seq: int) -> bool:
    """There is a decision at that place of the claim's chain."""
    found = conn.execute("SELECT 1 FROM decision WHERE claim_id = %s AND seq = %s", (claim_id, seq)).fetchone()
    return found is not None


def open_record(conn: Connection[Any], cipher: FieldCipher, row: Mapping[str, Any], *, chained: bool | None = None) -> Record:
    """Decrypt and decode. chained: the row is known to be in its chain (or not). Raises Erased; ValueError when changed."""
    person = (row["claim_id"], row["claimant_id"])
    found = conn.execute("SELECT key FROM decision_key WHERE claim_id = %s AND claimant_id = %s", person).fetchone()
    if found is None:
        raise Erased
    key = AESGCM(cipher.decrypt(bytes(found[0]), _place(*person)))
    sealed = bytes(row["record"])
    try:
        return _records.decode(key.decrypt(sealed[:12], sealed[12:], row["decision_id"].encode()))
    except InvalidTag:
        # Encrypted before an erasure (under a key that is gone), or changed since: the chain tells which.
        if chain_intact(conn, row) if chained is None else chained:
            raise Erased from None
        raise ValueError("the decision was changed") from None


def chain_intact(conn: Connection[Any], row: Mapping[str, Any]) -> bool:
    """The row's hash follows from the row before it."""
    before = conn.execute(
        "SELECT hash FROM decision WHERE claim_id = %s AND seq = %s", (row["claim_id"], row["seq"] - 1)
    ).fetchone()
    previous = START if row["seq"] == 1 else bytes(before[0]) if before is not None else b""
    return link(previous, row) == bytes(row["hash"])


def recompute(
    conn: Connection[Any], cipher: FieldCipher, row: Mapping[str, Any], *, chained: bool | None = None
) -> tuple[bool, Evaluation]:
    """(identical?, the evaluation made again) from a decision's record and rule set alone. Raises Erased, ValueError."""
    record = open_record(conn, cipher, row, chained=chained)
    if record.rule_set != row["rule_set"] or record.step != row["step"] or record.inputs.as_of != row["as_of"]:
        raise ValueError("the row names another decision than its record")
    stored = conn.execute("SELECT book FROM rule_set WHERE version = %s", (record.rule_set,)).fetchone()
    if stored is None:
        raise ValueError("the rule set of the decision is missing")
    again = evaluate(record.inputs, _books.decode(bytes(stored[0])))
    return again == record.evaluation, again
