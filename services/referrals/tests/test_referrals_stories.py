"""From an assessed period to a case on a coach's list and back, through processes, topics and HTTP."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from referrals_facts import assessed, claim, earned, months, person
from referrals_rig import Rig
from test_flag_life import letter

from contracts import topics
from contracts.earnings import ClaimClosed, ClaimErased, ClaimOpened
from contracts.notifications import AppointmentBooked


def open_claim(rig: Rig, **changes: Any) -> str:
    """A claim of one person with an own office and coach."""
    name = rig.name()
    rig.person(f"{name}-coach", "coach", coach_id=f"{name}-coach", office_ids=(f"{name}-office",))
    one = person(f"{name}-p", coach_id=f"{name}-coach", office_id=f"{name}-office", **changes)
    rig.publish(topics.EARNINGS_CIRCUMSTANCES, name, ClaimOpened(claim_id=name, claim=claim(name, one)))
    return name


def pay(rig: Rig, name: str, span: tuple[date, date], pence: int, version: int = 1) -> None:
    rig.publish(topics.EARNINGS_PERIOD, name, assessed(name, span, earned(f"{name}-p", pence), version=version))


def after(span: tuple[date, date], days: int) -> date:
    return span[1] + timedelta(days=days)


def fallen(rig: Rig) -> tuple[str, tuple[date, date]]:
    """A claim whose person fell below the threshold in the last period before now; the fall is planned."""
    name = open_claim(rig)
    first = date(rig.now.year, rig.now.month, 8)
    before, last = months(first, 2)
    rig.go_to(after(last, 1))
    pay(rig, name, before, 105_000)
    pay(rig, name, last, 84_000)
    rig.drain()
    return name, last


def names(rig: Rig, name: str) -> list[str]:
    return [kind for kind, _ in rig.events(name)]


def shown(rig: Rig) -> tuple[str, dict[str, Any]]:
    """The fall has come to the coach's worklist."""
    name, last = fallen(rig)
    rig.go_to(after(last, 7))
    rig.go_to(after(last, 9))
    [item] = rig.call(f"{name}-coach", "GET", "/v1/worklist").json()["items"]
    return name, item


def move(rig: Rig, name: str, case_id: str, what: str, body: dict[str, Any], status: int = 200) -> dict[str, Any]:
    read = rig.call(f"{name}-coach", "GET", f"/v1/cases/{case_id}")
    answer = rig.call(f"{name}-coach", "POST", f"/v1/cases/{case_id}/{what}", body, If_Match=read.headers["ETag"])
    assert answer.status_code == status, answer.text
    result: dict[str, Any] = answer.json()
    return result


def test_a_fall_is_planned_checked_again_shown_after_the_grace_period_and_explained(rig: Rig) -> None:
    name, last = fallen(rig)
    assert names(rig, name) == ["FlagPlanned"]
    rig.go_to(after(last, 7))
    assert names(rig, name) == ["FlagPlanned", "FlagRaised"]
    assert rig.call(f"{name}-coach", "GET", "/v1/worklist").json()["items"] == []
    rig.go_to(after(last, 9))
    assert names(rig, name) == ["FlagPlanned", "FlagRaised", "FlagShown", "CaseOpened"]
    [item] = rig.call(f"{name}-coach", "GET", "/v1/worklist").json()["items"]
    assert item["rules"] == ["fell-below-aet"]
    assert "£840.00" in item["reasons"][0]["text"]
    assert item["etag"] == rig.call(f"{name}-coach", "GET", f"/v1/cases/{item['case_id']}").headers["ETag"]
    decisions = rig.call(f"{name}-coach", "GET", f"/v1/claimants/{name}-p/decisions").json()["items"]
    assert [d["step"] for d in decisions] == ["display", "recheck", "plan", "plan"]
    one = rig.call(f"{name}-coach", "GET", f"/v1/decisions/{decisions[0]['decision_id']}").json()
    assert one["counterfactual"]["text"].startswith("£151 more in the period, about 2.7 hours a week")
    replay = rig.call(f"{name}-coach", "GET", f"/v1/decisions/{decisions[0]['decision_id']}/replay").json()
    assert (replay["identical"], replay["chain_intact"]) == (True, True)


def test_a_correction_before_contact_takes_flag_and_case_back(rig: Rig) -> None:
    name, item = shown(rig)
    first = next(body for kind, body in rig.events(name) if kind == "FlagPlanned")
    [last] = [span for span in months(date(2026, 1, 8), 240) if assessed(name, span).period_id == first["period_id"]]
    pay(rig, name, last, 105_000, version=2)
    rig.drain()
    assert names(rig, name)[-3:] == ["CaseOpened", "CaseWithdrawn", "CaseClosed"]
    assert "FlagWithdrawn" in names(rig, name)
    assert rig.call(f"{name}-coach", "GET", "/v1/worklist").json()["items"] == []
    assert rig.call(f"{name}-coach", "GET", f"/v1/cases/{item['case_id']}").json()["outcome"] == "withdrawn"


