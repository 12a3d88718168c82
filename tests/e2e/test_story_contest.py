"""Dee says the pay on record is not hers. The figure is marked as disputed for everybody who reads it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support.story import Story, eventually

from contracts import topics


def test_contested_earnings_are_marked_as_disputed(story: Callable[..., Story]) -> None:
    dee = story()
    dee.pay(dee.months_ago(2, 20), 700.0, taxablePayToDate=700.0)
    dee.open_claim(dee.months_ago(3))
    claimant = dee.house.people[0]

    def period() -> dict[str, Any] | None:
        items = dee.feed.get(f"/v1/claims/{dee.house.claim}/periods")["items"]
        return next((item for item in items if item["claimants"][0]["attributed_pence"] == 70_000), None)

    judged = eventually(period, "the period with her pay")
    assert "disputed" not in judged["claimants"][0]["quality"]
    body = {"period_id": judged["period_id"], "why_code": "not_my_job"}
    eventually(
        lambda: dee.claimant.act("referrals", f"/v1/claimants/{claimant}/contest", body).status_code == 201 or None,
        "the contest is taken",
    )
    dee.await_event(topics.PROGRESSION_CASE, "EarningsContested", period_id=judged["period_id"])

    marked = eventually(
        lambda: next((found for found in [period()] if found and "disputed" in found["claimants"][0]["quality"]), None),
        "the period is marked as disputed",
    )
    assert marked["version"] == judged["version"] + 1
