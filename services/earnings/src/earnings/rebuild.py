"""`earnings rebuild`: judge every claim again from the stored documents alone, and compare with what was published.

Evidence is what people and upstream systems said: documents of persons, claimants, contracts, statements, determinations and
contests. Facts are what the rules make of it: where each payment belongs, the figures of every closed period, open queries.
Versions, causes and times are history, not facts. Everything happens in one read-only transaction: nothing can be emitted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import msgspec
from psycopg import Connection

from contracts.ids import period_id
from earnings import store
from earnings.kinds import CLAIM, CLAIMANT, PERSON
from earnings.model import Claim
from earnings.refresh import Judge, members_of
from earnings.rules.books import Member
from earnings.rules.evaluate import Context, evaluate
from streaming import documents
from streaming.documents import Codec, Stored
from streaming.records import Root
from streaming.unit_of_work import UnitOfWork

BATCH = 500
HISTORY = ("version", "supersedes", "why", "assessed_at", "backfill")

Facts = dict[str, Any]
"""Name of a fact (`payment 801`, `period 2026-04-10`, `query …`) → its value, plain."""


@dataclass(slots=True)
class Rebuilt:
    """before, after: digests of evidence and facts, as stored and as judged again. differences: one line each."""

    claims: int = 0
    before: str = ""
    after: str = ""
    differences: list[str] = field(default_factory=list)


def rebuild(unit: UnitOfWork, judge: Judge, passed: Callable[[int, int], None]) -> Rebuilt:
    """Judge all claims again. passed: told (claims done, claims in all) now and then."""
    found = Rebuilt()
    stored, judged = blake2b(digest_size=16), blake2b(digest_size=16)
    now = unit.clock.now()
    conn = unit.conn
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        row = conn.execute("SELECT count(*) FROM document WHERE kind = %s", (CLAIM,)).fetchone()
        total = int(row[0]) if row else 0
        for docs in _batches(conn, Codec(unit.spec.kinds)):
            published = _published(conn, docs)
            for claim_id, claim in docs.claims.items():
                members = members_of(docs, claim_id, claim)
                context = Context(now, "closed", judge.policy)
                before = _stored(claim_id, claim, members, published)
                after = _judged(claim_id, claim, members, context)
                evidence = _encode((claim_id, _evidence(claim), members))
                stored.update(evidence + _encode(before))
                judged.update(evidence + _encode(after))
                found.claims += 1
                if before != after:
                    found.differences += [f"claim {claim_id}: {text}" for text in differences(before, after)]
            passed(found.claims, total)
    found.before, found.after = stored.hexdigest(), judged.hexdigest()
    return found


_encode = msgspec.json.Encoder(order="sorted").encode


class _Docs:
    """Some claims with everybody on them; has the `get` of a unit of work."""

    def __init__(self, claims: dict[str, Claim], others: Mapping[Root, Any]) -> None:
        self.claims = claims
        self._others = others

    def get(self, kind: str, key: str) -> Any:
        """The document or None."""
        return self._others.get((kind, key))


def _batches(conn: Connection[Any], codec: Codec) -> Iterator[_Docs]:
    """All claims that have a contract, by id."""
    with conn.cursor("claims", binary=True) as cursor:
        cursor.execute("SELECT key, schema, version, state FROM document WHERE kind = %s ORDER BY key", (CLAIM,))
        while rows := cursor.fetchmany(BATCH):
            decoded = {key: codec.decode(CLAIM, Stored(*stored)) for key, *stored in rows}
            claims = {key: claim for key, claim in decoded.items() if claim is not None and claim.contract is not None}
            people = {(CLAIMANT, person) for claim in claims.values() for person in claim.contract.people}
            others = _read(conn, codec, CLAIMANT, people)
            others |= _read(conn, codec, PERSON, {(PERSON, one.person) for one in others.values() if one and one.person})
            yield _Docs(claims, others)


def _read(conn: Connection[Any], codec: Codec, kind: str, roots: set[Root]) -> dict[Root, Any]:
    return {root: codec.decode(kind, row) for root, row in documents.peek(conn, [kind], roots).items()}


def _published(conn: Connection[Any], docs: _Docs) -> dict[str, Any]:
    """period id → newest body in the query table."""
    found: dict[str, Any] = {}
    for claim_id, claim in docs.claims.items():
        ids = [period_id(claim_id, one.start) for one in claim.assessed if one.closed and not one.gone]
        found |= {key: body for key, body, _ in store.periods_of(conn, claim_id, ids)} if ids else {}
    return found


def _evidence(claim: Claim) -> Claim:
    """The claim without anything that the rules made."""
    return msgspec.structs.replace(
        claim,
        queries=tuple(query for query in claim.queries if "person" in (query.by, query.resolved_by)),
        published=None,
        assessed=(),
        attributed={},
        jobs={},
        next_change=None,
    )


def _stored(claim_id: str, claim: Claim, members: Sequence[Member], published: Mapping[str, Any]) -> Facts:
    closed = [one for one in claim.assessed if one.closed and not one.gone]
    bodies = {one.start.isoformat(): published.get(period_id(claim_id, one.start)) for one in closed}
    return _places(claim, members) | _figures(bodies)


def _judged(claim_id: str, claim: Claim, members: Sequence[Member], context: Context) -> Facts:
    decision = evaluate(claim_id, _evidence(claim), members, context)
    closed = [event for event in decision.period_events if event.status == "closed"]
    bodies = {event.start.isoformat(): msgspec.json.decode(msgspec.json.encode(event)) for event in closed}
    return _places(decision.claim, members) | _figures(bodies)


def _places(claim: Claim, members: Sequence[Member]) -> Facts:
    """Where the payments of those on the claim belong, and what is open about their pay."""
    present = {payment.payment_id for member in members for payment in member.payments}
    facts: Facts = {
        f"payment {key}": {"period": one.start.isoformat(), "gross": one.gross, "rule": one.rule, "invalid": one.invalid}
        for key, one in claim.attributed.items()
        if key in present
    }
    for query in claim.queries:
        if query.resolved_at is None:
            facts[f"query {query.claimant_id} {query.start} {query.cause}"] = {"blocking": query.blocking, "by": query.by}
    return facts


def _figures(bodies: Mapping[str, Any]) -> Facts:
    return {
        f"period {start}": None if body is None else {key: value for key, value in body.items() if key not in HISTORY}
        for start, body in bodies.items()
    }


def differences(before: Facts, after: Facts) -> list[str]:
    """What differs, by name and field. With amounts: they are what the reader looks for."""
    found = []
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        if was == now and (name in before) == (name in after):
            continue
        if was is None or now is None:
            found.append(f"{name} is {'not stored' if was is None else 'stored, but not judged so any more'}")
            continue
        fields = _fields(was, now, "")
        found.append(f"{name}: {'; '.join(fields)}")
    return found


def _fields(was: Any, now: Any, path: str) -> Iterator[str]:
    if isinstance(was, dict) and isinstance(now, dict):
        for key in sorted(was.keys() | now.keys()):
            yield from _fields(was.get(key), now.get(key), f"{path}.{key}" if path else key)
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for index, (one, other) in enumerate(zip(was, now, strict=True)):
            yield from _fields(one, other, f"{path}[{index}]")
    elif was != now:
        yield f"{path} was {was}, would be {now}"
