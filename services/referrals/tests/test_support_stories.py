"""What holds somebody back, what fits, where they are referred, what they agree to, and what it cost, through HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from referrals_facts import claim, person
from referrals_rig import Rig
from test_referrals_stories import move, shown
from test_worklist_stories import listed, put

from contracts import topics
from contracts.earnings import ClaimantMoved


def office(rig: Rig, name: str, nation: str = "england") -> None:
    hours = [{"days": ["mon"], "from": "09:00", "to": "17:00"}]
    body = {"name": "Leeds", "nation": nation, "district": f"{name}-district", "opening": hours, "rooms": {"desk": 1}}
    put(rig, f"/v1/offices/{name}-office", body)


def provider(rig: Rig, name: str, **changes: Any) -> str:
    body = {"name": "Evening college", "types": ["skills_training", "basic_skills_course"], "districts": [f"{name}-district"]}
    return str(put(rig, f"/v1/providers/{name}-college", {**body, **changes})["provider_id"])


def test_a_barrier_shows_what_fits_and_who_provides_it_here(rig: Rig) -> None:
    name, item = shown(rig)
    office(rig, name)
    college = provider(rig, name)
    provider(rig, f"{name}x", districts=["elsewhere"])
    case = item["case_id"]
    noted = move(rig, name, case, "barriers", {"code": "skills", "level": "high"})
    assert (noted["complex_needs"], noted["care"]["fund_purposes"]) == (True, ["one_off_need"])
    assert [row["case_id"] for row in listed(rig, f"{name}-coach", "?complex_needs=true")] == [case]
    fits = rig.call(f"{name}-coach", "GET", f"/v1/cases/{case}/support").json()
    assert [(one["type"], one["because"]) for one in fits["items"]] == [("skills_training", ["skills"])]
    assert [one["provider_id"] for one in fits["items"][0]["providers"]] == [college]
    assessed = move(rig, name, case, "assessments", {"skill": "digital", "grade": "basic"})
    assert [one["code"] for one in assessed["care"]["barriers"]] == ["skills", "digital"]
    kind = move(rig, name, case, "segment", {"kind": "low_skilled"})
    assert "forms" in kind["care"]["approach"]
    gone = move(rig, name, case, "barriers", {"code": "skills", "resolved": True})
    assert (gone["complex_needs"], gone["care"]["barriers"][-1]["code"]) == (False, "skills")
    assert move(rig, name, case, "barriers", {"code": "laziness"}, status=422)["code"] == "unknown-barrier"
    assert "skills" not in str(rig.events(name, topics.PROGRESSION_CASE)), "what holds somebody back leaves in no event"
    open_now = rig.call(f"{name}-coach", "GET", f"/v1/providers?type=skills_training&district={name}-district&open=true").json()
    assert [one["provider_id"] for one in open_now["items"]] == [college]


def test_a_referral_is_made_and_followed_and_closed_support_takes_none(rig: Rig) -> None:
    name, item = shown(rig)
    office(rig, name)
    college, case = provider(rig, name), item["case_id"]
    asked = {"type": "skills_training", "provider_id": college, "alternatives_considered": ["evening class"], "mandation": "none"}
    made = move(rig, name, case, "referrals", asked, status=201)
    [referral] = made["care"]["referrals"]
    assert (referral["referral_id"], referral["status"], referral["by_role"]) == (made["referral_id"], "made", "coach")
    moved = move(rig, name, case, f"referrals/{made['referral_id']}", {"status": "started"})
    assert moved["care"]["referrals"][0]["status"] == "started"
    back = move(rig, name, case, f"referrals/{made['referral_id']}", {"status": "accepted"}, status=409)
    assert back["allowed"] == ["completed", "left"]
    told = [(kind, body) for kind, body in rig.events(name, topics.PROGRESSION_CASE) if kind.startswith("Referral")]
    assert [(kind, body.get("status")) for kind, body in told] == [("ReferralMade", None), ("ReferralUpdated", "started")]
    assert (told[0][1]["type"], told[0][1]["mandation"]) == ("skills_training", "none")
    for body, code in (
        ({"type": "work-and-health-programme", "alternatives_considered": True}, "closed-to-referrals"),
        ({"mandation": "mandatory"}, "mandation-not-allowed"),
        ({"type": "housing_advice"}, "provider-not-available"),
    ):
        refused = move(rig, name, case, "referrals", {**asked, **body}, status=409)
        assert refused["code"] == code
        assert "referrals" in refused["allowed"]
    elsewhere = {
        "type": "mentoring",
        "provider_id": "a-charity",
        "alternatives_considered": "none fits",
        "mandation": "voluntary",
    }
    assert move(rig, name, case, "referrals", elsewhere, status=201)["care"]["referrals"][-1]["type"] == "mentoring"


def test_the_claimant_accepts_what_the_coach_wrote_and_the_coach_is_told(rig: Rig) -> None:
    name, item = shown(rig)
    own = rig.person(f"{name}-own", "claimant", claimant_id=f"{name}-p")
    other = rig.person(f"{name}-else", "claimant", claimant_id="somebody")
    items = [{"activity": "update_cv", "hours_per_week": 2}, {"activity": "ask_for_hours"}]
    body = {"items": items, "goal_pence": 120_000, "review_on": (rig.now.date() + timedelta(days=30)).isoformat()}
    made = move(rig, name, item["case_id"], "commitments", body, status=201)
    path = f"/v1/claimants/{name}-p/commitments/{made['commitment_id']}"
    seen = rig.call(own, "GET", path)
    assert (seen.json()["state"], seen.json()["version"]) == ("offered", 1)
    assert rig.call(other, "GET", path).status_code == 404
    assert rig.call(f"{name}-coach", "POST", f"{path}/accept", If_Match=seen.headers["ETag"]).status_code == 403
    assert rig.call(own, "POST", f"{path}/accept").status_code == 428
    accepted = rig.call(own, "POST", f"{path}/accept", If_Match=seen.headers["ETag"])
    assert (accepted.status_code, accepted.json()["state"]) == (200, "accepted")
    again = rig.call(own, "POST", f"{path}/decline", If_Match=accepted.headers["ETag"])
    assert (again.status_code, again.json()["code"]) == (409, "illegal-move")
    case = rig.call(f"{name}-coach", "GET", f"/v1/cases/{item['case_id']}").json()
    assert (case["care"]["commitments"][0]["state"], case["unread"]) == ("accepted", True)
    move(rig, name, item["case_id"], "commitments", {"items": items[:1]}, status=201)
    versions = rig.call(own, "GET", f"/v1/claimants/{name}-p/commitments").json()["items"]
    assert [(one["version"], one["state"]) for one in versions] == [(2, "offered"), (1, "accepted")]


def test_an_open_case_goes_along_to_another_claim_with_its_days_and_the_review_that_was_agreed(rig: Rig) -> None:
    name, item = shown(rig)
    own = rig.person(f"{name}-own", "claimant", claimant_id=f"{name}-p")
    review_on = rig.now.date() + timedelta(days=10)
    body = {"items": [{"activity": "update_cv"}], "review_on": review_on.isoformat()}
    made = move(rig, name, item["case_id"], "commitments", body, status=201)
    path = f"/v1/claimants/{name}-p/commitments/{made['commitment_id']}"
    assert rig.call(own, "POST", f"{path}/accept", If_Match=rig.call(own, "GET", path).headers["ETag"]).status_code == 200
    target, ids = f"z-{name}", {"claimant_id": f"{name}-p", "from_claim_id": name, "to_claim_id": f"z-{name}"}
    joined = claim(target, person(f"{name}-p", coach_id=f"{name}-coach", office_id=f"{name}-office"))
    rig.publish(topics.EARNINGS_CIRCUMSTANCES, target, ClaimantMoved(claim_id=target, claim=joined, **ids))
    rig.publish(topics.EARNINGS_CIRCUMSTANCES, name, ClaimantMoved(claim_id=name, claim=claim(name, version=2), **ids))
    rig.drain()
    assert rig.sql("SELECT count(*) FROM parked_root") == [(0,)]
    [there] = listed(rig, f"{name}-coach")
    assert (there["case_id"], there["claim_id"]) == (item["case_id"], target)
    [(kind, told)] = rig.events(target, topics.PROGRESSION_CASE)
    assert (kind, told["case_id"], told["to"], told["office_id"]) == (
        "CaseReassigned", item["case_id"], f"{name}-coach", f"{name}-office"
    )  # fmt: skip
    waiting = dict(rig.sql("SELECT name, count(*) FROM due WHERE key = %s GROUP BY name", target))
    assert (waiting["case-expiry"], waiting["review"]) == (1, 1)
    assert rig.sql("SELECT count(*) FROM due WHERE key = %s", name) == [(0,)]
    rig.go_to(review_on)
    history = rig.call(f"{name}-coach", "GET", f"/v1/cases/{item['case_id']}/history").json()["items"]
    assert [line["event"] for line in history].count("CommitmentReviewDue") == 1


def test_the_fund_is_counted_by_office_and_purpose_and_names_nobody(rig: Rig) -> None:
    name, item = shown(rig)
    leader = rig.person(f"{name}-leader", "team-leader", office_ids=(f"{name}-office",))
    for purpose, pence in (("one_off_need", 4_250), ("one_off_need", 1_000), ("replacement_care", 9_900)):
        made = move(rig, name, item["case_id"], "support-fund", {"purpose": purpose, "amount_pence": pence}, status=201)
    assert len(made["care"]["grants"]) == 3
    move(rig, name, item["case_id"], "support-fund", {"purpose": "holiday", "amount_pence": 1}, status=422)
    day = rig.now.date().isoformat()
    path = f"/v1/offices/{name}-office/support-fund?from={day}&to={day}"
    for who in (leader, "analyst-1"):
        assert rig.call(who, "GET", path).json()["purposes"] == [
            {"purpose": "one_off_need", "grants": 2, "amount_pence": 5_250},
            {"purpose": "replacement_care", "grants": 1, "amount_pence": 9_900},
        ]
    assert rig.call("team-leader-1", "GET", path).status_code == 404
    assert rig.call(f"{name}-coach", "GET", path).status_code == 403
