"""`/v1/outcomes`: what every period brought, contacted or not, for evaluation; people by pseudonym only."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from referrals.api import answers
from referrals.api.context import Context
from referrals.pseudonyms import Pseudonyms
from referrals.trials import store
from web import audit, pages
from web.auth import require
from web.pages import Page
from web.principal import Principal

Analyst = Annotated[Principal, Depends(require("analyst"))]


def router(context: Context) -> APIRouter:
    """The export, page by page."""
    routes = APIRouter(prefix="/v1", tags=["outcomes"])

    @routes.get("/outcomes", responses=answers.described(answers.Page[answers.OutcomeView]))
    def listed(
        request: Request,
        principal: Analyst,
        page: Annotated[Page, Depends(pages.page)],
        experiment: Annotated[str | None, Query(max_length=64, description="Only people with an arm of this experiment")] = None,
        first: Annotated[date | None, Query(alias="from", description="Periods that end on or after this day")] = None,
        last: Annotated[date | None, Query(alias="to", description="Periods that end on or before this day")] = None,
    ) -> Any:
        """Outcomes with arm, stratum and exposure. No claim, office or claimant id is given."""
        after = page.after(int)
        with context.connection() as conn:
            rows = store.outcomes(conn, experiment, (first, last), None if after is None else after[0], page.fetch)
            names = Pseudonyms(conn, context.cipher)
            audit.read(conn, request, principal, "outcomes", ids={"experiment": experiment})
        return page.body(rows, key=lambda row: [row["seq"]], item=lambda row: _item(row, names))

    return routes


def _item(row: Any, names: Pseudonyms) -> dict[str, Any]:
    drawn = row["experiment"] is not None
    return {
        "person": names.of(row["claimant_id"]),
        "period_start": row["period_start"].isoformat(),
        "period_end": row["period_end"].isoformat(),
        "version": row["version"],
        "gross_change_pence": row["gross_change_pence"],
        "in_work": row["in_work"],
        "experiment": row["experiment"],
        "arm": row["arm_drawn"] if drawn else row["arm"],
        "stratum": row["stratum"],
        "assigned_on": None if row["assigned_on"] is None else row["assigned_on"].isoformat(),
        "exposed_on": None if row["exposed_on"] is None else row["exposed_on"].isoformat(),
    }
