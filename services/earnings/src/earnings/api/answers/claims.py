"""Claims, and what decision makers do on them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from contracts.vocabulary import ClaimStatus
from web.answers import Answered


class ClaimantOnClaim(Answered):
    """One person on a claim. coach_id, office_id, work_group: null until upstream has described the person."""

    claimant_id: str
    nino_known: bool
    coach_id: str | None
    office_id: str | None
    work_group: str | None


class ClaimView(Answered):
    """A claim and the people that the caller may see. suspension_date: may lie in the future."""

    claim_id: str
    status: ClaimStatus
    claimants: list[ClaimantOnClaim]
    entitlement_date: date
    start_date: date | None
    suspension_date: date | None
    closed_date: date | None
    closure_reason: str | None
    payment_day: Annotated[int, Field(description="Day of the month")]
    couple: bool
    updated_at: datetime | None


class Determined(Answered):
    """A determination as recorded; its effect shows in the claim's periods and payments."""

    determination_id: str
    claim_id: str
    payment_id: str
