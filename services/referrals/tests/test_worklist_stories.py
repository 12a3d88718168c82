"""The worklist of a busy office: filters, counts, pages of a moving list, taking over, bulk assignment, caseload, access."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
from referrals_facts import assessed, claim, earned, months, person
from referrals_rig import Rig, eventually
from test_referrals_stories import after, move, shown

from contracts import topics
from contracts.earnings import ClaimantMoved, ClaimOpened

COACH = {"trained_in_work": True, "minutes_per_day": 370}


def put(rig: Rig, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Create or replace, with the version that is there."""
    known = rig.call("operator", "GET", path)
    match = {"If_Match": known.headers["ETag"]} if known.status_code == 200 else {}
    answer = rig.call("operator", "PUT", path, body, **match)
    assert answer.status_code in (200, 201), answer.text
    result: dict[str, Any] = answer.json()
    return result


def office_of_cases(rig: Rig, count: int) -> tuple[str, list[str]]:
    """An office with so many cases shown to nobody in particular, and a coach of that office who can see them."""
    office = rig.name()
    rig.person(f"{office}-coach", "coach", coach_id=f"{office}-coach", office_ids=(office,))
    claims = [f"{office}-{number}" for number in range(count)]
    cases_of(rig, dict.fromkeys(claims, office))
    return office, claims


def cases_of(rig: Rig, claims: dict[str, str]) -> None:
    """One case for each claim, in its office, all shown on one day."""
    before, last = months(rig.now.date().replace(day=8), 2)
    rig.go_to(after(last, 1))
    for name, office in claims.items():
        one = person(f"{name}-p", coach_id=None, office_id=office)
        rig.publish(topics.EARNINGS_CIRCUMSTANCES, name, ClaimOpened(claim_id=name, claim=claim(name, one)))
        for span, pence in ((before, 105_000), (last, 84_000)):
            rig.publish(topics.EARNINGS_PERIOD, name, assessed(name, span, earned(f"{name}-p", pence)))
    rig.drain()
    rig.go_to(after(last, 7))
    rig.go_to(after(last, 9))


def listed(rig: Rig, who: str, query: str = "") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = rig.call(who, "GET", f"/v1/worklist{query}").json()["items"]
    return items


def test_every_filter_finds_its_cases_and_the_counts_agree(rig: Rig) -> None:
    office, claims = office_of_cases(rig, 4)
    who = f"{office}-coach"
    first, second, third, _ = listed(rig, who)
    for row, what, body in (
        (first, "take-over", {"reason": "manual"}),
        (second, "read", None),
        (third, "record-contact", {"channel": "phone", "outcome": "reached"}),
    ):
        answer = rig.call(who, "POST", f"/v1/cases/{row['case_id']}/{what}", body, If_Match=row["etag"])
        assert answer.status_code == 200, answer.text
    for query, found in (
        ("unassigned=true", 3), (f"coach={who}", 1), ("unread=false", 2), ("new=true", 3), ("state=contacted", 1),
        ("overdue=false", 4), ("overdue=true", 0), ("complex_needs=false", 4), (f"q={claims[0]}", 1), ("q=nobody-has-this", 0),
        ("waiting_on=employer", 0), ("rule=fell-below-aet", 4), ("rule=job-ended", 0), (f"due={rig.now.date()}", 0),
    ):  # fmt: skip
        assert len(listed(rig, who, f"?{query}")) == found, query
        counts = rig.call(who, "GET", f"/v1/worklist/counts?{query}").json()
        assert (counts["total"], sum(counts["by_state"].values())) == (found, found), query
    rig.go_to(rig.now.date() + timedelta(days=15))
    assert len(listed(rig, who, "?overdue=true")) == 3, "the contacted one has a later deadline"
    assert rig.call(who, "GET", "/v1/worklist/counts").json()["overdue"] == 3


def test_a_saved_filter_is_used_by_name_and_belongs_to_its_owner(rig: Rig) -> None:
    office, _ = office_of_cases(rig, 1)
    who = f"{office}-coach"
    path = "/v1/worklist/filters/nobodys"
    made = rig.call(who, "PUT", path, {"unassigned": True})
    assert made.status_code == 201, made.text
    assert len(listed(rig, who, "?saved=nobodys")) == 1
    assert len(listed(rig, who, "?saved=nobodys&unread=false")) == 0
    assert rig.call(who, "PUT", path, {"unassigned": False}).status_code == 428
    changed = rig.call(who, "PUT", path, {"unassigned": False}, If_Match=made.headers["ETag"])
    assert (changed.status_code, listed(rig, who, "?saved=nobodys")) == (200, [])
    assert rig.call(who, "PUT", path, {"colour": "red"}, If_Match=changed.headers["ETag"]).status_code == 422
    assert rig.call("coach-1", "GET", "/v1/worklist?saved=nobodys").json()["code"] == "unknown-saved-filter"
    assert rig.call(who, "DELETE", path, If_Match=changed.headers["ETag"]).status_code == 200
    assert rig.call(who, "GET", "/v1/worklist/filters").json() == {"filters": {}}


