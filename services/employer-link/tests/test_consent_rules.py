"""Consent and the hard stop: nothing is disclosed, nobody is contacted, without them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from contracts.employer_link import ConsentGiven, EngagementClosed
from employer_link.model import EMPLOYER_FIELDS, Employment, Illegal, OnBehalf


def test_the_employer_sees_the_consented_fields_and_nothing_else(story: Any) -> None:
    e = story.opens(story.consents_to("ask"))
    assert story.visibility(e) == "hidden"
    story.shares(e)
    assert story.shown(e) == ("engagement_id", "state", "ask", "consent_expires_on", "next_mover", "due_on")


def test_with_every_field_consented_the_view_is_the_interfaces(story: Any) -> None:
    e = story.opens(story.consents_to(*EMPLOYER_FIELDS))
    assert story.shares(e).shown(e) == EMPLOYER_FIELDS


def test_once_closed_nothing_identifies_the_person(story: Any) -> None:
    e = story.agreed()
    story.closes(e, "completed")
    assert not {"employee_name", "payroll_id"} & set(story.shown(e))
    assert story.visibility(e) == "visible"


def test_withdrawing_closes_everything_that_rests_on_the_consent(story: Any) -> None:
    consent = story.consents_to()
    e = story.opens(consent)
    story.shares(e).withdraws(consent)
    assert story.names()[-2:] == ["ConsentWithdrawn", "EngagementClosed"]
    assert story.told[-1].reason == "consent_ended"
    assert (story.visibility(e), story.shown(e)) == ("gone", ())
    with pytest.raises(Illegal, match="consent-ended"):
        story.withdraws(consent)


def test_a_consent_counts_through_its_last_day(story: Any) -> None:
    consent = story.consents_to(days=10)
    e = story.opens(consent)
    story.shares(e).wait(10)
    assert (story.visibility(e), story.claim.consents[consent].state) == ("visible", "live")
    story.wait(1)
    assert (story.visibility(e), story.claim.consents[consent].state) == ("gone", "expired")
    assert story.names()[-2:] == ["ConsentExpired", "EngagementClosed"]


def test_disclosure_stops_on_the_day_even_if_the_timer_is_late(story: Any) -> None:
    e = story.opens(story.consents_to(days=10))
    story.shares(e)
    story.today += timedelta(days=11)
    assert (story.visibility(e), story.shown(e)) == ("gone", ())


@pytest.mark.parametrize("employer_id", [None, "e-1"])
def test_do_not_contact_my_employer_is_a_hard_stop(story: Any, employer_id: str | None) -> None:
    consent = story.consents_to()
    e = story.opens(consent)
    story.shares(e).says(allowed=False, employer_id=employer_id)
    assert story.names()[-3:] == ["EmployerContactForbidden", "ConsentWithdrawn", "EngagementClosed"]
    assert story.shown(e) == ()
    with pytest.raises(Illegal, match="employer-contact-forbidden"):
        story.consents_to()
    with pytest.raises(Illegal, match="employer-contact-forbidden"):
        story.opens(consent)


def test_the_stop_is_checked_at_the_egress_itself(story: Any) -> None:
    e = story.opens(story.consents_to())
    story.claimants["cl-1"] = msgspec.structs.replace(story.claimants["cl-1"], nobody=True)
    for move in (story.shares, story.contacts):
        with pytest.raises(Illegal, match="employer-contact-forbidden"):
            move(e, override="the coach insists")


def test_a_stop_for_one_employer_leaves_the_others(story: Any) -> None:
    story.says(allowed=False, employer_id="e-1")
    consent = story.consents_to(employer_id="e-2")
    assert story.claim.consents[consent].state == "live"


def test_lifting_the_general_stop_keeps_the_single_ones(story: Any) -> None:
    story.says(allowed=False).says(allowed=False, employer_id="e-1").says(allowed=True)
    assert story.names() == ["EmployerContactForbidden", "EmployerContactForbidden", "EmployerContactAllowed"]
    with pytest.raises(Illegal, match="employer-contact-forbidden"):
        story.consents_to()
    story.says(allowed=True, employer_id="e-1")
    consent = story.consents_to()
    assert story.claim.consents[consent].state == "live"


def test_saying_the_same_again_tells_nobody(story: Any) -> None:
    story.says(allowed=False).says(allowed=False)
    assert story.names() == ["EmployerContactForbidden"]


def test_lifting_the_stop_revives_no_consent(story: Any) -> None:
    consent = story.consents_to()
    story.says(allowed=False).says(allowed=True)
    assert story.claim.consents[consent].state == "withdrawn"


@pytest.mark.parametrize(
    ("fields", "code"),
    [(("employee_name", "nino"), "unknown-field"), (("state", "due_on"), "no-fields"), (("x",), "unknown-field")],
)
def test_fields_outside_the_allow_list_are_refused(story: Any, fields: tuple[str, ...], code: str) -> None:
    with pytest.raises(Illegal, match=code):
        story.consents_to(*fields)


@pytest.mark.parametrize("days", [-1, 366])
def test_a_consent_ends_neither_in_the_past_nor_after_a_year(story: Any, days: int) -> None:
    with pytest.raises(Illegal, match="expires-on-out-of-range"):
        story.consents_to(days=days)


@pytest.mark.parametrize(("purpose", "told"), [("more_hours", "more_hours"), ("ask about Saturdays", "other")])
def test_topics_carry_a_purpose_only_as_a_code(story: Any, purpose: str, told: str) -> None:
    consent = story.consents_to(purpose=purpose)
    assert (story.told[-1].purpose, story.claim.consents[consent].purpose) == (told, purpose)


def test_an_act_on_behalf_says_so_and_keeps_reason_and_evidence_inside(story: Any) -> None:
    story.consents_to(on_behalf=OnBehalf(coach_id="co-1", reason="QQ no phone", evidence="signed form"))
    (given,) = story.told
    assert isinstance(given, ConsentGiven)
    assert given.given_by == "on_behalf"
    assert b"signed form" not in msgspec.json.encode(given)
    assert b"QQ" not in msgspec.json.encode(given)


def _job(story: Any, ended_on: date | None) -> dict[str, Employment]:
    return {"j-1": Employment(claimant_id="cl-1", employer_id="e-1", ended_on=ended_on)}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (lambda s: {"status": "closed"}, "claim_closed"),
        (lambda s: {"people": {}}, "claim_closed"),
        (lambda s: {"people": {"cl-1": msgspec.structs.replace(s.claim.people["cl-1"], dead=True)}}, "claim_closed"),
        (lambda s: {"employments": _job(s, s.today - timedelta(days=1))}, "job_ended"),
    ],
    ids=["claim closed", "claimant left the claim", "claimant died", "job ended"],
)
def test_facts_close_engagements(story: Any, changes: Any, reason: str) -> None:
    e = story.opens(story.consents_to())
    story.shares(e).facts(msgspec.structs.replace(story.claim, **changes(story)))
    closed = [event for event in story.told if isinstance(event, EngagementClosed)]
    assert [event.reason for event in closed] == [reason]
    assert not {"employee_name", "payroll_id"} & set(story.shown(e))


def test_a_job_that_ends_later_closes_on_the_day_after_its_last(story: Any) -> None:
    e = story.opens(story.consents_to())
    story.shares(e).facts(msgspec.structs.replace(story.claim, employments=_job(story, story.today + timedelta(days=3))))
    assert story.wait(3).engagement(e).state == "shared"
    assert story.wait(1).engagement(e).closed_reason == "job_ended"


def test_a_second_job_with_the_same_employer_keeps_the_engagement(story: Any) -> None:
    e = story.opens(story.consents_to())
    jobs = _job(story, date(2026, 5, 1)) | {"j-2": Employment(claimant_id="cl-1", employer_id="e-1")}
    assert story.facts(msgspec.structs.replace(story.claim, employments=jobs)).engagement(e).state == "draft"


def test_a_suspended_claim_stops_contact_but_ends_nothing(story: Any) -> None:
    e = story.opens(story.consents_to())
    story.facts(msgspec.structs.replace(story.claim, status="suspended"))
    with pytest.raises(Illegal, match="claim-not-open"):
        story.shares(e)
    assert story.engagement(e).state == "draft"
