"""`/v1/contacted-in-error`: who was contacted for a reason that was not so, and what they were told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from referrals import told_in_error
from referrals.api import answers
from referrals.api.context import Context
from referrals.worklist import Reach
from web import pages
from web.auth import require
from web.pages import Page
from web.principal import Principal

Reader = Annotated[Principal, Depends(require("coach", "team-leader"))]


def router(context: Context) -> APIRouter:
    """The list, limited to the caller's offices and own cases."""
    routes = APIRouter(prefix="/v1", tags=["cases"])

    @routes.get("/contacted-in-error", responses=answers.described(answers.Page[answers.ToldInError]))
    def listed(
        principal: Reader,
        page: Annotated[Page, Depends(pages.page)],
        office: Annotated[str | None, Query(max_length=128)] = None,
        due: Annotated[bool | None, Query(description="A corrected explanation is still owed")] = None,
    ) -> Any:
        """Newest first, with the reasons and contacts by value."""
        with context.connection() as conn:
            caller = context.effective(conn, principal)
            reach = Reach(caller.office_ids, caller.coach_id if caller.has("coach") else None)
            after = page.after(datetime, str)
            rows = told_in_error.page(conn, reach, office=office, due=due, after=after, limit=page.fetch)
        return page.body(rows, key=lambda row: [row["found_at"], row["flag_id"]], item=lambda row: row)

    return routes