def test_pages_of_a_list_that_moves_show_every_case_that_stays_exactly_once(rig: Rig) -> None:
    office, _ = office_of_cases(rig, 9)
    who = f"{office}-coach"
    everything = listed(rig, who)
    assert len(everything) == 9
    seen: list[str] = []
    cursor = ""
    gone = {everything[1]["case_id"], everything[7]["case_id"]}
    for _ in range(9):
        page = rig.call(who, "GET", f"/v1/worklist?limit=2{cursor}").json()
        seen += [row["case_id"] for row in page["items"]]
        for row in everything:
            if row["case_id"] in gone:
                rig.call(who, "POST", f"/v1/cases/{row['case_id']}/close", {"outcome": "declined"}, If_Match=row["etag"])
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert len(seen) == len(set(seen))
    assert set(seen) - gone == {row["case_id"] for row in everything} - gone
    assert everything[7]["case_id"] not in seen


def test_many_cases_are_given_in_one_step_and_those_that_changed_stay(rig: Rig) -> None:
    office, _ = office_of_cases(rig, 3)
    who, other = f"{office}-coach", f"{office}-other"
    put(rig, f"/v1/coaches/{other}", {**COACH, "offices": [office]})
    rows = listed(rig, who)
    picked = [{"case_id": row["case_id"], "etag": row["etag"]} for row in rows]
    picked[2]["etag"] = '"old"'
    done = rig.call(who, "POST", "/v1/cases/bulk-assign", {"cases": picked, "coach_id": other, "reason": "manual"})
    assert done.status_code == 200, done.text
    assert [one["case_id"] for one in done.json()["assigned"]] == [row["case_id"] for row in rows[:2]]
    assert done.json()["refused"] == [{"case_id": rows[2]["case_id"], "status": 412, "code": "stale"}]
    assert [row["etag"] for row in listed(rig, who, f"?coach={other}")] == [one["etag"] for one in done.json()["assigned"]]
    stranger = rig.person(f"{office}-stranger", "coach", coach_id="stranger", office_ids=("elsewhere",))
    body = {"cases": picked, "coach_id": None, "reason": "manual"}
    assert rig.call(stranger, "POST", "/v1/cases/bulk-assign", body).status_code == 404


def test_a_coach_who_is_disabled_or_moved_loses_access_and_their_cases_go_to_the_cover(rig: Rig) -> None:
    office, _ = office_of_cases(rig, 2)
    who, cover = f"{office}-coach", f"{office}-cover"
    facts = {**COACH, "offices": [office], "cover_coach_id": cover}
    for coach_id in (who, cover):
        put(rig, f"/v1/coaches/{coach_id}", {**facts, "cover_coach_id": cover if coach_id == who else None})
    rows = listed(rig, who)
    for row in rows:
        move_ok = rig.call(who, "POST", f"/v1/cases/{row['case_id']}/take-over", {}, If_Match=row["etag"])
        assert move_ok.status_code == 200, move_ok.text
    put(rig, f"/v1/coaches/{who}", {**facts, "active": False})
    assert rig.call(who, "GET", f"/v1/cases/{rows[0]['case_id']}").status_code == 404
    assert listed(rig, who) == []
    reason = {"X_Break_Glass_Reason": "I was a coach here yesterday"}
    assert rig.call(who, "GET", f"/v1/cases/{rows[0]['case_id']}", None, **reason).status_code == 404
    rig.person(cover, "coach", coach_id=cover, office_ids=(office,))
    eventually(lambda: len(listed(rig, cover, f"?coach={cover}")) == 2, "both cases are with the cover")
    rig.drain()
    [(_, event)] = [found for found in rig.events(f"{office}-0", topics.PROGRESSION_CASE) if found[1].get("reason") == "leave"]
    assert (event["from"], event["to"]) == (who, cover)
    put(rig, f"/v1/coaches/{cover}", {**COACH, "offices": ["elsewhere"]})
    assert listed(rig, cover, f"?office={office}") == []
    leader = rig.person(f"{office}-leader", "team-leader", office_ids=(office,))
    eventually(lambda: len(listed(rig, leader, "?unassigned=true")) == 2, "nobody covers any more")


