"""`/v1/worklist`: who to contact next, how many there are, and the filters that somebody saved."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from contracts.vocabulary import CaseState
from referrals import worklist
from referrals.api import answers, bodies
from referrals.api.context import Context
from referrals.desk import FILTERS
from referrals.model import SavedFilters
from referrals.rules.filters import Filter
from streaming import documents
from streaming.errors import Refused
from streaming.work import Reply, Work
from web import commands, etag, headers, pages
from web.answers import described
from web.auth import require
from web.pages import Page
from web.principal import Principal

Lister = Annotated[Principal, Depends(require("coach", "team-leader"))]
Paged = Annotated[Page, Depends(pages.page)]
Text = Annotated[str | None, Query(max_length=128)]
Waiting = Literal["us", "claimant", "employer"]
Name = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
MAX_SAVED = 50


def wanted(
    office: Text = None,
    coach: Text = None,
    state: CaseState | None = None,
    due: Annotated[date | None, Query(description="Due on or before this day")] = None,
    rule: Text = None,
    waiting_on: Waiting | None = None,
    unassigned: bool | None = None,
    overdue: bool | None = None,
    new: Annotated[bool | None, Query(description="Not looked at by its coach since they got it")] = None,
    unread: bool | None = None,
    complex_needs: bool | None = None,
    q: Annotated[str | None, Query(min_length=3, max_length=128, description="Beginning of a case, claimant or claim id")] = None,
    saved: Annotated[str | None, Query(max_length=40, description="Name of a saved filter, applied under the others")] = None,
) -> tuple[Filter, str | None]:
    """The filter asked for, and the name of a saved one to complete it."""
    return (
        Filter(
            office=office, coach=coach, state=state, due=due, rule=rule, waiting_on=waiting_on, unassigned=unassigned,
            overdue=overdue, new=new, unread=unread, complex_needs=complex_needs, q=q,
        ),
        saved,
    )  # fmt: skip


Wanted = Annotated[tuple[Filter, str | None], Depends(wanted)]


def router(context: Context) -> APIRouter:
    """The list, its counts, and saved filters."""
    routes = APIRouter(prefix="/v1/worklist", tags=["worklist"])

    def chosen(principal: Principal, asked: tuple[Filter, str | None]) -> tuple[worklist.Reach, Filter]:
        given, name = asked
        with context.connection() as conn:
            caller = context.effective(conn, principal)
            if name is not None:
                kept = _saved(conn, principal).filters.get(name)
                if kept is None:
                    raise Refused(422, "unknown-saved-filter", "There is no saved filter of that name.")
                given = msgspec.convert({**msgspec.to_builtins(kept), **msgspec.to_builtins(given)}, Filter)
        own = caller.coach_id if caller.has("coach") else None
        return worklist.Reach(caller.office_ids, own), given

    def _saved(conn: Any, principal: Principal) -> SavedFilters:
        return documents.read(conn, context.spec, FILTERS, principal.actor) or SavedFilters()

    @routes.get("", responses=described(answers.Page[answers.WorklistItem]))
    def listed(principal: Lister, page: Paged, asked: Wanted) -> Response:
        """Cases of the caller's offices in the order in which to take them; each row says why it is where it is."""
        reach, given = chosen(principal, asked)
        with context.connection() as conn:
            rows = worklist.page(conn, reach, given, context.today, page.after(int, str), page.fetch)
        body = page.body(rows, key=lambda row: row[:2], item=lambda row: msgspec.Raw(row[2]))
        return Response(msgspec.json.encode(body), media_type="application/json")

    @routes.get("/counts", responses=answers.described(answers.WorklistCounts))
    def counted(principal: Lister, asked: Wanted) -> Any:
        """How many cases the same filters give, by state, rule and who is waited for."""
        reach, given = chosen(principal, asked)
        with context.connection() as conn:
            return worklist.counts(conn, reach, given, context.today)

    @routes.get("/filters", responses=described(answers.SavedFiltersView, tagged=True))
    def filters(request: Request, principal: Lister) -> Response:
        """The caller's saved filters by name."""
        with context.connection() as conn:
            return etag.response(request, msgspec.to_builtins(_saved(conn, principal)))

    def keep(request: Request, principal: Principal, name: str, kept: Filter | None) -> Response:
        def act(work: Work) -> Reply:
            known: SavedFilters = work.get(FILTERS, principal.actor) or SavedFilters()
            if name in known.filters:
                work.require_match(etag.of(msgspec.to_builtins(known)))
            elif kept is None:
                raise Refused(404, "not-found")
            now = {key: value for key, value in known.filters.items() if key != name}
            if kept is not None:
                now[name] = kept
            if len(now) > MAX_SAVED:
                raise Refused(422, "too-many-filters", f"At most {MAX_SAVED} saved filters.")
            after = SavedFilters(filters=now)
            work.put(FILTERS, principal.actor, after)
            view = msgspec.to_builtins(after)
            return Reply(201 if kept is not None and name not in known.filters else 200, view, {"ETag": etag.of(view)})

        return commands.run(request, principal, context.shell, roots=[(FILTERS, principal.actor)], act=act)

    @routes.put("/filters/{name}", responses=described(answers.SavedFiltersView), dependencies=headers.REPLACES)
    def save(name: Name, body: bodies.WorklistFilter, request: Request, principal: Lister) -> Response:
        """Save a filter, or replace the one of that name (If-Match: the list's ETag)."""
        return keep(request, principal, name, msgspec.convert(body.model_dump(exclude_none=True), Filter))

    @routes.delete("/filters/{name}", responses=described(answers.SavedFiltersView), dependencies=headers.CHANGES)
    def forget(name: Name, request: Request, principal: Lister) -> Response:
        """Remove a saved filter (If-Match: the list's ETag)."""
        return keep(request, principal, name, None)

    return routes
