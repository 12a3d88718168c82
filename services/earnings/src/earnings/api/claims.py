"""Claims, their periods and their ledger."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from contracts import topics
from contracts.ids import period_id
from earnings import store
from earnings.api import answers
from earnings.api.parts import Documents, Parts, known_claim, not_found, people_of, subject
from earnings.api.views import claim_view, ledger_view, period_view
from earnings.api.visible import one_by_one
from earnings.explain import explained
from earnings.kinds import CLAIMANT, PERSON
from earnings.model import Claim
from earnings.refresh import members_of
from earnings.rules.calendar import london_day, london_midnight
from earnings.rules.evaluate import Context, open_period, timeline
from web import etag, pages
from web.access import check
from web.answers import described
from web.auth import require
from web.principal import Principal

CLAIM_SCOPES = ("claims:read", "upstream:read", "decision-maker", "coach", "team-leader", "claimant")
LEDGER_SCOPES = ("claims:read", "upstream:read", "operator")
ClaimReader = Annotated[Principal, Depends(require(*CLAIM_SCOPES))]
LedgerReader = Annotated[Principal, Depends(require(*LEDGER_SCOPES))]
AskedPage = Annotated[pages.Page, Depends(pages.page)]
Id = Annotated[str, Query(max_length=128)]


def router(parts: Parts) -> APIRouter:
    """The routes under `/v1/claims`."""
    routes = APIRouter(prefix="/v1/claims", tags=["claims"])

    @routes.get("/{claim_id}", responses=described(answers.ClaimView, tagged=True))
    def claim(claim_id: str, request: Request, principal: ClaimReader) -> Response:
        """One claim; 404 if unknown or deleted."""
        with parts.pool.connection() as conn:
            principal = parts.current(conn, principal)
            docs = Documents(conn, parts.spec)
            found = known_claim(docs, claim_id)
            people = {} if found is None else people_of(docs, found)
            whose = None if found is None else subject(people)
            check(conn, request, principal, "claim", whose, scopes=CLAIM_SCOPES, claim_id=claim_id)
            if found is None or found.contract is None:
                raise not_found()
            if principal.claimant_id in people and not principal.scopes & {"claims:read", "upstream:read"}:
                people = {person: claimant for person, claimant in people.items() if person == principal.claimant_id}
            return etag.response(request, claim_view(claim_id, found.contract, people, london_day(parts.clock.now())))

    @routes.get("/{claim_id}/periods", responses=described(answers.Page[answers.PeriodView]))
    def periods(
        claim_id: str,
        request: Request,
        principal: ClaimReader,
        page: AskedPage,
        from_: Annotated[date | None, Query(alias="from", description="Periods that end on or after this day")] = None,
        to: Annotated[date | None, Query(description="Periods that end on or before this day")] = None,
        claimant: Annotated[str | None, Query(max_length=128, description="Only this person's entry")] = None,
    ) -> dict[str, Any]:
        """Assessment periods, newest first, the one in progress included (version 0). `explanation` says in sentences where
        dates, versions and each person's figures come from; `payments` are those that have their home in the period.

        Who may not see a household as a whole gets an item per period and person, without household figures.
        """
        with parts.pool.connection() as conn:
            principal = parts.current(conn, principal)
            docs = Documents(conn, parts.spec)
            found = known_claim(docs, claim_id)
            people = {} if found is None else people_of(docs, found)
            whose = None if found is None else subject(people)
            check(conn, request, principal, "periods", whose, scopes=CLAIM_SCOPES, claim_id=claim_id)
            if found is None:
                raise not_found()
            shown = one_by_one(principal, people, CLAIM_SCOPES, claimant)
            running = _running(parts, docs, claim_id, found)
            ends = {item.start: item.end for item in found.assessed if not item.gone}
            if running is not None:
                ends.setdefault(running.start, running.end)
            after = page.after(date, str)
            chosen = sorted(
                (
                    (end, whom, start)
                    for start, end in ends.items()
                    for whom in (("",) if shown is None else shown)
                    if (from_ is None or end >= from_) and (to is None or end <= to) and (after is None or (end, whom) < after)
                ),
                reverse=True,
            )[: page.fetch]
            ids = list({period_id(claim_id, start): None for _, _, start in chosen})
            bodies = {key: (body, take_home) for key, body, take_home in store.periods_of(conn, claim_id, ids)}
            versions = store.versions_of(conn, claim_id, ids)
            members = members_of(docs, claim_id, found)
        if running is not None and running.period_id not in bodies:
            bodies[running.period_id] = (msgspec.to_builtins(running), None)
        policy = parts.judge.policy
        line = timeline(claim_id, found, members, london_day(parts.clock.now()), policy)
        told = {
            key: (explained(body, line, versions.get(key, []), policy), take_home) for key, (body, take_home) in bodies.items()
        }
        rows = [(end, whom, period_id(claim_id, start)) for end, whom, start in chosen]
        return page.body(
            [row for row in rows if row[2] in told],
            key=lambda row: row[:2],
            item=lambda row: period_view(*told[row[2]], versions.get(row[2], []), frozenset({row[1]}) if row[1] else None),
        )

    @routes.get("/{claim_id}/ledger", responses=described(answers.Page[answers.LedgerRow]))
    def ledger(claim_id: str, request: Request, principal: LedgerReader, page: AskedPage) -> dict[str, Any]:
        """What became of every message about this claim, oldest first."""
        with parts.pool.connection() as conn:
            docs = Documents(conn, parts.spec)
            found = known_claim(docs, claim_id)
            whose = None if found is None else subject(people_of(docs, found))
            check(conn, request, principal, "ledger", whose, scopes=LEDGER_SCOPES, claim_id=claim_id)
            if found is None:
                raise not_found()
            rows = store.ledger_of(conn, _records(docs, claim_id, found), page.after(datetime, str, int, int), page.fetch)
        return page.body(rows, key=lambda row: [row[4], row[0], row[1], row[2]], item=ledger_view)

    return routes


def _running(parts: Parts, docs: Documents, claim_id: str, claim: Claim) -> Any:
    """The period in progress, as of the beginning of this day: two pages read one after another agree."""
    now = parts.clock.now()
    found = open_period(claim_id, claim, members_of(docs, claim_id, claim), Context(now, "closed", parts.judge.policy))
    return None if found is None else msgspec.structs.replace(found, assessed_at=london_midnight(london_day(now)).astimezone(UTC))


def _records(docs: Documents, claim_id: str, claim: Claim) -> dict[str, list[str]]:
    """topic → natural ids of everything that was ever said about the claim."""
    people = [] if claim.contract is None else list(claim.contract.people)
    payments: list[str] = []
    for person_id in people:
        claimant = docs.get(CLAIMANT, person_id)
        person = None if claimant is None or claimant.person is None else docs.get(PERSON, claimant.person)
        payments.extend(() if person is None else (payment.payment_id for payment in person.payments))
    return {
        topics.UCFS_CONTRACT: [claim_id],
        topics.UCFS_CLAIMANT: people,
        topics.UCFS_STATEMENT: [*(statement.statement_id for statement in claim.statements), *claim.past_statements],
        topics.RTI_PAYMENT: sorted(set(payments)),
        topics.CLAIMANT_EASEMENT: people,
        topics.CLAIMANT_CONDITIONALITY: people,
    }