def test_caseload_is_shown_against_what_a_coach_is_planned_for_and_a_wait_is_explained(rig: Rig) -> None:
    office, _ = office_of_cases(rig, 2)
    who = f"{office}-coach"
    put(rig, f"/v1/coaches/{who}", {**COACH, "offices": [office], "max_cases": 1, "specialisms": ["lone_parents"]})
    for row in listed(rig, who):
        rig.call(who, "POST", f"/v1/cases/{row['case_id']}/take-over", {}, If_Match=row["etag"])
    assert counted(rig, "iwp_referrals_caseload_passed_total") >= 1, "passing the planned number is an alert"
    own = rig.call(who, "GET", f"/v1/coaches/{who}/caseload").json()
    assert (own["cases"], own["planned_cases"], own["over"], own["specialisms"]) == (2, 1, True, ["lone_parents"])
    whole = rig.call(who, "GET", f"/v1/offices/{office}/caseload").json()
    assert (whole["unassigned"], [coach["coach_id"] for coach in whole["coaches"]]) == (0, [who])
    put(rig, f"/v1/coaches/{who}", {**COACH, "offices": [office], "max_cases": None})
    usual = rig.call(who, "GET", f"/v1/coaches/{who}/caseload").json()
    assert (usual["planned_cases"], usual["over"]) == (100, False)
    first, second = listed(rig, who)
    waits = [rig.call(who, "GET", f"/v1/cases/{row['case_id']}/waiting").json() for row in (first, second)]
    assert [(wait["ahead"], wait["contacts_a_day"]) for wait in waits] == [(0, 9), (1, 9)]
    assert {"waiting", "fairness-floor", "ahead", "capacity"} <= {reason["code"] for reason in waits[1]["reasons"]}
    assert rig.call("coach-1", "GET", f"/v1/offices/{office}/caseload").status_code == 404
    assert rig.call("coach-1", "GET", f"/v1/coaches/{who}/caseload").status_code == 404


def test_an_undo_takes_two_people_and_keeps_both_versions(rig: Rig) -> None:
    name, item = shown(rig)
    leader = rig.person(f"{name}-leader", "team-leader", office_ids=(f"{name}-office",))
    path = f"/v1/cases/{item['case_id']}"
    move(rig, name, item["case_id"], "close", {"outcome": "declined"})
    line = rig.call(leader, "GET", f"{path}/history").json()["items"][0]
    assert (line["event"], line["before"]["state"], line["after"]["state"]) == ("CaseClosed", "shown", "closed")
    body = {"event_id": line["event_id"], "why": "It was meant for somebody else"}
    asked = move(rig, name, item["case_id"], "undo", body, status=202)
    assert (asked["state"], asked["allowed"]) == ("closed", ["reopen", "undo"])
    alone = move(rig, name, item["case_id"], "undo", body, status=409)
    assert (alone["code"], alone["allowed"]) == ("second-person-needed", ["reopen", "undo"])
    agreed = rig.call(leader, "POST", f"{path}/undo", body, If_Match=rig.call(leader, "GET", path).headers["ETag"])
    assert (agreed.status_code, agreed.json()["state"]) == (200, "shown"), agreed.text
    kept = rig.call(leader, "GET", f"{path}/history").json()["items"]
    assert [entry["event"] for entry in kept[:3]] == ["ActionUndone", "UndoAsked", "CaseClosed"]
    assert kept[2]["undone_by"] == kept[0]["event_id"]
    rig.drain()
    told = rig.events(name, topics.PROGRESSION_CASE)
    assert [kind for kind, _ in told][-3:] == ["CaseClosed", "ActionUndone", "CaseReopened"]
    assert "somebody else" not in str(told)
    nothing = rig.call(leader, "POST", f"{path}/undo", {**body, "event_id": "no-such"}, If_Match=agreed.headers["ETag"])
    assert nothing.status_code == 404