def test_a_correction_after_contact_leaves_the_case_and_tells_the_coach(rig: Rig) -> None:
    name, item = shown(rig)
    case_id = item["case_id"]
    move(rig, name, case_id, "contact", {"purpose": "progression", "contact_basis": "voluntary", "channel": "phone"})
    for event in letter(case_id, f"{name}-m", claim_id=name, claimant_id=f"{name}-p"):
        rig.publish(topics.NOTIFICATIONS_MESSAGE, name, event)
    rig.drain()
    assert rig.call(f"{name}-coach", "GET", f"/v1/cases/{case_id}").json()["state"] == "contacted"
    booked = AppointmentBooked(appointment_id="a-1", case_id=case_id, claim_id=name, claimant_id=f"{name}-p")
    rig.publish(topics.NOTIFICATIONS_APPOINTMENT, name, booked)
    rig.drain()
    assert rig.call(f"{name}-coach", "GET", f"/v1/cases/{case_id}").json()["state"] == "in_progress"
    first = next(body for kind, body in rig.events(name) if kind == "FlagPlanned")
    [last] = [span for span in months(date(2026, 1, 8), 240) if assessed(name, span).period_id == first["period_id"]]
    pay(rig, name, last, 105_000, version=2)
    rig.drain()
    case = rig.call(f"{name}-coach", "GET", f"/v1/cases/{case_id}").json()
    assert (case["state"], case["explanation_due"], case["unread"]) == ("in_progress", True, True)
    assert "ReasonChanged" in names(rig, name)
    assert "ReviewRaised" in names(rig, name)
    assert "FlagWithdrawn" not in names(rig, name)


def test_a_death_that_becomes_known_in_the_grace_period_stops_the_flag(rig: Rig) -> None:
    name, last = fallen(rig)
    rig.go_to(after(last, 7))
    gone = claim(name, person(f"{name}-p", dead=True), version=2)
    rig.publish(topics.EARNINGS_CIRCUMSTANCES, name, ClaimOpened(claim_id=name, claim=gone))
    rig.drain()
    rig.go_to(after(last, 9))
    why = [body["why"] for kind, body in rig.events(name) if kind == "FlagWithdrawn"]
    assert why == ["guard-not-contactable"]
    assert "CaseOpened" not in names(rig, name)


def test_a_claim_that_closes_ends_its_case(rig: Rig) -> None:
    name, item = shown(rig)
    ended = claim(name, person(f"{name}-p"), version=2, status="closed", closed_date=rig.now.date())
    rig.publish(topics.EARNINGS_CIRCUMSTANCES, name, ClaimClosed(claim_id=name, claim=ended))
    rig.drain()
    assert [body["outcome"] for kind, body in rig.events(name) if kind in ("CaseClosed", "FlagClosed")] == ["not_applicable"] * 2
    assert item["case_id"] not in [row["case_id"] for row in rig.call(f"{name}-coach", "GET", "/v1/worklist").json()["items"]]


def test_an_erased_person_leaves_a_whole_chain_that_nobody_can_read(rig: Rig) -> None:
    name, item = shown(rig)
    [decision, *_] = rig.call(f"{name}-coach", "GET", f"/v1/claimants/{name}-p/decisions").json()["items"]
    rig.publish(topics.EARNINGS_CIRCUMSTANCES, name, ClaimErased(claim_id=name))
    rig.drain()
    assert rig.call(f"{name}-coach", "GET", f"/v1/decisions/{decision['decision_id']}/replay").status_code == 410
    assert rig.call(f"{name}-coach", "GET", f"/v1/cases/{item['case_id']}").status_code == 404
    assert rig.sql("SELECT count(*) FROM decision WHERE claim_id = %s", name)[0][0] == 4
    assert rig.sql("SELECT count(*) FROM due WHERE key = %s", name)[0][0] == 0


def test_a_case_rests_until_the_day_named_and_comes_back_by_itself(rig: Rig) -> None:
    name, item = shown(rig)
    until = rig.now.date() + timedelta(days=5)
    held = move(rig, name, item["case_id"], "hold", {"until": until.isoformat(), "code": "holiday"})
    assert (held["state"], held["held_until"]) == ("held", until.isoformat())
    move(rig, name, item["case_id"], "contact", {"purpose": "p", "contact_basis": "voluntary", "channel": "phone"}, status=409)
    rig.go_to(until)
    assert rig.call(f"{name}-coach", "GET", f"/v1/cases/{item['case_id']}").json()["state"] == "shown"


