"""`/v1/flag-holds`: mass flags that wait for a person to sign them off, what they have in common, and the answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Request
from pydantic import AwareDatetime
from starlette.responses import Response

from referrals.api import answers
from referrals.api.bodies import Body, Code
from referrals.api.context import Context
from referrals.breaker import watch
from referrals.breaker.holding import HOLD, Answer, HoldAnswer
from streaming.errors import Refused
from streaming.work import Reply, Work
from web import commands, etag, headers, pages
from web.answers import described
from web.auth import require
from web.pages import Page
from web.principal import Principal

SIGNERS = ("operator", "decision-maker")
Signer = Annotated[Principal, Depends(require(*SIGNERS))]


class Release(Body):
    """allow_until: until then flags outside the band need no further sign-off."""

    reason: Code
    allow_until: AwareDatetime | None = None


class Discard(Body):
    reason: Code


def router(context: Context) -> APIRouter:
    """List holds, read one with its report, release or discard its flags."""
    routes = APIRouter(prefix="/v1", tags=["flag-holds"])

    @routes.get("/flag-holds", responses=answers.described(answers.Page[answers.HoldView]))
    def listed(
        principal: Signer,
        page: Annotated[Page, Depends(pages.page)],
        state: Literal["open", "released", "discarded"] | None = None,
    ) -> Any:
        """Holds, newest first."""
        with context.connection() as conn:
            rows = watch.holds(conn, state, page.after(datetime, str), page.fetch)
        return page.body(rows, key=lambda row: [row["opened_at"], row["hold_id"]], item=_view)

    @routes.get("/flag-holds/{hold_id}", responses=described(answers.HoldWithReport, tagged=True))
    def read(hold_id: str, principal: Signer) -> Response:
        """One hold: why it opened, and what its flags have in common by rule, office, employer and change of pay.

        The ETag is that of the hold's state, so that an answer is not refused because one more flag waits.
        """
        with context.connection() as conn:
            found = watch.hold(conn, hold_id)
            if found is None:
                raise Refused(404, "not-found")
            body = {**_view(found), "report": watch.report(conn, hold_id)}
        return Response(msgspec.json.encode(body), headers={"ETag": _tag(found)}, media_type="application/json")

    def answer(
        request: Request, principal: Principal, hold_id: str, given: Answer, reason: str, allow_until: datetime | None = None
    ) -> Response:
        with context.connection() as conn:
            found = watch.hold(conn, hold_id)
        if found is None:
            raise Refused(404, "not-found")

        def act(work: Work) -> Reply:
            if work.get(HOLD, hold_id) is not None:
                raise Refused(409, "already-answered", "Somebody has answered this hold.", allowed=[])
            work.require_match(_tag(found))
            made = HoldAnswer(
                hold_id=hold_id, answer=given, by=principal.actor, at=work.now, reason=reason, allow_until=allow_until
            )
            work.put(HOLD, hold_id, made)
            work.audit(actor=principal.actor, action=given, resource="flag-hold", reason=reason, hold_id=hold_id)
            return Reply(200, msgspec.to_builtins(made))

        return commands.run(request, principal, context.shell, roots=[(HOLD, hold_id)], act=act)

    @routes.post(
        "/flag-holds/{hold_id}/release", responses=described(answers.HoldAnswered), dependencies=headers.CHANGES_UNTAGGED
    )
    def release(hold_id: str, body: Release, request: Request, principal: Signer) -> Response:
        """The flags are right: each goes on where it stopped, judged again on what is known now."""
        return answer(request, principal, hold_id, "release", body.reason, body.allow_until)

    @routes.post(
        "/flag-holds/{hold_id}/discard", responses=described(answers.HoldAnswered), dependencies=headers.CHANGES_UNTAGGED
    )
    def discard(hold_id: str, body: Discard, request: Request, principal: Signer) -> Response:
        """The flags rest on bad data: they are withdrawn, those raised in the hour before the hold too."""
        return answer(request, principal, hold_id, "discard", body.reason)

    return routes


def _view(row: Any) -> dict[str, Any]:
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in row.items()}


def _tag(row: Any) -> str:
    return etag.of({"hold_id": row["hold_id"], "state": row["state"]})
