"""Decision makers and coaches act on earnings through the running service: determinations, queries, what each may see."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.support.foreign_feed import CLAIMANT, CONTRACT, RTI, STATEMENT, WAIT_S, Foreign, Household, opened

OFFICE_1 = "76783bd7-0000-4000-8000-000000000001"


@pytest.fixture
def acting(feed: Foreign) -> Callable[..., httpx.Response]:
    """Send a request as a named client; a POST gets a fresh Idempotency-Key unless told."""

    def act(client: str, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        sent = {"Authorization": f"Bearer {feed.token(client)}", "Idempotency-Key": str(uuid.uuid4()), **headers}
        return feed.http.request(method, path, json=body, headers=sent)

    return act


def two_wages(feed: Foreign, frequency: str = "M1") -> tuple[Household, str, list[dict[str, Any]]]:
    """A person paid twice in the first period and not in the second. Returns the second payment and the periods, oldest first."""
    house = Household()
    opened(feed, house)
    first = house.entitlement + timedelta(days=2)
    for day, ytd in ((first, 1000.0), (first + timedelta(days=26), 2000.0)):
        report = house.payment(day, 1000.0, payFrequency=frequency, taxablePayToDate=ytd)
        feed.row(feed.send(RTI, report), "applied")
    periods = feed.get(f"/v1/claims/{house.claim}/periods")["items"][::-1]
    return house, report["uniquePaymentId"], periods


def gross(feed: Foreign, house: Household) -> list[int]:
    periods = feed.get(f"/v1/claims/{house.claim}/periods")["items"][::-1]
    return [period["claimants"][0]["attributed_pence"] for period in periods]


def test_a_decision_maker_moves_one_of_two_wages(feed: Foreign, acting: Callable[..., httpx.Response]) -> None:
    house, payment, periods = two_wages(feed)
    assert "two_wages" in periods[0]["claimants"][0]["quality"]
    asked = {
        "payment_id": payment,
        "action": "reallocate",
        "to_period_id": periods[1]["period_id"],
        "legal_basis": "61(6)",
        "reason": "paid early",
    }
    key = str(uuid.uuid4())
    path = f"/v1/claims/{house.claim}/determinations"
    done = acting("decision-maker-1", "POST", path, asked, **{"Idempotency-Key": key})
    assert done.status_code == 201, done.text
    assert gross(feed, house)[:2] == [100000, 100000]
    again = acting("decision-maker-1", "POST", path, asked, **{"Idempotency-Key": key})
    assert (again.status_code, again.json()) == (201, done.json())
    after = feed.get(f"/v1/claims/{house.claim}/periods")["items"][::-1]
    assert after[0]["why"] == "determination"
    assert not {"two_wages", "reallocation_open"} & set(after[0]["claimants"][0]["quality"])
    told = feed.await_published("earnings.payment.v1", house.claim, "PaymentReallocated")
    query = next(body["query_id"] for name, body in told if name == "EarningsQueryRaised" and body["cause"] == "two_wages")
    order = [name for name, body in told if name == "PaymentReallocated" or body.get("query_id") == query]
    assert order == ["EarningsQueryRaised", "PaymentReallocated", "EarningsQueryResolved"]
    row = next(row for row in feed.get(f"/v1/claimants/{house.people[0]}/payments")["items"] if row["payment_id"] == payment)
    assert (row["rule"], row["period_id"]) == ("reallocated", periods[1]["period_id"])
    assert acting("coach-1", "POST", path, asked).status_code == 403


def test_a_move_that_the_law_does_not_allow_is_refused(feed: Foreign, acting: Callable[..., httpx.Response]) -> None:
    house, payment, periods = two_wages(feed, "W4")
    body = {"payment_id": payment, "action": "reallocate", "legal_basis": "61(6)", "reason": "asked for"}
    path = f"/v1/claims/{house.claim}/determinations"
    refused = acting("decision-maker-1", "POST", path, body | {"to_period_id": periods[1]["period_id"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "not-monthly")
    assert refused.json()["allowed"] == ["disregard", "replace"]
    unknown = acting("decision-maker-1", "POST", path, body | {"to_period_id": str(uuid.uuid4())})
    assert unknown.status_code == 422
    replaced = {
        "payment_id": payment,
        "action": "replace",
        "gross_pence": 40000,
        "legal_basis": "regulation 61(3)(b)",
        "reason": "wrong",
    }
    assert acting("decision-maker-1", "POST", path, replaced).status_code == 201
    assert sum(gross(feed, house)) == 140000


def test_a_query_is_listed_resolved_by_a_person_and_lifts_its_marker(
    feed: Foreign, acting: Callable[..., httpx.Response]
) -> None:
    house, _, periods = two_wages(feed)
    found: list[dict[str, Any]] = []
    deadline = time.monotonic() + WAIT_S
    while not found and time.monotonic() < deadline:
        page = acting("coach-1", "GET", "/v1/queries?state=open&limit=200").json()["items"]
        found = [query for query in page if (query["claim_id"], query["cause"]) == (house.claim, "two_wages")]
    assert [(query["office_id"], query["blocking"], query["state"]) for query in found] == [(OFFICE_1, True, "open")]
    assert not [q for q in acting("coach-2", "GET", "/v1/queries?limit=200").json()["items"] if q["claim_id"] == house.claim]
    path = f"/v1/queries/{found[0]['query_id']}"
    assert acting("coach-2", "GET", path).status_code == 404
    answer = {"resolution": "employer_confirmed", "reason": "both payments are right"}
    assert acting("coach-1", "POST", f"{path}/resolve", answer).status_code == 428
    assert acting("coach-1", "POST", f"{path}/resolve", answer, **{"If-Match": '"stale"'}).status_code == 412
    tag = acting("coach-1", "GET", path).headers["etag"]
    done = acting("coach-1", "POST", f"{path}/resolve", answer, **{"If-Match": tag})
    assert (done.status_code, done.json()["state"]) == (200, "resolved")
    assert acting("coach-1", "GET", path).headers["etag"] == done.headers["etag"] != tag
    after = feed.get(f"/v1/claims/{house.claim}/periods")["items"][::-1]
    assert [set(p["claimants"][0]["quality"]) & {"two_wages", "reallocation_open"} for p in after[:2]] == [set(), set()]
    asked = {"claimant_id": house.people[0], "period_id": periods[0]["period_id"], "cause": "ytd_mismatch"}
    raised = acting("coach-1", "POST", f"/v1/claims/{house.claim}/queries", asked)
    assert raised.status_code == 201
    assert acting("coach-1", "POST", f"/v1/claims/{house.claim}/queries", asked).status_code == 409
    marked = feed.get(f"/v1/claims/{house.claim}/periods")["items"][-1]
    assert "ytd_mismatch" in marked["claimants"][0]["quality"]


def test_coaches_and_claimants_see_one_person_and_no_household_figure(
    feed: Foreign, acting: Callable[..., httpx.Response]
) -> None:
    house = Household(couple=True)
    opened(feed, house)
    start = house.entitlement
    feed.row(feed.ucfs(STATEMENT, str(uuid.uuid4()), house.statement(start, start + timedelta(days=29))), "applied")
    path = f"/v1/claims/{house.claim}/periods"
    each = acting("coach-1", "GET", path).json()["items"]
    assert [len(period["claimants"]) for period in each] == [1] * len(each)
    assert {period["claimants"][0]["claimant_id"] for period in each[-2:]} == set(house.people), "both are this coach's"
    assert {(period["household_gross_pence"], period["take_home_pay"]) for period in each} == {(None, None)}
    first = acting("coach-1", "GET", f"{path}?limit=1").json()
    second = acting("coach-1", "GET", f"{path}?limit=1&cursor={first['next']}").json()
    assert [*first["items"], *second["items"]] == each[:2]
    seen = acting("coach-1", "GET", f"{path}?claimant={house.people[1]}").json()["items"][-1]
    assert [entry["claimant_id"] for entry in seen["claimants"]] == [house.people[1]]
    assert (seen["household_net_pence"], seen["household_gross_pence"], seen["take_home_pay"]) == (None, None, None)
    assert acting("coach-2", "GET", path).status_code == 404
    assert acting("coach-2", "GET", f"/v1/claims/{house.claim}").status_code == 404
    assert acting("claimant-1", "GET", f"/v1/claims/{house.claim}").status_code == 404


def test_access_ends_when_the_coach_moves_or_stops(feed: Foreign, acting: Callable[..., httpx.Response]) -> None:
    house, _, _ = two_wages(feed)
    paths = [f"/v1/claims/{house.claim}", f"/v1/claims/{house.claim}/periods", f"/v1/claimants/{house.people[0]}/payments"]
    moving = feed.credentials["clients"]["coach-2"]
    kind, facts = "CoachChanged", {"coach_id": moving["coach_id"], "trained_in_work": True, "minutes_per_day": 370}

    def told(version: int, offices: list[str], *, active: bool = True) -> list[int]:
        """What the coach's token, issued before, opens once earnings knows this; waits for the first page to change."""
        before = acting("coach-2", "GET", paths[0]).status_code
        body = {**facts, "version": version, "offices": offices, "active": active}
        feed.event("progression.reference.v1", body, kind)
        deadline = time.monotonic() + WAIT_S
        while acting("coach-2", "GET", paths[0]).status_code == before:
            assert time.monotonic() < deadline, "access did not change"
        listed = acting("coach-2", "GET", "/v1/queries?limit=200").json()["items"]
        assert (house.claim in {query["claim_id"] for query in listed}) == (before != 200)
        return [acting("coach-2", "GET", path).status_code for path in paths]

    assert {acting("coach-2", "GET", path).status_code for path in paths} == {404}
    assert told(2, [OFFICE_1]) == [200, 200, 200]
    assert told(3, moving["office_ids"]) == [404, 404, 404]
    assert told(4, [OFFICE_1]) == [200, 200, 200]
    assert told(5, [OFFICE_1], active=False) == [404, 404, 404]
    broken = {"X-Break-Glass-Reason": "duty cover, claimant in the office"}
    assert acting("coach-2", "GET", paths[0], **broken).status_code == 404, "no glass to break for who is no coach"
    feed.event("progression.reference.v1", {**facts, "version": 6, "offices": moving["office_ids"], "active": True}, kind)


