"""What became of every upstream message, and whether the sums balance."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from earnings import store
from earnings.api import answers
from earnings.api.codes import Outcome
from earnings.api.parts import Parts
from earnings.api.views import ledger_view
from earnings.intake.prepare import INTAKE_TOPICS
from web import pages
from web.answers import described
from web.auth import require
from web.principal import Principal

Reader = Annotated[Principal, Depends(require("upstream:read", "operator"))]
AskedPage = Annotated[pages.Page, Depends(pages.page)]
LARGEST = (1 << 63) - 1


def router(parts: Parts) -> APIRouter:
    """The routes under `/v1/intake`."""
    routes = APIRouter(prefix="/v1/intake", tags=["intake"])

    @routes.get("/messages", responses=described(answers.Page[answers.LedgerRow]))
    def messages(
        _: Reader,
        page: AskedPage,
        topic: Annotated[str | None, Query(max_length=249)] = None,
        partition: Annotated[int | None, Query(ge=0, le=1_000_000)] = None,
        offset: Annotated[int | None, Query(ge=0, le=LARGEST)] = None,
        record_id: Annotated[str | None, Query(max_length=128)] = None,
        outcome: Annotated[Outcome | None, Query()] = None,
    ) -> dict[str, Any]:
        """Ledger rows, oldest first, also of messages that belong to no claim."""
        asked = {"topic": topic, "partition": partition, "offset": offset, "record_id": record_id, "outcome": outcome}
        with parts.pool.connection() as conn:
            rows = store.messages(conn, asked, page.after(datetime, str, int, int), page.fetch)
        return page.body(rows, key=lambda row: [row[4], row[0], row[1], row[2]], item=ledger_view)

    @routes.get("/summary", responses=described(answers.IntakeSummary))
    def summary(
        _: Reader,
        from_: Annotated[AwareDatetime | None, Query(alias="from", description="Received at or after this instant")] = None,
        to: Annotated[AwareDatetime | None, Query(description="Received before this instant")] = None,
    ) -> dict[str, Any]:
        """Messages by topic and outcome; `received` is the sum of the others."""
        with parts.pool.connection() as conn:
            found = store.summary(conn, from_, to)
        return {
            "topics": [
                {
                    "topic": topic,
                    "received": sum(found.get(topic, {}).values()),
                    **{outcome: found.get(topic, {}).get(outcome, 0) for outcome in store.OUTCOMES},
                }
                for topic in INTAKE_TOPICS
            ]
        }

    return routes
