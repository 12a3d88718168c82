"""Counts of what was read and what became of it: by topic, by day, by claim. And whether what waits is really kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from psycopg import Connection

from contracts import topics
from earnings.kinds import CLAIM, PAYMENT, PERSON, STATEMENT
from earnings.model import Claim, PaymentKey, Person, Source, StatementKey
from earnings.reconcile.holding import Unexplained
from streaming import documents
from streaming.documents import Codec, Stored
from streaming.spec import Spec

MISSING = "unknown"
"""Stands for the outcome of a message without a ledger row."""

BATCH = 2000
_OUTCOME = "coalesce(l.outcome, 'unknown')"
_JOINED = 'FROM seen s LEFT JOIN ledger l USING (topic, part, "offset")'


def by_day(conn: Connection[Any]) -> list[tuple[str, str, str, int]]:
    """(topic, day of arrival in UTC, outcome, messages), in order."""
    rows = conn.execute(f"SELECT topic, s.day::text, {_OUTCOME}, count(*) {_JOINED} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3")
    return [(topic, day, outcome, count) for topic, day, outcome, count in rows]


def by_claim(conn: Connection[Any], spec: Spec) -> list[tuple[str, str, int]]:
    """(claim id, outcome, messages), for messages whose claim is known today. A claimant of two claims counts for both."""
    conn.execute("CREATE TEMP TABLE owner (topic text NOT NULL, record_id text NOT NULL, claim_id text NOT NULL) ON COMMIT DROP")
    codec = Codec(spec.kinds)
    with conn.cursor("claims", binary=True) as claims:
        claims.execute("SELECT key, schema, version, state FROM document WHERE kind = %s", (CLAIM,))
        while rows := claims.fetchmany(BATCH):
            owned = [
                owner
                for key, schema, version, state in rows
                for owner in _owned(key, codec.decode(CLAIM, Stored(schema, version, state)))
            ]
            columns = list(zip(*owned, strict=True))
            conn.execute("INSERT INTO owner SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])", [list(c) for c in columns])
    conn.execute("ANALYZE owner")
    counted = conn.execute(
        f"SELECT o.claim_id, {_OUTCOME}, count(*) {_JOINED}"  # noqa: S608
        " JOIN (SELECT DISTINCT * FROM owner) o ON o.topic = s.topic AND o.record_id = s.record_id GROUP BY 1, 2 ORDER BY 1, 2"
    )
    return [(claim, outcome, count) for claim, outcome, count in counted]


def _owned(key: str, claim: Claim | None) -> Iterator[tuple[str, str, str]]:
    """(topic, record id, claim id) of everything that a claim's document names."""
    yield topics.UCFS_CONTRACT, key, key
    if claim is None:
        return
    for statement in (*(known.statement_id for known in claim.statements), *claim.past_statements):
        yield topics.UCFS_STATEMENT, statement, key
    for payment in claim.attributed:
        yield topics.RTI_PAYMENT, payment, key
    for person in () if claim.contract is None else claim.contract.people:
        for topic in (topics.UCFS_CLAIMANT, topics.CLAIMANT_EASEMENT, topics.CLAIMANT_CONDITIONALITY):
            yield topic, person, key


def forgotten(conn: Connection[Any], spec: Spec) -> list[Unexplained]:
    """Pending messages that nothing waits for: the document they should hang on does not hold them."""
    rows = conn.execute(
        'SELECT topic, part, "offset", l.record_id, l.outcome, l.reason FROM seen s JOIN ledger l USING (topic, part, "offset")'
        " WHERE l.outcome = 'pending' AND l.reason IS DISTINCT FROM 'parked' AND topic = ANY(%s) ORDER BY 1, 2, 3",
        ([topics.RTI_PAYMENT, topics.UCFS_STATEMENT],),
    ).fetchall()
    return [
        Unexplained._make((*row, "pending, but nothing is kept of it"))
        for row in rows
        if Source(*row[:3])
        not in (_waiting_payments if row[0] == topics.RTI_PAYMENT else _waiting_statements)(conn, spec, row[3])
    ]


def _waiting_payments(conn: Connection[Any], spec: Spec, payment_id: str) -> list[Source]:
    key: PaymentKey | None = documents.read(conn, spec, PAYMENT, payment_id)
    person: Person | None = None if key is None else documents.read(conn, spec, PERSON, key.person)
    return [] if person is None else [payment.source for payment in person.payments if payment.waiting]


def _waiting_statements(conn: Connection[Any], spec: Spec, statement_id: str) -> list[Source]:
    key: StatementKey | None = documents.read(conn, spec, STATEMENT, statement_id)
    claim: Claim | None = None if key is None or key.claim_id is None else documents.read(conn, spec, CLAIM, key.claim_id)
    return [] if claim is None else [statement.source for statement in claim.statements if statement.waiting]
