"""`/v1/cases`: one case, its history, and the moves that people make."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Request
from psycopg import Connection
from starlette.responses import Response

from contracts.reference import CoachChanged, OfficeChanged
from referrals import caseload, moves, store, worklist
from referrals import undo as undoing
from referrals.api import answers, bodies
from referrals.api.context import STAFF, Answer, Context, actor
from referrals.desk import COACH, KIND, OFFICE, Desk
from referrals.model import allowed
from referrals.rules.priority import wait
from referrals.rules.support import fund_purposes, matching
from referrals.views import case_view, history_entry, sort_place, why_waiting
from streaming import documents
from streaming.errors import PreconditionFailed, Refused
from streaming.work import Reply, Work
from web import commands, etag, headers, pages
from web.answers import described
from web.auth import require
from web.pages import Page
from web.principal import Principal

Staff = Annotated[Principal, Depends(require(*STAFF))]
Doers = Annotated[Principal, Depends(require("coach", "team-leader"))]
Own = Annotated[Principal, Depends(require("coach"))]
MAX_OFFERS = 20
Paged = Annotated[Page, Depends(pages.page)]


def router(context: Context) -> APIRouter:
    """The routes of the worklist and of single cases."""
    routes = APIRouter(prefix="/v1", tags=["cases"])

    @routes.get("/cases/{case_id}", responses=described(answers.CaseView, tagged=True))
    def read(case_id: str, request: Request, principal: Staff) -> Response:
        """One case."""
        with context.connection() as conn:
            doc, person, case = context.case(conn, request, principal, case_id)
        return etag.response(request, case_view(doc.claim_id, person, case))

    @routes.get("/cases/{case_id}/history", responses=answers.described(answers.Page[answers.HistoryEntry]))
    def history(case_id: str, request: Request, principal: Staff, page: Paged) -> Any:
        """Everything that happened on the case, newest first."""
        after = page.after(int)
        with context.connection() as conn:
            _, _, case = context.case(conn, request, principal, case_id)
        entries = list(enumerate(case.history))[::-1]
        rest = [entry for entry in entries if after is None or entry[0] < after[0]]
        return page.body(rest[: page.fetch], key=lambda entry: [entry[0]], item=lambda entry: history_entry(entry[1]))

    @routes.get("/cases/{case_id}/support", responses=answers.described(answers.FittingSupport))
    def support(case_id: str, request: Request, principal: Staff) -> Any:
        """Support that fits what holds the claimant back, and who provides it in the office's district."""
        with context.connection() as conn:
            doc, person, case = context.case(conn, request, principal, case_id)
            office: OfficeChanged | None = (
                documents.read(conn, context.spec, OFFICE, case.office_id) if case.office_id is not None else None
            )
            jurisdiction = doc.claim.jurisdiction if doc.claim is not None else None
            nation = jurisdiction or (office.nation if office is not None else None)
            district = office.district if office is not None else None
            items = [
                {**msgspec.to_builtins(match), "providers": _offers(conn, match.type, district)}
                for match in matching(context.setup.support, person.care, nation, context.today)
            ]
        return {"items": items, "fund_purposes": fund_purposes(context.setup.support, person.care)}

    def _offers(conn: Connection[Any], kind: str, district: str | None) -> list[Any]:
        return [msgspec.json.decode(row[1]) for row in store.providers(conn, kind, district, True, "", context.today, MAX_OFFERS)]

    @routes.get("/cases/{case_id}/waiting", responses=answers.described(answers.WaitingView))
    def waiting(case_id: str, request: Request, principal: Staff) -> Any:
        """Why the case is where it is on its list, who comes first, and what its coach's day holds."""
        with context.connection() as conn:
            _, person, case = context.case(conn, request, principal, case_id)
            if not case.open:
                raise Refused(409, "not-waiting", "The case is closed.", allowed=allowed(case))
            coach: CoachChanged | None = (
                documents.read(conn, context.spec, COACH, case.coach_id) if case.coach_id is not None else None
            )
            before = worklist.ahead(conn, case.coach_id, case.office_id, sort_place(person, case), case_id)
        a_day = caseload.contacts_a_day(coach, context.today)
        return {
            "case_id": case_id,
            "ahead": before,
            "contacts_a_day": a_day,
            "reasons": [*why_waiting(person, case), *wait(before, a_day)],
        }

    def do(request: Request, principal: Principal, case_id: str, move: moves.Move) -> Response:
        return context.move(request, principal, case_id, move)

    @routes.post("/cases/{case_id}/assign", responses=described(answers.CaseView), dependencies=headers.CHANGES)
    def assign(case_id: str, body: bodies.Assign, request: Request, principal: Doers) -> Response:
        """Give the case to a coach, or to nobody."""
        return do(request, principal, case_id, lambda at: moves.assign(at, body.coach_id, body.reason))

    @routes.post("/cases/{case_id}/contact", responses=described(answers.CaseView), dependencies=headers.CHANGES)
    def contact(case_id: str, body: bodies.ContactBody, request: Request, principal: Staff) -> Response:
        """Ask for an appointment or a message to be offered to the claimant."""
        return do(request, principal, case_id, lambda at: moves.contact(at, body.model_dump()))

    @routes.post("/cases/{case_id}/record-contact", responses=described(answers.CaseView), dependencies=headers.CHANGES)
    def record_contact(case_id: str, body: bodies.RecordContact, request: Request, principal: Doers) -> Response:
        """A contact took place outside the platform's messages."""
        return do(request, principal, case_id, lambda at: moves.record_contact(at, body.channel, body.outcome))

    @routes.post("/cases/{case_id}/hold", responses=described(answers.CaseView), dependencies=headers.CHANGES)
    def hold(case_id: str, body: bodies.Hold, request: Request, principal: Doers) -> Response:
        """Let the case rest until a day."""
        return do(request, principal, case_id, lambda at: moves.hold(at, body.until, body.code))

    @routes.post("/cases/{case_id}/exempt", responses=described(answers.CaseView), dependencies=headers.CHANGES)
    def exempt(case_id: str, body: bodies.Exempt, request: Request, principal: Doers) -> Response:
        """The claimant is exempt, until a day or for good."""
        return do(request, principal, case_id, lambda at: moves.exempt(at, body.code, body.until, body.evidence_class))

    @routes.post("/cases/{case_id}/not-applicable", responses=described(answers.CaseView), dependencies=headers.CHANGES)
    def not_applicable(case_id: str, body: bodies.NotApplicable, request: Request, principal: Doers) -> Response:
        """The reason does not apply to this person."""
        return do(request, principal, case_id, lambda at: moves.close(at, "not_applicable", "not-applicable", code=body.code))

    @routes.post("/cases/{case_id}/close", responses=described(answers.CaseView), dependencies=headers.CHANGES)
    def close(case_id: str, body: bodies.Close, request: Request, principal: Doers) -> Response:
        """End the case."""
        return do(request, principal, case_id, lambda at: moves.close(at, body.outcome))

    @routes.post("/cases/bulk-assign", responses=described(answers.BulkAssigned))
    def bulk_assign(body: bodies.BulkAssign, request: Request, principal: Doers) -> Response:
        """Give many cases to a coach, or to nobody, in one step. Those that cannot be given stay, and the answer says why."""
        with context.connection() as conn:
            claims = {one.case_id: context.case(conn, request, principal, one.case_id)[0].claim_id for one in body.cases}

        def act(work: Work) -> Reply:
            given, refused = [], []
            for one in body.cases:
                try:
                    given.append(_give(work, claims[one.case_id], one))
                except Refused as no:
                    refused.append({"case_id": one.case_id, "status": no.status, "code": no.code})
            return Reply(200, {"assigned": given, "refused": refused})

        def _give(work: Work, claim_id: str, one: bodies.Picked) -> dict[str, Any]:
            desk = Desk(work, claim_id, context.setup)
            found = desk.doc.find_case(one.case_id)
            if found is None:
                raise Refused(404, "not-found")
            if one.etag != etag.of(case_view(claim_id, *found)):
                raise PreconditionFailed
            turn = moves.Turn(desk, found[0], found[1], actor(principal))
            moves.make(turn, lambda at: moves.assign(at, body.coach_id, body.reason))
            desk.save()
            after = desk.doc.find_case(one.case_id) or found
            return {"case_id": one.case_id, "coach_id": after[1].coach_id, "etag": etag.of(case_view(claim_id, *after))}

        return commands.run(request, principal, context.shell, roots={(KIND, claim_id) for claim_id in claims.values()}, act=act)

    @routes.post("/cases/{case_id}/take-over", responses=described(answers.CaseView), dependencies=headers.CHANGES)
    def take_over(case_id: str, body: bodies.TakeOver, request: Request, principal: Own) -> Response:
        """The calling coach takes the case."""
        coach_id = principal.coach_id
        if coach_id is None:
            raise Refused(403, "insufficient-scope", "Only a coach can take a case over.")
        return do(request, principal, case_id, lambda at: moves.assign(at, coach_id, body.reason, "take-over"))

    @routes.post("/cases/{case_id}/read", responses=described(answers.CaseView), dependencies=headers.CHANGES)
    def mark_read(case_id: str, request: Request, principal: Doers) -> Response:
        """What was new on the case has been looked at; for its own coach it is new no more."""
        return do(request, principal, case_id, moves.read)

    @routes.post("/cases/{case_id}/reopen", responses=described(answers.CaseView), dependencies=headers.CHANGES)
    def reopen(case_id: str, body: bodies.Reopen, request: Request, principal: Doers) -> Response:
        """Open a closed case again."""
        return do(request, principal, case_id, lambda at: moves.reopen(at, body.why))

    @routes.post(
        "/cases/{case_id}/undo",
        responses=described(answers.CaseView)
        | {202: {"description": "Asked for; somebody else must agree", "model": answers.CaseView}},
        dependencies=headers.CHANGES,
    )
    def undo(case_id: str, body: bodies.Undo, request: Request, principal: Staff) -> Response:
        """Take a wrong action back. The first call asks (202), a second one by somebody else agrees (200)."""
        return context.act(
            request, principal, case_id, lambda at: Answer(200 if undoing.undo(at, body.event_id, body.why) else 202)
        )

    return routes