def test_a_coach_of_another_office_breaks_the_glass_with_a_reason_and_is_noticed(rig: Rig) -> None:
    name, item = shown(rig)
    stranger = rig.person(f"{name}-stranger", "coach", coach_id="stranger", office_ids=("elsewhere",))
    path = f"/v1/cases/{item['case_id']}"
    assert rig.call(stranger, "GET", path, X_Break_Glass_Reason="short").status_code == 422
    before = broken(rig)
    opened = rig.call(stranger, "GET", path, X_Break_Glass_Reason="Claimant stands at my desk in distress")
    assert (opened.status_code, opened.json()["case_id"]) == (200, item["case_id"])
    rows = rig.sql("SELECT granted, reason FROM audit WHERE actor = %s ORDER BY seq", stranger)
    assert rows[-1] == (True, "break-glass: Claimant stands at my desk in distress")
    assert broken(rig) == before + 1


def broken(rig: Rig) -> float:
    """How often the glass was broken."""
    return counted(rig, "iwp_http_break_glass_total")


def counted(rig: Rig, name: str) -> float:
    """An alert's counter on the API's own metrics port."""
    port = rig.platform.supervisor.program("referrals-api").env["METRICS_PORT"]
    lines = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text.splitlines()
    return next(float(line.split()[-1]) for line in lines if line.startswith(name))


def test_a_claimant_on_two_claims_never_has_two_open_cases_however_many_hands_try(rig: Rig) -> None:
    """The same person's closed cases on two claims are opened again by many people at once: one hand wins."""
    for turn in range(3):
        name, item = shown(rig)
        move(rig, name, item["case_id"], "close", {"outcome": "declined"})
        # The claim that the person moves to sorts before the old one in every second round.
        target = f"{'a' if turn % 2 else 'z'}-{name}"
        joined = claim(target, person(f"{name}-p", coach_id=f"{name}-coach", office_id=f"{name}-office"))
        alone = claim(name, version=2)
        ids = {"claimant_id": f"{name}-p", "from_claim_id": name, "to_claim_id": target}
        rig.publish(topics.EARNINGS_CIRCUMSTANCES, target, ClaimantMoved(claim_id=target, claim=joined, **ids))
        rig.publish(topics.EARNINGS_CIRCUMSTANCES, name, ClaimantMoved(claim_id=name, claim=alone, **ids))
        before, last = months(rig.now.date().replace(day=8), 2)
        for span, pence in ((before, 105_000), (last, 84_000)):
            rig.go_to(after(span, 1))
            rig.publish(topics.EARNINGS_PERIOD, target, assessed(target, span, earned(f"{name}-p", pence)))
        rig.drain()
        rig.go_to(after(last, 7))
        rig.go_to(after(last, 9))
        second = next(row for row in listed(rig, f"{name}-coach") if row["case_id"] != item["case_id"])
        etag = rig.call(f"{name}-coach", "GET", f"/v1/cases/{second['case_id']}").headers["ETag"]
        closed = rig.call(f"{name}-coach", "POST", f"/v1/cases/{second['case_id']}/close", {"outcome": "declined"}, If_Match=etag)
        assert closed.status_code == 200, closed.text

        def reopen(case_id: str, who: str = f"{name}-coach") -> int:
            tag = rig.call(who, "GET", f"/v1/cases/{case_id}").headers["ETag"]
            return rig.call(who, "POST", f"/v1/cases/{case_id}/reopen", {"why": "again"}, If_Match=tag).status_code

        with ThreadPoolExecutor(8) as hands:
            answers = list(hands.map(reopen, [item["case_id"], second["case_id"]] * 8))
        assert answers.count(200) == 1, answers
        assert set(answers) <= {200, 409, 412, 503}
        [(count,)] = rig.sql("SELECT count(*) FROM worklist WHERE claimant_id = %s AND state <> 'closed'", f"{name}-p")
        assert count == 1
        assert rig.sql("SELECT count(*) FROM parked_root")[0][0] == 0


@pytest.mark.parametrize("offices", [1, 3])
def test_the_list_of_several_offices_is_one_list_in_order(rig: Rig, offices: int) -> None:
    made = [rig.name() for _ in range(offices)]
    cases_of(rig, {f"{office}-{number}": office for number in range(2) for office in made})
    leader = rig.person(f"{made[0]}-leader", "team-leader", office_ids=tuple(made))
    rows = listed(rig, leader)
    assert len(rows) == 2 * offices
    paged: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = rig.call(leader, "GET", f"/v1/worklist?limit=1{cursor}").json()
        paged += page["items"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert [row["case_id"] for row in paged] == [row["case_id"] for row in rows]
    assert [row["shown_at"] for row in rows] == sorted(row["shown_at"] for row in rows)
