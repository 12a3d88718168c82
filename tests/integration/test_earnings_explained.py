"""Every figure in words: from the API for coaches, and the same as a table for operators."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import Any

from tests.support.foreign_feed import RTI, Foreign, Household, opened


def explain(feed: Foreign, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "earnings", "explain", *arguments]
    return subprocess.run(
        command, env={**feed.environment, "COLUMNS": "220"}, capture_output=True, text=True, check=False, timeout=60
    )


def as_coach(feed: Foreign, path: str) -> Any:
    answer = feed.http.get(path, headers={"Authorization": f"Bearer {feed.token('coach-1')}"})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_a_coach_reads_out_where_a_figure_comes_from_and_an_operator_sees_the_same_table(feed: Foreign) -> None:
    house = Household(couple=True)
    opened(feed, house)
    payday = house.entitlement + timedelta(days=3)
    first = house.payment(payday, 905.5, taxablePayToDate=5000.0, payFrequency="W1")
    late = house.payment(payday + timedelta(days=7), 300.0, taxablePayToDate=6000.0, payFrequency="W1")
    partner = house.payment(payday, 1234.56, nationalInsuranceNumber=house.ninos[1] + "C", payrollId="77")
    for report in (first, late, partner):
        feed.row(feed.send(RTI, report), "applied")

    period = as_coach(feed, f"/v1/claims/{house.claim}/periods?claimant={house.people[0]}")[-1]
    entry = period["claimants"][0]
    assert "projected from the entitlement date by regulation 21" in period["explanation"][0]
    assert len(period["explanation"]) == 1 + len(period["versions"]), "each version and why"
    assert entry["explanation"][0].startswith("£1,205.50 gross was earned")
    assert [(row["payment_id"], row["attributed_pence"]) for row in entry["payments"]] == [
        (first["uniquePaymentId"], 90550),
        (late["uniquePaymentId"], 30000),
    ]
    words = " ".join(entry["explanation"])
    assert "monthly average" in words
    assert "Example Bakery Ltd enters with £1,205.50" in words
    assert "A year-to-date figure does not fit the reports before it." in words
    assert "1,234.56" not in str(period), "the partner's pay is not this person's"
    rows = {row["payment_id"]: row for row in as_coach(feed, f"/v1/claimants/{house.people[0]}/payments")}
    doubtful = rows[late["uniquePaymentId"]]
    assert doubtful["year_to_date_check"] == {
        "previous_pence": 500000, "implied_pence": 100000, "reported_pence": 30000, "matches": False
    }  # fmt: skip
    assert "By the year-to-date figures it would have been £1,000.00, not £300.00." in doubtful["explanation"]

    for which in (period["period_id"], payday.isoformat()):
        shown = explain(feed, house.claim, which)
        assert shown.returncode == 0, shown.stderr
        for sentence in (*period["explanation"], *entry["explanation"]):
            assert sentence in " ".join(shown.stdout.split()), "the table says the same"
        assert first["uniquePaymentId"] in shown.stdout
        assert "1,234.56" in shown.stdout, "an operator sees the household"
    missing = explain(feed, house.claim, "1999-01-01")
    assert missing.returncode == 1
    assert f"no period 1999-01-01 of claim {house.claim}" in missing.stderr
    assert "a day in it" in missing.stderr
    assert explain(feed, "nobody", payday.isoformat()).returncode == 1


def test_the_period_in_progress_is_explained_too(feed: Foreign) -> None:
    house = Household()
    opened(feed, house)
    running = feed.get(f"/v1/claims/{house.claim}/periods")["items"][0]
    assert running["explanation"][1] == "It has not ended; its figures are of today."
    shown = explain(feed, house.claim, running["period_id"])
    assert (shown.returncode, "It has not ended" in shown.stdout) == (0, True), shown.stderr