def test_a_closed_case_can_be_opened_again_and_expires_when_nobody_acts(rig: Rig) -> None:
    name, item = shown(rig)
    closed = move(rig, name, item["case_id"], "close", {"outcome": "declined"})
    assert (closed["state"], closed["allowed"]) == ("closed", ["reopen", "undo"])
    again = move(rig, name, item["case_id"], "reopen", {"why": "asked_again"})
    assert again["state"] == "shown"
    rig.go_to(rig.now.date() + timedelta(days=180))
    assert rig.call(f"{name}-coach", "GET", f"/v1/cases/{item['case_id']}").json()["outcome"] == "expired"


@pytest.mark.parametrize("missing", ["key", "match"])
def test_a_change_needs_its_key_and_the_version_it_was_made_for(rig: Rig, missing: str) -> None:
    name, item = shown(rig)
    path, body = f"/v1/cases/{item['case_id']}/close", {"outcome": "declined"}
    if missing == "match":
        assert rig.call(f"{name}-coach", "POST", path, body).status_code == 428
        assert rig.call(f"{name}-coach", "POST", path, body, If_Match='"old"').status_code == 412
    else:
        first = rig.call(f"{name}-coach", "POST", path, body, If_Match=item["etag"], Idempotency_Key=f"{name}-k")
        again = rig.call(f"{name}-coach", "POST", path, body, If_Match=item["etag"], Idempotency_Key=f"{name}-k")
        assert (first.status_code, again.status_code) == (200, 200)
        assert first.json() == again.json()
        assert names(rig, name).count("CaseClosed") == 1


def test_a_coach_of_another_office_sees_nothing(rig: Rig) -> None:
    name, item = shown(rig)
    stranger = rig.person(f"{name}-stranger", "coach", coach_id="stranger", office_ids=("elsewhere",))
    assert rig.call(stranger, "GET", f"/v1/cases/{item['case_id']}").status_code == 404
    assert rig.call(stranger, "GET", "/v1/worklist").json() == {"items": [], "next": None}
    assert rig.call(stranger, "GET", f"/v1/claimants/{name}-p/decisions").status_code == 404
    denied = rig.sql("SELECT count(*) FROM audit WHERE NOT granted AND actor = %s", stranger)
    assert denied[0][0] == 2


def test_access_ends_when_the_coach_is_disabled(rig: Rig) -> None:
    name, item = shown(rig)
    body = {"offices": [f"{name}-office"], "active": False, "trained_in_work": True, "minutes_per_day": 370}
    assert rig.call("operator", "PUT", f"/v1/coaches/{name}-coach", body).status_code == 201
    assert rig.call(f"{name}-coach", "GET", f"/v1/cases/{item['case_id']}").status_code == 404
    rig.drain()
    [(kind, event)] = rig.events(f"coach:{name}-coach", topics.PROGRESSION_REFERENCE)
    assert (kind, event["version"], event["active"]) == ("CoachChanged", 1, False)


def test_contested_earnings_stop_the_flag_at_its_recheck(rig: Rig) -> None:
    name, last = fallen(rig)
    who = rig.person(f"{name}-p", "claimant", claimant_id=f"{name}-p")
    period = next(body for kind, body in rig.events(name) if kind == "FlagPlanned")["period_id"]
    made = rig.call(who, "POST", f"/v1/claimants/{name}-p/contest", {"period_id": period, "why_code": "wrong_amount"})
    assert made.status_code == 201, made.text
    rig.go_to(after(last, 7))
    assert [body["why"] for kind, body in rig.events(name) if kind == "FlagWithdrawn"] == ["guard-dispute"]


def test_a_contest_stops_flags_of_the_claim_that_the_person_is_on_now(rig: Rig) -> None:
    name = open_claim(rig)
    now = f"a-{name}"  # sorts before the old one, which still names them
    them = person(f"{name}-p", coach_id=f"{name}-coach", office_id=f"{name}-office")
    rig.publish(topics.EARNINGS_CIRCUMSTANCES, now, ClaimOpened(claim_id=now, claim=claim(now, them)))
    old = claim(name, them, version=2, status="closed", closed_date=rig.now.date())
    rig.publish(topics.EARNINGS_CIRCUMSTANCES, name, ClaimClosed(claim_id=name, claim=old))
    rig.drain()
    who = rig.person(f"{name}-p", "claimant", claimant_id=f"{name}-p")
    body = {"period_id": f"{now}-period", "why_code": "wrong_amount"}
    made = rig.call(who, "POST", f"/v1/claimants/{name}-p/contest", body)
    assert (made.status_code, made.json()["claim_id"]) == (201, now)
    [(kind, told)] = rig.events(now, topics.PROGRESSION_CASE)
    assert (kind, told["claim_id"]) == ("EarningsContested", now)
    answered = rig.call(f"{name}-coach", "POST", f"/v1/claimants/{name}-p/contest/close", {"period_id": f"{now}-period"})
    assert (answered.status_code, answered.json()["claim_id"], answered.json()["state"]) == (200, now, "closed")
