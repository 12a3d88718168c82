"""Holds of mass flags."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from referrals.breaker.holding import Answer
from web.answers import Answered


class HoldView(Answered):
    """A hold. since: flags raised from then on belong to it. rolling_hour: flags in the hour before it opened.

    median: of earlier hours with flags; band: the limit drawn from it. allow_until: until then none needs sign-off.
    """

    hold_id: str
    state: Literal["open", "released", "discarded"]
    since: datetime
    opened_at: datetime
    rolling_hour: int
    median: float
    band: float
    rule_set: str
    closed_at: datetime | None
    closed_by: str | None
    reason: str | None
    allow_until: datetime | None


class HoldReport(Answered):
    """How many flags wait, how many were raised before, and what they have in common: the largest groups."""

    held: int
    raised_before: int
    by_rule: dict[str, int]
    by_office: dict[str, int]
    by_employer: dict[str, int]
    by_pay_change: dict[str, int]


class HoldWithReport(HoldView):
    """A hold, and what its flags have in common."""

    report: HoldReport


class HoldAnswered(Answered):
    """What a person decided about a hold."""

    hold_id: str
    answer: Answer
    by: str
    at: datetime
    reason: str
    allow_until: datetime | None
