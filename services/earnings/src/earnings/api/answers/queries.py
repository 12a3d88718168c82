"""Earnings queries."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from contracts.vocabulary import QueryRaiser
from earnings.api.codes import Cause, Resolution
from web.answers import Answered


class QueryView(Answered):
    """An earnings query. blocking: nothing is concluded from the period while it is open."""

    query_id: str
    claim_id: str
    claimant_id: str
    period_id: str
    cause: Cause
    blocking: bool
    raised_by: QueryRaiser
    state: Literal["open", "resolved"]
    raised_at: datetime
    resolved_at: datetime | None
    resolution: Annotated[Resolution | Literal["data_changed"] | None, Field(description="data_changed: later data settled it")]
    office_id: str | None


class QueryRaisedView(Answered):
    """The new query."""

    query_id: str
