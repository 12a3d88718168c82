"""The intake rules for people, claims and statements, checked as an upstream team would: from outside, by feed and HTTP."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta

import pytest
from tests.support.foreign_feed import (
    CLAIMANT,
    CONTRACT,
    RTI,
    STATEMENT,
    WAIT_S,
    Foreign,
    Household,
    number,
    opened,
    today,
)


def test_a_claim_is_answered_with_the_fields_upstream_sent(feed: Foreign) -> None:
    house = Household()
    coach = {"workCoach": {"type": "WORK_COACH", "id": "coach-9"}}
    feed.row(feed.ucfs(CONTRACT, house.claim, house.contract()))
    alone = feed.get(f"/v1/claims/{house.claim}")
    assert alone["claimants"][0]["nino_known"] is False
    feed.row(feed.ucfs(CLAIMANT, house.people[0], house.claimant(**coach)))
    found = feed.get(f"/v1/claims/{house.claim}")
    found.pop("updated_at")
    assert found == {
        "claim_id": house.claim,
        "status": "open",
        "claimants": [
            {
                "claimant_id": house.people[0],
                "nino_known": True,
                "coach_id": "coach-9",
                "office_id": "76783bd7-0000-4000-8000-000000000001",
                "work_group": "INTENSIVE",
            }
        ],
        "entitlement_date": house.entitlement.isoformat(),
        "start_date": house.entitlement.isoformat(),
        "suspension_date": None,
        "closed_date": None,
        "closure_reason": None,
        "payment_day": 14,
        "couple": False,
    }
    tag = feed.http.get(f"/v1/claims/{house.claim}").headers["etag"]
    assert feed.http.get(f"/v1/claims/{house.claim}", headers={"If-None-Match": tag}).status_code == 304
    assert feed.http.get(f"/v1/claims/{uuid.uuid4()}").status_code == 404


@pytest.mark.parametrize("payment_first", [True, False])
def test_a_payment_and_its_person_meet_in_either_order(feed: Foreign, payment_first: bool) -> None:
    house = Household()
    paid_on = house.entitlement + timedelta(days=10)
    steps = [
        lambda: feed.send(RTI, house.payment(paid_on)),
        lambda: feed.ucfs(CLAIMANT, house.people[0], house.claimant()),
        lambda: feed.ucfs(CONTRACT, house.claim, house.contract()),
    ]
    if not payment_first:
        steps.reverse()
    places = []
    for step in steps:
        places.append(step())
        feed.row(places[-1], "pending" if places[-1][0] == RTI and payment_first else "applied")
    for place in places:
        feed.row(place, "applied")
    periods = feed.get(f"/v1/claims/{house.claim}/periods")["items"]
    first = next(period for period in periods if period["start"] == house.entitlement.isoformat())
    assert first["claimants"][0]["gross_pence"] == 90550
    assert first["claimants"][0]["basis"] == "rti_gross"
    payment = feed.get(f"/v1/claimants/{house.people[0]}/payments")["items"][0]
    assert payment["period_id"] == first["period_id"]
    assert payment["rule"]
    assert payment["reason"]


@pytest.mark.parametrize("statement_first", [True, False])
def test_a_statement_waits_for_its_contract_and_its_dates_win(feed: Foreign, statement_first: bool) -> None:
    house = Household()
    start = house.entitlement + timedelta(days=28)
    document = house.statement(start, start + timedelta(days=30))
    name = str(uuid.uuid4())
    if statement_first:
        place = feed.ucfs(STATEMENT, name, document)
        feed.row(place, "pending")
        opened(feed, house)
    else:
        opened(feed, house)
        place = feed.ucfs(STATEMENT, name, document)
    feed.row(place, "applied")
    periods = {p["start"]: p for p in feed.get(f"/v1/claims/{house.claim}/periods")["items"]}
    moved = periods[start.isoformat()]
    assert (moved["end"], moved["take_home_pay"]) == ((start + timedelta(days=30)).isoformat(), "812.40")
    assert moved["household_net_pence"] == 81240
    assert moved["upstream_period_id"] == document["assessmentPeriod"]["assessmentPeriodId"]
    assert periods[house.entitlement.isoformat()]["end"] == (start - timedelta(days=1)).isoformat()
    assert len(moved["versions"]) == moved["version"]


def test_the_newest_version_wins_whatever_order_they_come_in(feed: Foreign) -> None:
    house = Household()
    old, middle, new = feed.later(), feed.later(), feed.later()
    assert feed.outcome(feed.ucfs(CONTRACT, house.claim, house.contract(paymentDayOfMonth=2), at=middle))[0] == "applied"
    assert feed.outcome(feed.ucfs(CONTRACT, house.claim, house.contract(paymentDayOfMonth=1), at=old))[0] == "superseded"
    same = house.contract(paymentDayOfMonth=2)
    assert feed.outcome(feed.ucfs(CONTRACT, house.claim, same, at=middle))[0] == "duplicate", "encrypted anew, same document"
    reordered = dict(reversed(same.items()))
    assert feed.outcome(feed.ucfs(CONTRACT, house.claim, reordered, at=middle))[0] == "duplicate"
    assert feed.outcome(feed.ucfs(CONTRACT, house.claim, house.contract(paymentDayOfMonth=3), at=middle))[0] == "applied"
    assert feed.get(f"/v1/claims/{house.claim}")["payment_day"] == 3
    assert feed.outcome(feed.ucfs(CONTRACT, house.claim, house.contract(paymentDayOfMonth=4), at=new))[0] == "applied"
    assert feed.get(f"/v1/claims/{house.claim}")["payment_day"] == 4
    undated = house.contract(paymentDayOfMonth=5)
    assert feed.outcome(feed.ucfs(CONTRACT, house.claim, undated, at=None))[0] == "superseded", "createdDateTime is older"


def test_a_delete_wins_if_newer_even_before_its_insert(feed: Foreign) -> None:
    house = Household()
    before, delete, after = feed.later(), feed.later(), feed.later()
    assert (
        feed.outcome(feed.ucfs(CONTRACT, house.claim, b"", kind="MONGO_DELETE", at=delete, dbObject="means nothing"))[0]
        == "applied"
    )
    assert feed.outcome(feed.ucfs(CONTRACT, house.claim, house.contract(), at=before, kind="MONGO_INSERT"))[0] == "superseded"
    assert feed.http.get(f"/v1/claims/{house.claim}").status_code == 404
    assert feed.outcome(feed.ucfs(CONTRACT, house.claim, house.contract(), at=after, kind="MONGO_UPDATE"))[0] == "applied"
    assert feed.get(f"/v1/claims/{house.claim}")["status"] == "open"


def test_deleted_records_are_forgotten(feed: Foreign) -> None:
    house = Household(couple=True)
    opened(feed, house)
    start = house.entitlement
    end = start + timedelta(days=27)
    name = str(uuid.uuid4())
    feed.row(feed.ucfs(STATEMENT, name, house.statement(start, end)), "applied")
    assert feed.get(f"/v1/claims/{house.claim}/periods")["items"][-1]["end"] == end.isoformat()
    assert feed.outcome(feed.ucfs(STATEMENT, name, b"", kind="MONGO_DELETE"))[0] == "applied"
    oldest = feed.get(f"/v1/claims/{house.claim}/periods")["items"][-1]
    assert (oldest["take_home_pay"], oldest["statement_id"]) == (None, None)
    assert oldest["end"] != end.isoformat()
    assert feed.outcome(feed.ucfs(CLAIMANT, house.people[1], b"", kind="MONGO_DELETE"))[0] == "applied"
    claim = feed.get(f"/v1/claims/{house.claim}")
    assert [one["claimant_id"] for one in claim["claimants"]] == [house.people[0]]
    erased = feed.await_published("earnings.circumstances.v1", house.claim, "ClaimantErased")[-1][1]
    assert [one["claimant_id"] for one in erased["claim"]["claimants"]] == [house.people[0]]
    assert feed.outcome(feed.ucfs(CONTRACT, house.claim, b"", kind="MONGO_DELETE"))[0] == "applied"
    for path in ("", "/periods", "/ledger"):
        assert feed.http.get(f"/v1/claims/{house.claim}{path}").status_code == 404
    assert feed.await_published("earnings.circumstances.v1", house.claim, "ClaimErased")[-1][0] == "ClaimErased"


def test_a_claimant_without_nino_is_kept_and_matched_when_it_comes(feed: Foreign) -> None:
    for absent in (None, "", "  "):
        house = Household()
        assert feed.outcome(feed.ucfs(CLAIMANT, house.people[0], house.claimant(nino=absent)))[0] == "applied"
        assert feed.outcome(feed.ucfs(CONTRACT, house.claim, house.contract()))[0] == "applied"
        assert feed.get(f"/v1/claims/{house.claim}")["claimants"][0]["nino_known"] is False
    waiting = feed.send(RTI, house.payment(house.entitlement))
    feed.row(waiting, "pending")
    known = house.claimant(nino=f" {house.ninos[0].lower()} ")
    assert feed.outcome(feed.ucfs(CLAIMANT, house.people[0], known))[0] == "applied"
    feed.row(waiting, "applied")


def test_suspended_closed_and_couples(feed: Foreign) -> None:
    house = Household(couple=True)
    opened(feed, house)
    assert feed.get(f"/v1/claims/{house.claim}")["couple"] is True
    day = today()
    far = number(day + timedelta(days=40))
    feed.row(feed.ucfs(CONTRACT, house.claim, house.contract(claimSuspension={"suspensionDate": far})))
    assert feed.get(f"/v1/claims/{house.claim}")["status"] == "suspended"
    feed.row(feed.ucfs(CONTRACT, house.claim, house.contract(closedDate=far, claimClosureReason="FraudIntervention")))
    assert feed.get(f"/v1/claims/{house.claim}")["status"] == "open"
    feed.row(feed.ucfs(CONTRACT, house.claim, house.contract(closedDate=number(day))))
    assert feed.get(f"/v1/claims/{house.claim}")["status"] == "closed"
    found = feed.await_published("earnings.circumstances.v1", house.claim, "ClaimClosed")
    names = [name for name, _ in found]
    assert names.index("ClaimOpened") < names.index("ClaimSuspended") < names.index("ClaimResumed") < names.index("ClaimClosed")
    versions = [body["claim"]["version"] for _, body in found]
    assert versions == sorted(set(versions)), "strictly rising"


def test_a_statement_marks_both_partners_self_employed(feed: Foreign) -> None:
    house = Household(couple=True)
    opened(feed, house)
    start = house.entitlement
    breakdown = {"rte": "0.00", "selfReported": "0.00", "selfEmployed": "100.00", "selfEmployedWithMif": "0.00"}
    document = house.statement(start, start + timedelta(days=29), "100.00", takeHomeBreakdown=breakdown)
    assert feed.outcome(feed.ucfs(STATEMENT, str(uuid.uuid4()), document))[0] == "applied"
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        told = feed.published("earnings.circumstances.v1", house.claim)
        if told and all(one["self_employed"] for one in told[-1][1]["claim"]["claimants"]):
            break
    assert [one["self_employed"] for one in told[-1][1]["claim"]["claimants"]] == [True, True]


def test_closed_periods_are_published_with_versions(feed: Foreign) -> None:
    house = Household()
    opened(feed, house)
    paid_on = house.entitlement + timedelta(days=10)
    report = house.payment(paid_on, 1020.0)
    feed.row(feed.send(RTI, report), "applied")
    corrected = house.payment(
        paid_on, 960.0, latePayeReportingReason="H", hmrcReceiptTimestamp=f"{paid_on + timedelta(days=40)}T09:02:11Z"
    )
    feed.row(feed.send(RTI, corrected), "applied")
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        found = [body for _, body in feed.published("earnings.period.v1", house.claim)]
        mine = [body for body in found if body["start"] == house.entitlement.isoformat()]
        if mine and mine[-1]["why"] == "correction":
            break
    assert (mine[0]["version"], mine[0]["supersedes"], mine[0]["why"]) == (1, None, "closed")
    assert [body["why"] for body in mine[-2:]] == ["late_payment", "correction"]
    assert all((after["version"], after["supersedes"]) == (n + 2, n + 1) for n, after in enumerate(mine[1:]))
    assert [body["claimants"][0]["attributed_pence"] for body in mine[-2:]] == [102000, 96000]
    assert not any(body["backfill"] for body in found)
