"""`/v1/worklist` and `/v1/cases`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from contracts.vocabulary import CaseState
from referrals import moves, store
from referrals.api import bodies
from referrals.api.context import STAFF, Context
from referrals.desk import KIND, Desk
from referrals.london import day_of
from referrals.views import case_view, history_entry
from streaming.errors import Refused
from streaming.work import Reply, Work
from web import commands, etag, pages
from web.auth import require
from web.pages import Page
from web.principal import Principal

Staff = Annotated[Principal, Depends(require(*STAFF))]
Doers = Annotated[Principal, Depends(require("coach", "team-leader"))]
Paged = Annotated[Page, Depends(pages.page)]
Text = Annotated[str | None, Query(max_length=128)]
Waiting = Literal["us", "claimant", "employer"]

Move = Callable[[moves.Turn], None]


def router(context: Context) -> APIRouter:
    """The routes of the worklist and of single cases."""
    routes = APIRouter(prefix="/v1", tags=["cases"])

    def chosen(principal: Principal, office: str | None, coach: str | None, rest: dict[str, Any]) -> store.Filter:
        with context.connection() as conn:
            caller = context.effective(conn, principal)
        offices: tuple[str, ...] | None = caller.office_ids
        if office is not None:
            offices = (office,) if office in caller.office_ids else ()
        own = caller.coach_id if office is None else None
        return store.Filter(offices=offices, own_coach=own, coach=coach, **rest)

    @routes.get("/worklist")
    def worklist(
        principal: Doers,
        page: Paged,
        office: Text = None,
        coach: Text = None,
        state: CaseState | None = None,
        due: Annotated[date | None, Query(description="Due on or before this day")] = None,
        rule: Text = None,
        waiting_on: Waiting | None = None,
        unassigned: bool | None = None,
    ) -> Response:
        """Cases of the caller's offices in the order in which to take them; each row says why it is where it is."""
        rest = {"state": state, "due": due, "rule": rule, "waiting_on": waiting_on, "unassigned": unassigned}
        wanted = chosen(principal, office, coach, rest)
        with context.connection() as conn:
            rows = store.worklist(conn, wanted, page.after(int, str), page.fetch)
        body = page.body(rows, key=lambda row: row[:2], item=lambda row: msgspec.Raw(row[2]))
        return Response(msgspec.json.encode(body), media_type="application/json")

    @routes.get("/worklist/counts")
    def counts(
        principal: Doers,
        office: Text = None,
        coach: Text = None,
        state: CaseState | None = None,
        due: Annotated[date | None, Query(description="Due on or before this day")] = None,
        rule: Text = None,
        waiting_on: Waiting | None = None,
        unassigned: bool | None = None,
    ) -> Any:
        """How many cases the same filters give, by state, rule and who is waited for."""
        rest = {"state": state, "due": due, "rule": rule, "waiting_on": waiting_on, "unassigned": unassigned}
        wanted = chosen(principal, office, coach, rest)
        with context.connection() as conn:
            return store.counts(conn, wanted, day_of(context.clock.now()))

    @routes.get("/cases/{case_id}")
    def read(case_id: str, request: Request, principal: Staff) -> Response:
        """One case."""
        with context.connection() as conn:
            doc, person, case = context.case(conn, request, principal, case_id)
        return etag.response(request, case_view(doc.claim_id, person, case))

    @routes.get("/cases/{case_id}/history")
    def history(case_id: str, request: Request, principal: Staff, page: Paged) -> Any:
        """Everything that happened on the case, newest first."""
        after = page.after(int)
        with context.connection() as conn:
            _, _, case = context.case(conn, request, principal, case_id)
        entries = list(enumerate(case.history))[::-1]
        rest = [entry for entry in entries if after is None or entry[0] < after[0]]
        return page.body(rest[: page.fetch], key=lambda entry: [entry[0]], item=lambda entry: history_entry(entry[1]))

    def do(request: Request, principal: Principal, case_id: str, move: Move) -> Response:
        with context.connection() as conn:
            doc, _, _ = context.case(conn, request, principal, case_id)
        claim_id, actor = doc.claim_id, moves.Actor(role=principal.role, name=principal.actor)

        def act(work: Work) -> Reply:
            desk = Desk(work, claim_id, context.setup)
            found = desk.doc.find_case(case_id)
            if found is None:
                raise Refused(404, "not-found")
            work.require_match(etag.of(case_view(claim_id, *found)))
            move(moves.Turn(desk, found[0], found[1], actor))
            desk.save()
            after = desk.doc.find_case(case_id)
            view = case_view(claim_id, *after) if after is not None else {}
            return Reply(200, view, {"ETag": etag.of(view)})

        return commands.run(request, principal, context.shell, roots=[(KIND, claim_id)], act=act)

    @routes.post("/cases/{case_id}/assign")
    def assign(case_id: str, body: bodies.Assign, request: Request, principal: Doers) -> Response:
        """Give the case to a coach, or to nobody."""
        return do(request, principal, case_id, lambda at: moves.assign(at, body.coach_id, body.reason))

    @routes.post("/cases/{case_id}/contact")
    def contact(case_id: str, body: bodies.ContactBody, request: Request, principal: Staff) -> Response:
        """Ask for an appointment or a message to be offered to the claimant."""
        return do(request, principal, case_id, lambda at: moves.contact(at, body.model_dump()))

    @routes.post("/cases/{case_id}/record-contact")
    def record_contact(case_id: str, body: bodies.RecordContact, request: Request, principal: Doers) -> Response:
        """A contact took place outside the platform's messages."""
        return do(request, principal, case_id, lambda at: moves.record_contact(at, body.channel, body.outcome))

    @routes.post("/cases/{case_id}/hold")
    def hold(case_id: str, body: bodies.Hold, request: Request, principal: Doers) -> Response:
        """Let the case rest until a day."""
        return do(request, principal, case_id, lambda at: moves.hold(at, body.until, body.code))

    @routes.post("/cases/{case_id}/exempt")
    def exempt(case_id: str, body: bodies.Exempt, request: Request, principal: Doers) -> Response:
        """The claimant is exempt, until a day or for good."""
        return do(request, principal, case_id, lambda at: moves.exempt(at, body.code, body.until, body.evidence_class))

    @routes.post("/cases/{case_id}/not-applicable")
    def not_applicable(case_id: str, body: bodies.NotApplicable, request: Request, principal: Doers) -> Response:
        """The reason does not apply to this person."""
        return do(request, principal, case_id, lambda at: moves.close(at, "not_applicable", "not-applicable", code=body.code))

    @routes.post("/cases/{case_id}/close")
    def close(case_id: str, body: bodies.Close, request: Request, principal: Doers) -> Response:
        """End the case."""
        return do(request, principal, case_id, lambda at: moves.close(at, body.outcome))

    @routes.post("/cases/{case_id}/reopen")
    def reopen(case_id: str, body: bodies.Reopen, request: Request, principal: Doers) -> Response:
        """Open a closed case again."""
        return do(request, principal, case_id, lambda at: moves.reopen(at, body.why))

    return routes
