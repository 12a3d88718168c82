"""Eve takes her consent back. From that moment her employer sees nothing of her, and nothing more reaches them."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.story import Story, eventually

from contracts import topics


def test_the_employer_sees_nothing_once_consent_ends(story: Callable[..., Story]) -> None:
    eve = story()
    for months, pounds in ((4, 1100.0), (3, 1100.0), (2, 700.0)):
        eve.pay(eve.months_ago(months, 20), pounds, taxablePayToDate=pounds)
    eve.open_claim(eve.months_ago(4))
    case = eventually(lambda: next(iter(eve.worklist()), None), "a case on the worklist")
    consent = eve.claimant.does(
        "employer_link",
        "/v1/consents",
        {
            "claimant_id": eve.house.people[0], "employer_id": eve.employer_id, "fields": ["employee_name", "payroll_id", "ask"],
            "purpose": "progression_plan", "expires_on": eve.months_ago(-3).isoformat(), "wording_version": "2026-04",
        },
    )  # fmt: skip
    opening = {"case_id": case["case_id"], "employer_id": eve.employer_id, "consent_id": consent["consent_id"], "ask": "training"}
    opened = eventually(
        lambda: (
            answer.json() if (answer := eve.coach.act("employer_link", "/v1/engagements", opening)).status_code == 201 else None
        ),
        "an engagement",
    )
    ours, theirs = (f"/v1/{who}engagements/{opened['engagement_id']}" for who in ("", "employer/"))
    eve.coach.does("employer_link", f"{ours}/share", {}, on=ours)
    assert eve.employer.seen("employer_link", theirs)["payroll_id"] == "0012"

    stranger = eve.person("employer", employer_paye_references=("999/ELSE",))
    assert stranger.read("employer_link", theirs).status_code == 404, "another organisation's"

    mine = f"/v1/consents/{consent['consent_id']}"
    assert eve.claimant.act("employer_link", mine, None, on=mine, method="DELETE").status_code in (200, 204)

    gone = eve.employer.read("employer_link", theirs)
    assert gone.status_code == 410
    assert "Ada" not in gone.text
    assert "0012" not in gone.text
    closed = eve.await_event(topics.EMPLOYER_LINK_ENGAGEMENT, "EngagementClosed")
    assert closed["reason"] == "consent_ended"
    assert eve.employer.act("employer_link", f"{theirs}/answer", {"answer": "training"}).status_code in (404, 410, 428)
