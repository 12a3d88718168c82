"""Worked cases of earnings through the running service: messages in on the topics, figures and doubts out of the API.

The same cases go through the pure rules next door. Events are what the service published under each claim's key.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.support.earnings_cases import cases, pence, pounds
from tests.support.earnings_play import Player, Seen
from tests.support.foreign_feed import Foreign

from devstack.backends import Backends
from devstack.demo.barrier import Barrier
from devstack.layout import Ports
from devstack.platform import Platform
from earnings.rules.policy import Policy
from streaming.clock import advance

CASES = {case["id"]: case for case in cases(("assessment-periods", "attribution", "corrections", "patterns"))}
DAWN = datetime(2020, 1, 1, tzinfo=UTC)
BLOCKING = Policy().blocking

Settings = tuple[str, str]


def settings_of(case: dict[str, Any]) -> Settings:
    given = case["given"]
    return given.get("attribution_basis", "max"), given.get("correction_basis", "original_period")


@pytest.fixture(scope="module")
def shown(backends: Backends, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Seen]]:
    """Every case, played; one platform for all cases that share their settings."""
    found: dict[str, Seen] = {}
    for basis, correction in sorted({settings_of(case) for case in CASES.values()}):
        var = tmp_path_factory.mktemp(f"cases-{basis}-{correction}".replace("_", "-"))
        with Platform.start(
            var,
            backends,
            Ports.free(),
            clock="topic",
            database_prefix="cases_",
            fresh=True,
            before_services=lambda: advance(backends.kafka.bootstrap, DAWN),
            services=("earnings",),
            env={"ATTRIBUTION_BASIS": basis, "CORRECTION_BASIS": correction},
        ) as platform:
            credentials = json.loads((var / "dev-credentials.json").read_text())
            address = platform.url("earnings")
            feed = Foreign(address, platform.bootstrap, platform.data_key_service, credentials, platform.environment)
            barrier = Barrier({"earnings": address})
            player = Player(feed, barrier)
            for case in CASES.values():
                if settings_of(case) == (basis, correction):
                    player.add(case)
            found |= player.run()
            barrier.close()
            feed.close()
    yield found


def of(*, kind: str = "earnings", expects: str = "periods") -> list[Any]:
    chosen = [case for case in CASES.values() if case["kind"] == kind and expects in case["expect"]]
    assert chosen
    return [pytest.param(case["id"], case["expect"], id=case["id"]) for case in chosen]


@pytest.mark.parametrize(("name", "expect"), of(kind="ap-series"))
def test_the_api_lists_the_periods_of_the_calendar(shown: dict[str, Seen], name: str, expect: dict[str, Any]) -> None:
    periods = [{"start": period["start"], "end": period["end"]} for period in shown[name].periods]
    assert periods[: len(expect["periods"])] == expect["periods"]


@pytest.mark.parametrize(("name", "expect"), of(kind="period-series"))
def test_the_api_shows_periods_as_known_on_the_day(shown: dict[str, Seen], name: str, expect: dict[str, Any]) -> None:
    rows = []
    for period, wanted in zip(shown[name].periods, expect["periods"], strict=True):
        row = {
            "start": period["start"],
            "end": period["end"],
            "dates": "projected" if period["statement_id"] is None else "statement",
            "state": period["status"],
        }
        if "total" in wanted:
            row["total"] = pounds(period["claimants"][0]["attributed_pence"])
        rows.append(row)
    assert rows == expect["periods"]


@pytest.mark.parametrize(("name", "expect"), of(kind="average", expects="average"))
def test_the_api_shows_regular_pay_as_its_monthly_equivalent(shown: dict[str, Seen], name: str, expect: dict[str, Any]) -> None:
    entries = [period["claimants"][0] for period in shown[name].periods if period["start"].startswith("2026")]
    assert len(entries) == 12
    assert {pounds(entry["gross_monthly_average_pence"]) for entry in entries} == {expect["average"]}
    below = [entry for entry in entries if entry["attributed_pence"] < pence(expect["threshold_exact"])]
    assert len(below) == expect["aps_missed_of_12"]


@pytest.mark.parametrize(("name", "expect"), of())
def test_the_api_shows_what_the_case_says_of_each_period(shown: dict[str, Seen], name: str, expect: dict[str, Any]) -> None:
    rows = []
    for wanted in expect["periods"]:
        entry, average = shown[name].entry(wanted["start"]), shown[name].entry(wanted["start"])["gross_monthly_average_pence"]
        rows.append(
            {
                "start": wanted["start"],
                "end": shown[name].period(wanted["start"])["end"],
                "raw": pounds(entry["gross_pence"]),
                "attributed": pounds(entry["attributed_pence"]),
                "average": None if average is None else pounds(average),
            }
        )
        if wanted["status"] is not None:
            assert bool(set(entry["quality"]) & BLOCKING) is (wanted["status"] == "withheld"), wanted["start"]
    assert rows == [{key: wanted[key] for key in rows[0]} for wanted in expect["periods"]]
    if "total" in expect:
        assert pounds(sum(shown[name].entry(wanted["start"])["attributed_pence"] for wanted in expect["periods"])) == expect["total"]


@pytest.mark.parametrize(("name", "expect"), of(expects="flags"))
def test_the_api_lists_the_open_queries_of_the_case(shown: dict[str, Seen], name: str, expect: dict[str, Any]) -> None:
    starts = {period["period_id"]: period["start"] for period in shown[name].periods}
    judged = {period["start"] for period in expect["periods"]}
    found = [(query["cause"], starts[query["period_id"]]) for query in shown[name].queries]
    wanted = [(flag["cause"], flag["period"]) for flag in expect["flags"] if flag["rule"] == "earnings-query"]
    assert sorted(row for row in found if row[1] in judged) == sorted(wanted)


@pytest.mark.parametrize(("name", "expect"), of(expects="attribution_dates"))
def test_the_api_shows_the_day_that_decided(shown: dict[str, Seen], name: str, expect: dict[str, Any]) -> None:
    rows = shown[name].payments
    assert {payment: rows[payment]["attribution_date"] for payment in expect["attribution_dates"]} == expect["attribution_dates"]


@pytest.mark.parametrize(("name", "expect"), of(expects="ytd_checks"))
def test_the_api_shows_each_year_to_date_check(shown: dict[str, Seen], name: str, expect: dict[str, Any]) -> None:
    found = []
    for wanted in expect["ytd_checks"]:
        check = shown[name].payments[wanted["payment"]]["year_to_date_check"]
        found.append(
            {
                "payment": wanted["payment"],
                "previous_ytd": pounds(check["previous_pence"]),
                "implied": pounds(check["implied_pence"]),
                "reported": pounds(check["reported_pence"]),
                "result": "match" if check["matches"] else "mismatch",
            }
        )
    assert found == expect["ytd_checks"]
    others = [row for payment, row in shown[name].payments.items() if payment not in {row["payment"] for row in found}]
    assert [row["year_to_date_check"] for row in others if row["payment_id"] in shown[name].payment_ids.values()][1:] == []
