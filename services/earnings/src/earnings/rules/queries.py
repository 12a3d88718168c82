"""Earnings queries: raised when the data contradict themselves, resolved by later data or by a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from datetime import date, datetime
from uuid import UUID, uuid5

import msgspec

from contracts.earnings import EarningsQueryRaised, EarningsQueryResolved
from contracts.ids import period_id
from earnings.model import Claim, Query
from earnings.rules.calendar import Period
from earnings.rules.policy import Policy

_NAMESPACE = UUID("0d2c6b0a-6d0f-5a44-9c63-2a0a7f2f6c11")

Doubt = tuple[str, date, str]
"""(claimant, first day of the period, cause)."""


def query_id(claim_id: str, claimant_id: str, start: date, cause: str) -> str:
    """One query for each person, period and cause, however often it is found."""
    return str(uuid5(_NAMESPACE, "\x1f".join((claim_id, claimant_id, start.isoformat(), cause))))


def settled_by_people(queries: Iterable[Query], periods: Sequence[Period]) -> dict[str, set[tuple[int, str]]]:
    """claimant → (period index, cause) that a person resolved: the figures stand as they are."""
    index = {period.start: position for position, period in enumerate(periods)}
    settled: dict[str, set[tuple[int, str]]] = {}
    for query in queries:
        if query.resolved_by == "person" and query.start in index:
            settled.setdefault(query.claimant_id, set()).add((index[query.start], query.cause))
    return settled


def query_events(
    claim_id: str, claim: Claim, found: Set[Doubt], looked_at: Set[date], now: datetime, policy: Policy
) -> tuple[tuple[Query, ...], list[msgspec.Struct]]:
    """The queries from now on, and what to publish. looked_at: starts of the periods that were judged."""
    events: list[msgspec.Struct] = []
    queries: dict[Doubt, Query] = {(query.claimant_id, query.start, query.cause): query for query in claim.queries}
    for doubt, query in queries.items():
        if query.by == "data" and query.resolved_at is None and query.start in looked_at and doubt not in found:
            queries[doubt] = msgspec.structs.replace(query, resolved_at=now, resolved_by="data", resolution="data_changed")
            events.append(resolved_event(claim_id, queries[doubt]))
    for doubt in sorted(found):
        claimant_id, start, cause = doubt
        known = queries.get(doubt)
        if known is None or known.resolved_by == "data":
            blocking = cause in policy.blocking
            queries[doubt] = Query(query_id(claim_id, *doubt), claimant_id, start, cause, blocking, "data", now)
            events.append(raised_event(claim_id, queries[doubt]))
    return tuple(queries[doubt] for doubt in sorted(queries)), events


def raised_event(claim_id: str, query: Query) -> EarningsQueryRaised:
    """The event that a query begins with."""
    return EarningsQueryRaised(
        claim_id=claim_id,
        claimant_id=query.claimant_id,
        query_id=query.query_id,
        period_id=period_id(claim_id, query.start),
        cause=query.cause,
        blocking=query.blocking,
        raised_by="person" if query.by == "person" else "data",
    )


def resolved_event(claim_id: str, query: Query) -> EarningsQueryResolved:
    """The event that a query ends with."""
    return EarningsQueryResolved(
        claim_id=claim_id, claimant_id=query.claimant_id, query_id=query.query_id, resolution=query.resolution or ""
    )
