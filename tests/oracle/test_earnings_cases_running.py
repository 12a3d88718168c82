"""Worked cases of earnings through the running service: messages in on the topics, figures and doubts out of the API.

The same cases go through the pure rules next door. Events are what the service published under each claim's key.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.documented_answers import Documented
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
pytestmark = pytest.mark.timeout(900)  # the first test of each settings waits for a platform and a whole play


def settings_of(case: dict[str, Any]) -> tuple[str, str]:
    """Attribution and correction basis."""
    given = case["given"]
    return given.get("attribution_basis", "max"), given.get("correction_basis", "original_period")


@pytest.fixture(scope="module")
def shown(backends: Backends, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Seen]:
    """A case as the API shows it. The first to be asked for plays all that share its settings, on one platform."""
    played: dict[tuple[str, str], dict[str, Seen]] = {}

    def case(name: str) -> Seen:
        wanted = settings_of(CASES[name])
        if wanted not in played:
            var = tmp_path_factory.mktemp("-".join(wanted).replace("_", "-"))
            played[wanted] = _played(wanted, backends, var)
        return played[wanted][name]

    return case


def _played(wanted: tuple[str, str], backends: Backends, var: Path) -> dict[str, Seen]:
    with Platform.start(
        var,
        backends,
        Ports.free(),
        clock="topic",
        database_prefix="cases_",
        fresh=True,
        before_services=lambda: advance(backends.kafka.bootstrap, DAWN),
        services=("earnings",),
        env={"ATTRIBUTION_BASIS": wanted[0], "CORRECTION_BASIS": wanted[1]},
    ) as platform:
        credentials = json.loads((var / "dev-credentials.json").read_text())
        address = platform.url("earnings")
        feed = Foreign(address, platform.bootstrap, platform.data_key_service, credentials, platform.environment)
        feed.http.event_hooks = {"response": [Documented.of("earnings")]}
        barrier = Barrier({"earnings": address})
        player = Player(feed, barrier)
        for case in CASES.values():
            if settings_of(case) == wanted:
                player.add(case)
        found = player.run()
        barrier.close()
        feed.close()
        return found


def of(*, kind: str = "earnings", expects: str = "periods") -> list[Any]:
    chosen = [case for case in CASES.values() if case["kind"] == kind and expects in case["expect"]]
    assert chosen
    return [pytest.param(case["id"], case["expect"], id=case["id"]) for case in chosen]


@pytest.mark.parametrize(("name", "expect"), of(kind="ap-series"))
def test_the_api_lists_the_periods_of_the_calendar(shown: Callable[[str], Seen], name: str, expect: dict[str, Any]) -> None:
    periods = [{"start": period["start"], "end": period["end"]} for period in shown(name).periods]
    assert periods[: len(expect["periods"])] == expect["periods"]


@pytest.mark.parametrize(("name", "expect"), of(kind="period-series"))
def test_the_api_shows_periods_as_known_on_the_day(shown: Callable[[str], Seen], name: str, expect: dict[str, Any]) -> None:
    rows = []
    for period, wanted in zip(shown(name).periods, expect["periods"], strict=True):
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
def test_the_api_shows_regular_pay_as_its_monthly_equivalent(
    shown: Callable[[str], Seen], name: str, expect: dict[str, Any]
) -> None:
    entries = [period["claimants"][0] for period in shown(name).periods if period["start"].startswith("2026")]
    assert len(entries) == 12
    assert {pounds(entry["gross_monthly_average_pence"]) for entry in entries} == {expect["average"]}
    below = [entry for entry in entries if entry["attributed_pence"] < pence(expect["threshold_exact"])]
    assert len(below) == expect["aps_missed_of_12"]


@pytest.mark.parametrize(("name", "expect"), of())
def test_the_api_shows_what_the_case_says_of_each_period(shown: Callable[[str], Seen], name: str, expect: dict[str, Any]) -> None:
    rows = []
    for wanted in expect["periods"]:
        entry, average = shown(name).entry(wanted["start"]), shown(name).entry(wanted["start"])["gross_monthly_average_pence"]
        rows.append(
            {
                "start": wanted["start"],
                "end": shown(name).period(wanted["start"])["end"],
                "raw": pounds(entry["gross_pence"]),
                "attributed": pounds(entry["attributed_pence"]),
                "average": None if average is None else pounds(average),
            }
        )
        if wanted["status"] is not None:
            assert bool(set(entry["quality"]) & BLOCKING) is (wanted["status"] == "withheld"), wanted["start"]
    assert rows == [{key: wanted[key] for key in rows[0]} for wanted in expect["periods"]]
    if "total" in expect:
        assert (
            pounds(sum(shown(name).entry(wanted["start"])["attributed_pence"] for wanted in expect["periods"])) == expect["total"]
        )


@pytest.mark.parametrize(("name", "expect"), of(expects="flags"))
def test_the_api_lists_the_open_queries_of_the_case(shown: Callable[[str], Seen], name: str, expect: dict[str, Any]) -> None:
    starts = {period["period_id"]: period["start"] for period in shown(name).periods}
    judged = {period["start"] for period in expect["periods"]}
    found = [(query["cause"], starts[query["period_id"]]) for query in shown(name).queries]
    wanted = [(flag["cause"], flag["period"]) for flag in expect["flags"] if flag["rule"] == "earnings-query"]
    assert sorted(row for row in found if row[1] in judged) == sorted(wanted)


@pytest.mark.parametrize(("name", "expect"), of(expects="attribution_dates"))
def test_the_api_shows_the_day_that_decided(shown: Callable[[str], Seen], name: str, expect: dict[str, Any]) -> None:
    rows = shown(name).payments
    assert {payment: rows[payment]["attribution_date"] for payment in expect["attribution_dates"]} == expect["attribution_dates"]


@pytest.mark.parametrize(("name", "expect"), of(expects="ytd_checks"))
def test_the_api_shows_each_year_to_date_check(shown: Callable[[str], Seen], name: str, expect: dict[str, Any]) -> None:
    found = []
    for wanted in expect["ytd_checks"]:
        check = shown(name).payments[wanted["payment"]]["year_to_date_check"]
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


@pytest.mark.parametrize(("name", "expect"), of(expects="events"))
def test_the_service_tells_what_the_case_says(shown: Callable[[str], Seen], name: str, expect: dict[str, Any]) -> None:
    told = [*_of_messages(CASES[name]["given"], shown(name)), *_of_decisions(shown(name)), *_of_jobs(shown(name))]
    told += [*_of_revisions(shown(name)), *_of_queries(shown(name), {row["start"] for row in expect["periods"]})]
    assert sorted(told, key=repr) == sorted(expect["events"], key=repr)


def _of_messages(given: dict[str, Any], seen: Seen) -> Iterator[dict[str, Any]]:
    for payment, outcomes in seen.outcomes.items():
        row = seen.payments[payment]
        if ("duplicate", None) in outcomes:
            yield {"type": "DuplicateIgnored", "payment": payment}
        if ("quarantined", "payment_conflict") in outcomes:
            assert row["conflict"]
            other = [one["amount"] for one in given["payments"] if one["id"] == payment][-1]
            yield {"type": "PaymentConflict", "payment": payment, "kept": pounds(row["gross_pence"]), "other": other}
        if row["no_longer_valid"] is not None:
            assert [body["payment_id"] for kind, body in seen.events if kind == "PaymentInvalidated"] == [row["payment_id"]]
            yield {"type": "PaymentReversed", "payment": payment, "date": row["no_longer_valid"]}


def _of_decisions(seen: Seen) -> Iterator[dict[str, Any]]:
    starts = {period["period_id"]: period["start"] for period in seen.periods}
    moved = {body["payment_id"]: body for kind, body in seen.events if kind == "PaymentReallocated"}
    for asked, status, answer in seen.answers:
        payment = asked["payment"]
        if status == 409:
            yield {"type": "ReallocationRefused", "payment": payment, "reason": answer["code"].replace("-", "_")}
            continue
        body = moved[answer["payment_id"]]
        assert (status, body["legal_basis"]) == (201, asked["ground"])
        yield {
            "type": "PaymentReallocated" if asked["type"] == "reallocation" else "EarningsDetermined",
            "payment": payment,
            "from_period": starts[body["from_period_id"]],
            "to_period": starts[body["to_period_id"]],
        }


def _of_jobs(seen: Seen) -> Iterator[dict[str, Any]]:
    """A job that ends, and one that begins after it: the employer's link moves on the new job's first payday."""
    ended = {body["employment_id"]: body["ended_on"] for kind, body in seen.events if kind == "EmploymentEnded"}
    for job, day in ended.items():
        yield {"type": "EmploymentEnded", "employment": seen.names[job], "date": day}
    for kind, body in seen.events:
        left = [job for job, day in ended.items() if kind == "EmploymentStarted" and day <= body["started_on"]]
        if left and body["employment_id"] not in ended:
            yield {
                "type": "EmployerLinkMoved",
                "from_employment": seen.names[max(left, key=lambda job: ended[job])],
                "to_employment": seen.names[body["employment_id"]],
                "date": min(
                    row["payment_date"] for row in seen.payments.values() if row["employment_id"] == body["employment_id"]
                ),
            }


def _of_revisions(seen: Seen) -> Iterator[dict[str, Any]]:
    before: dict[str, int] = {}
    for kind, body in seen.events:
        if kind == "PeriodAssessed":
            new, old = body["claimants"][0]["attributed_pence"], before.get(body["start"])
            before[body["start"]] = new
            if body["why"] in ("correction", "invalidation") and old is not None and new != old:
                yield {
                    "type": "PeriodRevised",
                    "period": body["start"],
                    "from_amount": pounds(old),
                    "to_amount": pounds(new),
                }


def _of_queries(seen: Seen, judged: set[str]) -> Iterator[dict[str, Any]]:
    starts = {period["period_id"]: period["start"] for period in seen.periods}
    causes = {(query["cause"], starts[query["period_id"]]) for query in seen.queries}
    for start in sorted(judged):
        if ("duplicate_employment", start) in causes:
            jobs = seen.entry(start)["employments"]
            assert len({(job["employer_id"], job["gross_pence"]) for job in jobs}) == 1
            yield {"type": "DuplicateEmploymentSuspected", "employments": [seen.names[job["employment_id"]] for job in jobs]}
    for payment, row in seen.payments.items():
        check = row["year_to_date_check"]
        if check is not None and not check["matches"]:
            assert ("ytd_mismatch", row["period_start"]) in causes
            difference = pounds(check["reported_pence"] - check["implied_pence"])
            yield {"type": "YtdMismatch", "payment": payment, "difference": difference}
