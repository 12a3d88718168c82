"""Earnings queries: listed, raised and resolved by people."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.responses import Response

from contracts import topics
from contracts.ids import period_id
from earnings import model, store
from earnings.api import answers
from earnings.api.codes import Cause, Resolution
from earnings.api.parts import Documents, Parts, known_claim, not_found, people_of, subject
from earnings.api.views import query_view
from earnings.kinds import CLAIM
from earnings.model import Claim
from earnings.rules.queries import query_id, raised_event, resolved_event
from streaming.errors import Refused
from streaming.work import Reply, Work
from web import commands, etag, headers, pages
from web.access import check
from web.answers import described
from web.auth import require
from web.principal import Principal

SCOPES = ("claims:read", "decision-maker", "coach", "team-leader", "operator")
ACT_SCOPES = ("decision-maker", "coach", "team-leader")
Reader = Annotated[Principal, Depends(require(*SCOPES))]
Actor = Annotated[Principal, Depends(require(*ACT_SCOPES))]
AskedPage = Annotated[pages.Page, Depends(pages.page)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00]*$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]


class QueryRaised(BaseModel):
    """A person doubts the data of a period."""

    model_config = ConfigDict(extra="forbid")
    claimant_id: Id
    period_id: Id
    cause: Cause


class QueryResolved(BaseModel):
    """What was found. reason: for the audit."""

    model_config = ConfigDict(extra="forbid")
    resolution: Resolution
    reason: Words


def router(parts: Parts) -> APIRouter:
    """The routes under `/v1/queries`, and raising one under its claim."""
    routes = APIRouter(tags=["queries"])

    @routes.get("/v1/queries", responses=described(answers.Page[answers.QueryView]))
    def listing(
        principal: Reader,
        page: AskedPage,
        state: Annotated[Literal["open", "resolved"] | None, Query()] = None,
        office: Annotated[str | None, Query(max_length=128)] = None,
    ) -> dict[str, Any]:
        """Queries, oldest first. Coaches and team leaders see those of their offices."""
        offices = None if office is None else [office]
        with parts.pool.connection() as conn:
            principal = parts.current(conn, principal)
            if not principal.has("claims:read", "decision-maker", "operator"):
                offices = [one for one in principal.office_ids if office is None or one == office]
            rows = store.queries(conn, state, offices, page.after(datetime, str), page.fetch)
        return page.body(rows, key=lambda row: [row[8], row[0]], item=query_view)

    @routes.get("/v1/queries/{query_id}", responses=described(answers.QueryView, tagged=True))
    def one(query_id: str, request: Request, principal: Reader) -> Response:
        """One query."""
        with parts.pool.connection() as conn:
            row = store.query(conn, query_id)
            _check(parts, conn, request, principal, row, SCOPES)
            if row is None:
                raise not_found()
            return etag.response(request, query_view(row))

    @routes.post("/v1/claims/{claim_id}/queries", status_code=201, responses=described(answers.QueryRaisedView, 201))
    def raise_one(claim_id: str, body: QueryRaised, request: Request, principal: Actor) -> Response:
        """Raise a query; its cause marks the period until it is resolved."""
        with parts.pool.connection() as conn:
            docs = Documents(conn, parts.spec)
            found = known_claim(docs, claim_id)
            people = {} if found is None else people_of(docs, found)
            whose = subject({body.claimant_id: people[body.claimant_id]}) if body.claimant_id in people else None
            check(
                conn, request, parts.current(conn, principal), "query", whose,
                scopes=ACT_SCOPES, claim_id=claim_id, claimant_id=body.claimant_id,
            )  # fmt: skip
        return commands.run(
            request, principal, parts.shell, roots=[(CLAIM, claim_id)], act=lambda work: _raise(parts, work, claim_id, body)
        )

    @routes.post("/v1/queries/{query_id}/resolve", responses=described(answers.QueryView), dependencies=headers.CHANGES)
    def resolve(query_id: str, body: QueryResolved, request: Request, principal: Actor) -> Response:
        """Settle a query: the figures stand, or were corrected meanwhile. Needs If-Match."""
        with parts.pool.connection() as conn:
            row = store.query(conn, query_id)
            _check(parts, conn, request, principal, row, ACT_SCOPES)
            if row is None:
                raise not_found()
        view = query_view(row)
        return commands.run(
            request,
            principal,
            parts.shell,
            roots=[(CLAIM, view["claim_id"])],
            act=lambda work: _resolve(parts, work, view, body),
        )

    return routes


def _check(
    parts: Parts, conn: Any, request: Request, principal: Principal, row: tuple[Any, ...] | None, scopes: tuple[str, ...]
) -> None:
    whose = None
    if row is not None:
        docs = Documents(conn, parts.spec)
        found = known_claim(docs, row[1])
        people = {} if found is None else people_of(docs, found)
        whose = subject({row[2]: people[row[2]]}) if row[2] in people else None
    check(conn, request, parts.current(conn, principal), "query", whose, scopes=scopes, query_id=None if row is None else row[0])


def _raise(parts: Parts, work: Work, claim_id: str, body: QueryRaised) -> Reply:
    claim: Claim | None = work.get(CLAIM, claim_id)
    if claim is None or claim.contract is None:
        raise not_found()
    start = next(
        (item.start for item in claim.assessed if not item.gone and period_id(claim_id, item.start) == body.period_id), None
    )
    if start is None:
        raise Refused(422, "unknown-period", "No closed period of this claim has this id.")
    key = (body.claimant_id, start, body.cause)
    if any((query.claimant_id, query.start, query.cause) == key and query.resolved_at is None for query in claim.queries):
        raise Refused(409, "query-open", "This period has an open query of this cause.", allowed=["resolve"])
    policy = parts.judge.policy
    query = model.Query(
        query_id(claim_id, *key), body.claimant_id, start, body.cause, body.cause in policy.blocking, "person", work.now
    )
    others = tuple(other for other in claim.queries if other.query_id != query.query_id)
    work.put(CLAIM, claim_id, msgspec.structs.replace(claim, queries=(*others, query)))
    work.emit(topics.EARNINGS_PAYMENT, claim_id, raised_event(claim_id, query), subject=query.query_id)
    parts.judge.refresh(work, claim_id, "determination")
    return Reply(201, {"query_id": query.query_id}, {"Location": f"/v1/queries/{query.query_id}"})


def _resolve(parts: Parts, work: Work, view: dict[str, Any], body: QueryResolved) -> Reply:
    claim_id = view["claim_id"]
    claim: Claim | None = work.get(CLAIM, claim_id)
    query = None if claim is None else next((one for one in claim.queries if one.query_id == view["query_id"]), None)
    if claim is None or query is None:
        raise not_found()
    now_open = query.resolved_at is None
    current = view | {
        "state": "open" if now_open else "resolved",
        "resolved_at": query.resolved_at,
        "resolution": query.resolution,
        "raised_at": query.raised_at,
        "blocking": query.blocking,
    }
    work.require_match(etag.of(current))
    if not now_open:
        raise Refused(409, "query-resolved", "This query is settled.", allowed=[])
    settled = msgspec.structs.replace(query, resolved_at=work.now, resolved_by="person", resolution=body.resolution)
    queries = tuple(settled if one is query else one for one in claim.queries)
    work.put(CLAIM, claim_id, msgspec.structs.replace(claim, queries=queries))
    work.emit(topics.EARNINGS_PAYMENT, claim_id, resolved_event(claim_id, settled), subject=query.query_id)
    parts.judge.refresh(work, claim_id, "determination")
    after = current | {"state": "resolved", "resolved_at": work.now, "resolution": body.resolution}
    return Reply(200, after, {"ETag": etag.of(after)})
