"""`/v1/claimants/{claimant_id}/decisions`, `/v1/decisions` and contests."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from psycopg import Connection
from starlette.responses import Response

from referrals import ledger, moves
from referrals.api import answers, bodies
from referrals.api.context import STAFF, Context
from referrals.desk import KIND, Desk
from referrals.records import Record
from referrals.views import decision_summary, decision_view, evaluation_view
from streaming.errors import Refused
from streaming.work import Reply, Work
from web import commands, etag, pages
from web.answers import described
from web.auth import require
from web.pages import Page
from web.principal import Principal

SEERS = (*STAFF, "claimant", "operator")
CONTESTERS = ("claimant", "coach", "team-leader")
ANSWERERS = ("coach", "team-leader", "decision-maker")
Seer = Annotated[Principal, Depends(require(*SEERS))]


def router(context: Context) -> APIRouter:
    """Decisions of a person, one decision, its replay; contests."""
    routes = APIRouter(prefix="/v1", tags=["decisions"])

    def opened(conn: Connection[Any], row: dict[str, Any]) -> Record | None:
        try:
            return ledger.open_record(conn, context.cipher, row)
        except ledger.Erased:
            return None

    def find(conn: Connection[Any], request: Request, principal: Principal, decision_id: str) -> dict[str, Any]:
        """A decision that the caller may see. Those of erased people answer 410 to whoever reaches them by id."""
        row = ledger.find(conn, decision_id)
        if row is None:
            context.claimant(conn, request, principal, "", "decision", SEERS)
            raise Refused(404, "not-found")
        if opened_is_gone(conn, row):
            raise Refused(410, "erased", "The person's data were erased.")
        context.claimant(conn, request, principal, row["claimant_id"], "decision", SEERS)
        return row

    def opened_is_gone(conn: Connection[Any], row: dict[str, Any]) -> bool:
        try:
            ledger.open_record(conn, context.cipher, row)
        except ledger.Erased:
            return True
        except ValueError:
            return False
        return False

    @routes.get("/claimants/{claimant_id}/decisions", responses=answers.described(answers.Page[answers.DecisionLine]))
    def listed(
        claimant_id: str,
        request: Request,
        principal: Seer,
        page: Annotated[Page, Depends(pages.page)],
    ) -> Any:
        """Every evaluation of the person, flagged or not, newest first."""
        after = page.after(datetime, int, str)
        with context.connection() as conn:
            context.claimant(conn, request, principal, claimant_id, "decisions", SEERS)
            rows = ledger.of_claimant(conn, claimant_id, after, page.fetch)
            return page.body(
                rows,
                key=lambda row: [row["made_at"], row["seq"], row["decision_id"]],
                item=lambda row: decision_summary(row, opened(conn, row)),
            )

    @routes.get("/decisions/{decision_id}", responses=described(answers.DecisionView, tagged=True))
    def read(decision_id: str, request: Request, principal: Seer) -> Response:
        """One decision with its inputs, predicates, reasons and counterfactual. 410 after erasure."""
        with context.connection() as conn:
            row = find(conn, request, principal, decision_id)
            return etag.response(request, decision_view(row, ledger.open_record(conn, context.cipher, row)))

    @routes.get("/decisions/{decision_id}/replay", responses=answers.described(answers.ReplayView))
    def replay(decision_id: str, request: Request, principal: Seer) -> Any:
        """Recompute the decision from its record alone. 410 after erasure."""
        with context.connection() as conn:
            row = find(conn, request, principal, decision_id)
            chained = ledger.chain_intact(conn, row)
            try:
                identical, again = ledger.recompute(conn, context.cipher, row, chained=chained)
            except ValueError:
                return {"identical": False, "chain_intact": chained, "recomputed": None}
            return {"identical": identical, "chain_intact": chained, "recomputed": evaluation_view(again)}

    def do(
        request: Request, principal: Principal, claimant_id: str, period_id: str | None, scopes: tuple[str, ...], act: Any
    ) -> Response:
        with context.connection() as conn:
            claims = context.claimant(conn, request, principal, claimant_id, "contest", scopes)
        actor = moves.Actor(role=principal.role, name=principal.actor)

        def run(work: Work) -> Reply:
            desk = moves.contested([Desk(work, claim_id, context.setup) for claim_id in claims], claimant_id, period_id)
            made = act(desk, actor)
            desk.save()
            body = {"claim_id": desk.claim_id, "claimant_id": claimant_id, "period_id": made.period_id, "why_code": made.why_code}
            return Reply(201 if made.open else 200, {**body, "state": "open" if made.open else "closed"})

        return commands.run(request, principal, context.shell, roots=[(KIND, claim_id) for claim_id in claims], act=run)

    @routes.post("/claimants/{claimant_id}/contest", status_code=201, responses=described(answers.ContestView, 201))
    def contest(
        claimant_id: str, body: bodies.Contest, request: Request, principal: Annotated[Principal, Depends(require(*CONTESTERS))]
    ) -> Response:
        """The claimant says that earnings are wrong; the coach and the earnings service are told."""
        return do(
            request,
            principal,
            claimant_id,
            body.period_id,
            CONTESTERS,
            lambda desk, by: moves.contest(desk, claimant_id, by, body.period_id, body.why_code),
        )

    @routes.post("/claimants/{claimant_id}/contest/close", responses=described(answers.ContestView))
    def contest_closed(
        claimant_id: str,
        body: bodies.ContestClosed,
        request: Request,
        principal: Annotated[Principal, Depends(require(*ANSWERERS))],
    ) -> Response:
        """The contest was answered."""
        return do(
            request,
            principal,
            claimant_id,
            body.period_id,
            ANSWERERS,
            lambda desk, by: moves.close_contest(desk, claimant_id, by, body.period_id),
        )

    return routes
