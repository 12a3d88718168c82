"""`/v1/offices` and `/v1/coaches`: reference data that every service listens to."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Request
from psycopg import Connection
from starlette.responses import Response

from contracts.reference import CoachChanged, OfficeChanged
from contracts.topics import PROGRESSION_REFERENCE
from referrals import caseload, store, worklist
from referrals.api import answers, bodies
from referrals.api.context import Context
from referrals.desk import COACH, KIND, OFFICE, timer_id
from referrals.rules.filters import Filter
from streaming import documents
from streaming.errors import Refused
from streaming.work import DueItem, Reply, Work
from web import commands, etag, headers
from web.answers import described
from web.auth import require
from web.principal import Principal

READERS = ("coach", "team-leader", "decision-maker", "operator")
WRITERS = ("team-leader", "operator")
Reader = Annotated[Principal, Depends(require(*READERS))]
Loads = Annotated[Principal, Depends(require("coach", "team-leader"))]
Writer = Annotated[Principal, Depends(require(*WRITERS))]


def router(context: Context) -> APIRouter:
    """Read and put one office or coach."""
    routes = APIRouter(prefix="/v1", tags=["reference"])

    def read(request: Request, kind: str, key: str) -> Response:
        with context.connection() as conn:
            found = documents.read(conn, context.spec, kind, key)
        if found is None:
            raise Refused(404, "not-found")
        return etag.response(request, msgspec.to_builtins(found))

    def put(
        request: Request, principal: Principal, kind: str, key: str, event: type[msgspec.Struct], body: bodies.Body
    ) -> Response:
        with context.connection() as conn:
            return _put(conn, request, principal, kind, key, event, body)

    def _put(
        conn: Connection[Any],
        request: Request,
        principal: Principal,
        kind: str,
        key: str,
        event: type[msgspec.Struct],
        body: bodies.Body,
    ) -> Response:
        def act(work: Work) -> Reply:
            known = work.get(kind, key)
            if known is not None:
                work.require_match(etag.of(msgspec.to_builtins(known)))
            fields: dict[str, Any] = {f"{kind}_id": key, "version": known.version + 1 if known is not None else 1}
            now = msgspec.convert({**fields, **body.model_dump(by_alias=True)}, event)
            work.put(kind, key, now)
            work.emit(PROGRESSION_REFERENCE, f"{kind}:{key}", now, subject=key)
            # Read under the coach's or office's lock, which everybody takes who gives them a case: none is missed.
            column: Literal["coach_id", "office_id"] = "coach_id" if kind == COACH else "office_id"
            for claim_id, case_id in store.open_cases_of(conn, column, key):
                name = "reroute" if kind == COACH else "rehouse"
                work.schedule(DueItem(timer_id(name, case_id), (KIND, claim_id), work.now, name, {"case_id": case_id}))
            view = msgspec.to_builtins(now)
            return Reply(200 if known is not None else 201, view, {"ETag": etag.of(view)})

        return commands.run(request, principal, context.shell, roots=[(kind, key)], act=act)

    @routes.get("/offices/{office_id}", responses=described(answers.OfficeView, tagged=True))
    def read_office(office_id: str, request: Request, principal: Reader) -> Response:
        """One office."""
        return read(request, OFFICE, office_id)

    @routes.put("/offices/{office_id}", responses=described(answers.OfficeView), dependencies=headers.REPLACES)
    def put_office(office_id: str, body: bodies.Office, request: Request, principal: Writer) -> Response:
        """Create or replace an office; a change needs If-Match. Cases of a closed one go to the nearest that is open."""
        return put(request, principal, OFFICE, office_id, OfficeChanged, body)

    @routes.get("/coaches/{coach_id}", responses=described(answers.CoachView, tagged=True))
    def read_coach(coach_id: str, request: Request, principal: Reader) -> Response:
        """One coach."""
        return read(request, COACH, coach_id)

    @routes.get("/coaches/{coach_id}/caseload", responses=answers.described(answers.CaseloadView))
    def caseload_of_coach(coach_id: str, principal: Loads) -> Any:
        """The coach's open cases against what one coach is planned for."""
        with context.connection() as conn:
            caller = context.effective(conn, principal)
            found = caseload.of_coaches(conn, context.today, coach=coach_id)
            known: CoachChanged | None = documents.read(conn, context.spec, COACH, coach_id)
        if not found or known is None or not (coach_id == caller.coach_id or set(caller.office_ids) & set(known.offices)):
            raise Refused(404, "not-found")
        return found[0]

    @routes.get("/offices/{office_id}/caseload", responses=answers.described(answers.OfficeCaseloadView))
    def caseload_of_office(office_id: str, principal: Loads) -> Any:
        """The same for every active coach of one of the caller's offices, and the cases that nobody has."""
        with context.connection() as conn:
            caller = context.effective(conn, principal)
            if office_id not in caller.office_ids:
                raise Refused(404, "not-found")
            today = context.today
            coaches = caseload.of_coaches(conn, today, office=office_id)
            unassigned = Filter(office=office_id, unassigned=True)
            totals = worklist.counts(conn, worklist.Reach((office_id,)), unassigned, today)
        return {"office_id": office_id, "unassigned": totals["total"], "coaches": coaches}

    @routes.put("/coaches/{coach_id}", responses=described(answers.CoachView), dependencies=headers.REPLACES)
    def put_coach(coach_id: str, body: bodies.Coach, request: Request, principal: Writer) -> Response:
        """Create or replace a coach; a change needs If-Match. Access follows at once, and cases go to who can take them."""
        return put(request, principal, COACH, coach_id, CoachChanged, body)

    return routes