def test_a_claimant_sees_their_own_claim_and_no_more(feed: Foreign, acting: Callable[..., httpx.Response]) -> None:
    house = Household(couple=True)
    house.people[0] = str(feed.credentials["clients"]["claimant-1"]["claimant_id"])
    feed.row(feed.ucfs(CLAIMANT, house.people[0], house.claimant()))
    feed.row(feed.ucfs(CONTRACT, house.claim, house.contract()))
    mine = acting("claimant-1", "GET", f"/v1/claims/{house.claim}").json()
    assert [one["claimant_id"] for one in mine["claimants"]] == [house.people[0]]
    periods = acting("claimant-1", "GET", f"/v1/claims/{house.claim}/periods").json()["items"]
    assert {entry["claimant_id"] for period in periods for entry in period["claimants"]} == {house.people[0]}
    assert acting("claimant-1", "GET", f"/v1/claims/{house.claim}/periods?claimant={house.people[1]}").status_code == 404
    assert acting("claimant-1", "GET", f"/v1/claimants/{house.people[1]}/payments").status_code == 404
    assert acting("claimant-1", "GET", f"/v1/claimants/{house.people[0]}/profile").status_code == 403


def test_names_are_for_those_who_may_have_them(feed: Foreign, acting: Callable[..., httpx.Response]) -> None:
    house = Household()
    opened(feed, house)
    feed.row(feed.send(RTI, house.payment(house.entitlement)), "applied")
    client = next(name for name, one in feed.credentials["clients"].items() if "profiles:read" in one["scopes"])
    found = acting(client, "POST", "/v1/claimants/profiles", {"claimant_ids": [*house.people, "nobody"], "purpose": "check"})
    assert found.status_code == 200, found.text
    profile = found.json()["items"][0]
    assert (profile["name"], profile["employments"][0]["payroll_id"]) == ("Ada Example", "0012")
    assert len(found.json()["items"]) == 1
    single = acting(client, "GET", f"/v1/claimants/{house.people[0]}/profile")
    assert single.json() == profile
    assert single.headers["etag"]
    assert acting("upstream", "GET", f"/v1/claimants/{house.people[0]}/profile").status_code == 403
