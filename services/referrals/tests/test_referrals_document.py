"""The API document says what the service answers. What stories ask over HTTP is held against it by the rig."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
from golden_stories import EASED
from referrals_facts import assessed, claim, earned, person
from referrals_memory import Referrals
from referrals_rig import Rig
from test_flag_life import FIRST, SPANS, contacted, day_after, play
from test_referrals_stories import move, shown
from test_support_stories import office, provider
from tests.support.documented_answers import Documented

from contracts.earnings import ClaimChanged, ClaimOpened
from referrals import care, cli, main, moves, views
from referrals import undo as undoing
from referrals.rules.support import Promise
from web.openapi import unlisted

CASE = "/v1/cases/case-1"
DOCUMENTED = Documented.of("referrals")


def answered(path: str, view: Any, status: int = 200) -> None:
    """Hold a view against the document as if the service had answered with it."""
    request = httpx.Request("GET", f"http://service{path}")
    kind = {"content-type": "application/json"}
    DOCUMENTED(httpx.Response(status, headers=kind, content=msgspec.json.encode(view), request=request))


def page(*items: Any) -> dict[str, Any]:
    return {"items": items, "next": None}


def test_the_document_lists_every_route() -> None:
    assert unlisted(main.build_api(cli.documented())) == []


def doubtful() -> Referrals:
    made = Referrals(FIRST)
    made.tell(ClaimOpened(claim_id="C", claim=claim("C", person("P1"))))
    for span, pence, quality in zip(SPANS, (105_000, 84_000, 84_000), ((), ("payday_overdue",), ()), strict=False):
        made.go_to(day_after(span))
        made.tell(assessed("C", span, earned("P1", pence, quality=quality)))
    made.go_to(day_after(SPANS[2], 9))
    return made


def eased() -> Referrals:
    made = play([105_000])
    easement = msgspec.structs.replace(EASED, from_=SPANS[1][0], no_contact_until=SPANS[1][1] + timedelta(days=60))
    made.tell(ClaimChanged(claim_id="C", claim=claim("C", person("P1", easements=(easement,), conditionality=()), version=2)))
    made.go_to(day_after(SPANS[1]))
    made.tell(assessed("C", SPANS[1], earned("P1", 84_000)))
    made.go_to(day_after(SPANS[1], 9))
    return made


@pytest.mark.parametrize(
    "told",
    [
        lambda: play([105_000, 84_000, 83_000, 82_000]),
        lambda: play([84_000, 105_000, 118_000, 200_000]),
        lambda: play([105_000] * 8),
        lambda: play([90_000, 90_000, 90_000], people=2, partner=[64_000, 62_000, 90_000]),
        doubtful,
        eased,
    ],
    ids=["falls", "rises", "stands still", "couple", "doubtful", "eased"],
)
def test_every_decision_has_the_documented_form(told: Callable[[], Referrals]) -> None:
    rows = told().service.rows["decision"]
    for row in rows:
        answered("/v1/decisions/d-1", views.decision_view(row, row["record"]))
        lines = views.decision_summary(row, row["record"]), views.decision_summary(row, None)
        answered("/v1/claimants/P1/decisions", page(*lines))
    assert any(row["record"].evaluation.findings for row in rows)


def acted() -> Referrals:
    """A case on which much was done."""
    made = play([105_000, 84_000])
    [case] = made.cases("C", "P1")
    contacted(made, case.case_id)
    asked = {"purpose": "talk", "contact_basis": "voluntary", "channel": "phone", "minutes": None, "language": None}
    made.move("C", case.case_id, moves.contact, asked)
    made.move("C", case.case_id, moves.record_contact, "phone", "reached")
    made.move("C", case.case_id, care.note_barrier, "skills", "high")
    made.move("C", case.case_id, care.assess, "digital", "none")
    made.move("C", case.case_id, care.write_commitment, [Promise(activity="course", hours_per_week=4)], 150_000, None)
    made.move("C", case.case_id, moves.exempt, "caring", made.now.date() + timedelta(days=5), "seen")
    made.act("C", case.case_id, lambda at: undoing.undo(at, at.case.history[-1].event_id, "mistaken"))
    return made


@pytest.mark.parametrize("told", [lambda: play([105_000, 84_000]), acted], ids=["untouched", "acted on"])
def test_a_case_has_the_documented_form(told: Callable[[], Referrals]) -> None:
    made = told()
    [case] = made.cases("C", "P1")
    owner = made.doc("C").person("P1")
    answered(CASE, views.case_view("C", owner, case))
    answered("/v1/worklist", page(views.worklist_item("C", owner, case)))
    answered(f"{CASE}/history?limit=9", page(*map(views.history_entry, case.history)))


def test_what_is_not_documented_is_found() -> None:
    made = play([105_000, 84_000])
    [case] = made.cases("C", "P1")
    view = views.case_view("C", made.doc("C").person("P1"), case)
    for changed in (
        {**view, "colour": "red"},
        {name: value for name, value in view.items() if name != "due_at"},
        {**view, "priority": "2"},
        {**view, "state": "lost"},
        {**view, "opened_at": "2026-05-09"},
        {**view, "care": {**view["care"], "kind": 1}},
    ):
        with pytest.raises(AssertionError, match=r"'GET', '/v1/cases/{case_id}', '200'\): .*\$"):
            answered("/v1/cases/a%2Fb", changed)
    with pytest.raises(AssertionError, match="201 is not documented"):
        answered(CASE, view, 201)
    with pytest.raises(AssertionError, match="application/json is not documented"):
        answered("/v1/what-if/w-1/plot.svg", view)


def test_what_no_other_story_asks_for_has_the_documented_form_too(rig: Rig) -> None:
    name, item = shown(rig)
    own, case = rig.person(f"{name}-own", "claimant", claimant_id=f"{name}-p"), item["case_id"]
    for _ in range(2):
        office(rig, name)
        provider(rig, name)
    for path in ("/v1/support", f"/v1/providers/{name}-college"):
        assert rig.call(f"{name}-coach", "GET", path).status_code == 200
    rig.drain()  # what was just written is published first
    for state in ("live", "ready", "drained"):
        assert rig.http.get(f"/health/{state}").status_code == 200
    made = move(rig, name, case, "commitments", {"items": [{"activity": "update_cv"}]}, status=201)
    commitment = f"/v1/claimants/{name}-p/commitments/{made['commitment_id']}"
    read = rig.call(own, "GET", commitment)
    assert rig.call(own, "POST", f"{commitment}/decline", If_Match=read.headers["ETag"]).json()["state"] == "declined"
    contest = f"/v1/claimants/{name}-p/contest"
    assert rig.call(own, "POST", contest, {"why_code": "wrong_amount"}).json()["state"] == "open"
    assert rig.call(f"{name}-coach", "POST", f"{contest}/close", {}).json()["state"] == "closed"
    until = (rig.now.date() + timedelta(days=9)).isoformat()
    move(rig, name, case, "exempt", {"code": "caring", "until": until, "evidence_class": "seen"})
    assert move(rig, name, case, "not-applicable", {"code": "moved_away"})["outcome"] == "not_applicable"
