"""`/v1/what-if`: ask what another policy would have done with what is on record, and read the answer."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Request
from psycopg import Connection
from pydantic import Field
from starlette.responses import Response

from referrals.api import answers
from referrals.api.bodies import Body, Id
from referrals.api.context import Context
from referrals.policy_files import read_files
from referrals.pseudonyms import Pseudonyms
from referrals.whatif import plot, runner, store
from referrals.whatif.compare import AHEAD, Row, Window
from referrals.whatif.policies import PolicyInvalid, other_files
from referrals.whatif.run import Question, Report
from streaming.errors import Refused
from streaming.work import Reply, Work
from web import audit, commands, etag, pages
from web.answers import described
from web.auth import require
from web.pages import Page
from web.principal import Principal

ASKERS = ("team-leader", "analyst", "operator")
Asker = Annotated[Principal, Depends(require(*ASKERS))]


class WhatIf(Body):
    """policy: policy files or parts of them, by name. offices null: all that the caller may see."""

    policy: dict[str, Any] | str
    from_: date = Field(alias="from")
    to: date
    offices: list[Id] | None = None


def router(context: Context) -> APIRouter:
    """Ask, read the answer, and the people and plot behind it."""
    routes = APIRouter(prefix="/v1", tags=["what-if"])

    @routes.post("/what-if", status_code=202, responses=described(answers.WhatIfAsked, 202))
    def post(body: WhatIf, request: Request, principal: Asker) -> Response:
        """Play the record under another policy. Changes nothing; poll `Location`."""
        if body.to < body.from_:
            raise Refused(422, "window-invalid", "`to` is before `from`.")
        if body.to > context.today + AHEAD:
            raise Refused(422, "window-invalid", f"`to` is more than {AHEAD.days} days from today.")
        try:
            in_force = read_files(context.policy_dir)
            files = other_files(body.policy, in_force, body.from_)
        except PolicyInvalid as invalid:
            raise Refused(422, "policy-invalid", str(invalid)) from None
        with context.connection() as conn:
            offices = _offices(context.effective(conn, principal), body.offices)
        window = Window(first=body.from_, last=body.to, offices=offices)
        question = Question(files=files, in_force=in_force, window=window)

        def act(work: Work) -> Reply:
            run_id = work.next_id("what-if")
            work.append("what_if", run_id=run_id, asked_at=work.now, question=question)
            return Reply(202, {"what_if_id": run_id, "state": "waiting"}, {"Location": f"/v1/what-if/{run_id}"})

        reply = commands.run(request, principal, context.shell, roots=[], act=act)
        runner.start()
        return reply

    def found(conn: Connection[Any], principal: Principal, run_id: str) -> store.Stored:
        stored = store.find(conn, run_id)
        if stored is None or not _may_see(context.effective(conn, principal), stored.asked().window):
            raise Refused(404, "not-found")
        return stored

    @routes.get("/what-if/{what_if_id}", responses=described(answers.WhatIfView, tagged=True))
    def read(what_if_id: str, request: Request, principal: Asker) -> Response:
        """How far it is, and the answer: by rule, by office and week, coach hours, beside what happened."""
        with context.connection() as conn:
            stored = found(conn, principal, what_if_id)
        return etag.response(request, _view(stored))

    @routes.get("/what-if/{what_if_id}/flags", responses=answers.described(answers.Page[answers.WhatIfRow]))
    def flags(
        what_if_id: str,
        request: Request,
        principal: Asker,
        page: Annotated[Page, Depends(pages.page)],
        change: Literal["same", "added", "removed"] | None = None,
    ) -> Any:
        """Who and when. A team leader sees the people of their offices; everybody else sees pseudonyms."""
        after = page.after(int)
        with context.connection() as conn:
            found(conn, principal, what_if_id)
            rows = store.rows(conn, what_if_id, change, None if after is None else after[0], page.fetch)
            names = None if principal.has("team-leader") else Pseudonyms(conn, context.cipher)
            audit.read(conn, request, principal, "what-if", ids={"what_if_id": what_if_id})
        return page.body(rows, key=lambda row: [row[0]], item=lambda row: _row(row[1], names))

    @routes.get(
        "/what-if/{what_if_id}/plot.svg",
        response_class=Response,
        responses={200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}}},
    )
    def drawing(what_if_id: str, principal: Asker) -> Response:
        """The plot. 409 until it is answered."""
        with context.connection() as conn:
            stored = found(conn, principal, what_if_id)
        if stored.report is None:
            raise Refused(409, "not-answered", "There is no answer yet.")
        return Response(plot.svg(msgspec.json.decode(stored.report, type=Report)), media_type="image/svg+xml")

    return routes


def _offices(principal: Principal, wanted: list[str] | None) -> tuple[str, ...] | None:
    """The offices to look at; a team leader's own ones only. Refused 422 for one they may not see."""
    if not principal.has("team-leader"):
        return None if wanted is None else tuple(sorted(set(wanted)))
    own = set(principal.office_ids)
    if wanted is not None and not set(wanted) <= own:
        raise Refused(422, "office-not-yours", "Name offices of your own, or none for all of them.")
    return tuple(sorted(own if wanted is None else set(wanted)))


def _may_see(principal: Principal, window: Window) -> bool:
    if not principal.has("team-leader"):
        return principal.has("analyst", "operator")
    return window.offices is not None and set(window.offices) <= set(principal.office_ids)


def _view(stored: store.Stored) -> dict[str, Any]:
    window = stored.asked().window
    return {
        "what_if_id": stored.run_id,
        "state": stored.state,
        "progress": {"done": stored.done, "of": stored.total},
        "from": window.first.isoformat(),
        "to": window.last.isoformat(),
        "offices": window.offices,
        "report": None if stored.report is None else msgspec.json.decode(stored.report),
    }


def _row(row: Row, names: Pseudonyms | None) -> dict[str, Any]:
    who = {"claimant_id": row.claimant_id, "claim_id": row.claim_id} if names is None else {"person": names.of(row.claimant_id)}
    return {
        **who,
        "change": row.change,
        "office_id": row.office_id,
        "rule_id": row.rule_id,
        "kind": row.kind,
        "raised_on": row.on.isoformat(),
        "shown_on": None if row.shown_on is None else row.shown_on.isoformat(),
        "shown_on_instead": None if row.shown_instead is None else row.shown_instead.isoformat(),
    }
