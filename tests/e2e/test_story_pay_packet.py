"""Ada's pay falls below the threshold. Her coach hears of it, they meet, and her employer agrees a plan with both."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.story import Story, eventually

from contracts import topics


def test_a_pay_packet_becomes_an_agreed_three_way_plan(story: Callable[..., Story]) -> None:
    ada = story()
    claimant_id = ada.house.people[0]
    for months, pounds in ((4, 1100.0), (3, 1100.0), (2, 840.0)):
        ada.pay(ada.months_ago(months, 20), pounds, taxablePayToDate=pounds)
    ada.open_claim(ada.months_ago(4))

    # the coach sees one case, with the reason in words and the way to look it up
    case = eventually(lambda: next(iter(ada.worklist()), None), "a case on the coach's worklist")
    assert case["claimant_id"] == claimant_id
    assert case["rules"][0] == "fell-below-aet"
    assert all(reason["text"] for reason in case["reasons"])
    raised = ada.await_event(topics.PROGRESSION_FLAG, "FlagRaised", rule_id="fell-below-aet")
    decision = ada.coach.seen("referrals", f"/v1/decisions/{raised['decision_id']}")
    assert decision["decision_id"] == raised["decision_id"]
    assert ada.coach.seen("referrals", f"/v1/decisions/{raised['decision_id']}/replay")["identical"] is True

    # the coach decides to meet; Ada is asked, and says yes
    path = f"/v1/cases/{case['case_id']}"
    contact = {
        "purpose": "progression",
        "contact_basis": "voluntary",
        "channel": "face_to_face",
        "minutes": None,
        "language": None,
    }
    ada.coach.does("referrals", f"{path}/contact", contact, on=path)
    offers = f"/v1/appointments?claimant={claimant_id}"
    offer = eventually(lambda: next(iter(ada.claimant.items("notifications", offers)), None), "an offer")
    assert offer["state"] == "offered"
    assert offer["coach_id"] == ada.coach_id, "the same coach first"
    meeting = f"/v1/appointments/{offer['appointment_id']}"
    assert ada.claimant.does("notifications", f"{meeting}/accept", {}, on=meeting)["state"] == "booked"
    calendar = ada.claimant.read("notifications", f"{meeting}.ics")
    assert b"BEGIN:VEVENT" in calendar.content
    assert b"Universal Credit" not in calendar.content, "the title says nothing about why"
    ada.await_event(topics.NOTIFICATIONS_MESSAGE, "MessageDelivered")
    assert eventually(
        lambda: ada.coach.seen("referrals", path)["state"] in ("contacted", "in_progress"), "contact begins the case"
    )

    # she agrees to involve her employer, who sees only what she agreed to
    consent = ada.claimant.does(
        "employer_link",
        "/v1/consents",
        {
            "claimant_id": claimant_id, "employer_id": ada.employer_id, "fields": ["employee_name", "ask", "plan"],
            "purpose": "progression_plan", "expires_on": (ada.months_ago(-3)).isoformat(), "wording_version": "2026-04",
        },
    )  # fmt: skip
    opening = {
        "case_id": case["case_id"],
        "employer_id": ada.employer_id,
        "consent_id": consent["consent_id"],
        "ask": "more_hours",
    }
    opened = eventually(
        lambda: (
            answer.json() if (answer := ada.coach.act("employer_link", "/v1/engagements", opening)).status_code == 201 else None
        ),
        "an engagement (once employer-link knows the case)",
    )
    ours = f"/v1/engagements/{opened['engagement_id']}"
    theirs = f"/v1/employer/engagements/{opened['engagement_id']}"
    assert ada.employer.read("employer_link", theirs).status_code == 404, "a draft is not the employer's to see"
    ada.coach.does("employer_link", f"{ours}/share", {}, on=ours)
    seen = ada.employer.seen("employer_link", theirs)
    assert seen["employee_name"] == "Ada Example"
    assert "payroll_id" not in seen or seen["payroll_id"] is None, "not in her consent"
    assert "claimant_id" not in seen

    # everybody agrees, the coach last
    ada.employer.does("employer_link", f"{theirs}/answer", {"answer": "more_hours"}, on=theirs)
    early = ada.coach.act("employer_link", f"{ours}/approve", {}, on=ours)
    assert early.status_code == 409
    assert "approve" not in early.json()["allowed"]
    ada.claimant.does("employer_link", f"{ours}/approve", {}, on=ours)
    ada.employer.does("employer_link", f"{theirs}/approve", {}, on=theirs)
    ada.coach.does("employer_link", f"{ours}/approve", {}, on=ours)
    agreed = ada.coach.seen("employer_link", ours)
    assert agreed["state"] in ("agreed", "following_up")
    assert agreed["next_mover"] in ("coach", "claimant", "employer")
    ada.await_event(topics.EMPLOYER_LINK_ENGAGEMENT, "PlanAgreed")

    # and nothing else happened
    kinds = [name for name, _ in ada.published(topics.PROGRESSION_CASE)]
    assert kinds.count("CaseOpened") == 1
    assert kinds.count("ContactRequested") == 1
    appointments = [name for name, _ in ada.published(topics.NOTIFICATIONS_APPOINTMENT)]
    assert appointments == ["AppointmentOffered", "AppointmentBooked"]
    engagements = [name for name, _ in ada.published(topics.EMPLOYER_LINK_ENGAGEMENT)]
    assert engagements.count("PlanAgreed") == 1
