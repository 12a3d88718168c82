"""Somebody was contacted, and then the reason turns out not to be so: they are on a list until they know."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from referrals_facts import assessed, claim, earned, months, person
from referrals_memory import Referrals
from referrals_rig import Rig

from contracts import topics
from contracts.earnings import ClaimErased, ClaimOpened
from contracts.notifications import MessageRequested, MessageSent
from referrals import moves

SPANS = months(date(2026, 4, 8), 4)


def message(claim_id: str, person_id: str, case_id: str, template: str, about: str) -> tuple[MessageRequested, MessageSent]:
    ids = {"message_id": f"{template}-{about}", "case_id": case_id, "claim_id": claim_id, "claimant_id": person_id}
    how: dict[str, Any] = {"template_version": 1, "language": "en", "party": "claimant", "channel": "email"}
    return MessageRequested(**ids, template=template, regarding=about, **how), MessageSent(**ids, provider_reference="r")


def contacted() -> Referrals:
    """Fell below the threshold, shown, contacted by message."""
    made = Referrals(SPANS[0][0])
    made.tell(ClaimOpened(claim_id="C", claim=claim("C", person("P1"))))
    for span, amount in zip(SPANS, (105_000, 84_000), strict=False):
        made.go_to(span[1] + timedelta(days=1))
        made.tell(assessed("C", span, earned("P1", amount)))
    made.go_to(SPANS[1][1] + timedelta(days=9))
    [case] = made.cases("C", "P1")
    made.tell(*message("C", "P1", case.case_id, "coach-message", "m"))
    return made


def correct(made: Referrals, amount: int, version: int) -> None:
    made.tell(assessed("C", SPANS[1], earned("P1", amount), version=version))


def test_what_was_said_is_listed_by_value_when_the_reason_goes() -> None:
    made = contacted()
    correct(made, 105_000, 2)
    [row] = made.service.rows["told_in_error"]
    assert (row["rule_id"], row["coach_id"], row["contacted_at"]) == ("fell-below-aet", "coach-1", made.now)
    assert [reason["code"] for reason in row["told"]["reasons"]] == ["fell-below-aet"]
    assert "840.00" in row["told"]["reasons"][0]["text"], "the figure that they were told, not the corrected one"
    assert [contact["event"] for contact in row["told"]["contacts"]] == ["MessageSent"]


def test_an_explanation_by_message_or_by_the_coach_settles_it_and_is_no_contact() -> None:
    for by_coach in (True, False):
        made = contacted()
        correct(made, 105_000, 2)
        [case] = made.cases("C", "P1")
        assert case.explanation_due
        contacts = len(made.doc("C").person("P1").contacts)
        if by_coach:
            made.move("C", case.case_id, moves.record_contact, "phone", "explained")
        else:
            made.tell(*message("C", "P1", case.case_id, "explanation-corrected", case.flag_ids[0]))
            assert len(made.doc("C").person("P1").contacts) == contacts
        [case] = made.cases("C", "P1")
        assert not case.explanation_due
        assert [row["case_id"] for row in made.service.rows["told_in_error_explained"]] == [case.case_id]


def test_a_reason_that_comes_back_is_marked_so() -> None:
    made = contacted()
    correct(made, 105_000, 2)
    correct(made, 84_000, 3)
    [row] = made.service.rows["told_in_error_restored"]
    assert row["flag_id"] == made.service.rows["told_in_error"][0]["flag_id"]
    [case] = made.cases("C", "P1")
    assert case.state == "contacted"


def test_nobody_is_listed_who_was_not_contacted() -> None:
    made = contacted()
    made.tell(assessed("C", SPANS[0], earned("P1", 80_000), version=2))
    assert len(made.service.rows["told_in_error"]) == 1
    fresh = Referrals(SPANS[1][1] + timedelta(days=1))
    fresh.tell(ClaimOpened(claim_id="C", claim=claim("C", person("P1"))))
    fresh.tell(assessed("C", SPANS[0], earned("P1", 105_000)), assessed("C", SPANS[1], earned("P1", 84_000)))
    fresh.go_to(SPANS[1][1] + timedelta(days=9))
    correct(fresh, 105_000, 2)
    assert "told_in_error" not in fresh.service.rows


def test_the_list_is_read_by_the_coach_and_forgets_who_is_erased(rig: Rig) -> None:
    name = rig.name()
    coach = rig.person(f"{name}-coach", "coach", coach_id=f"{name}-coach", office_ids=(f"{name}-office",))
    other = rig.person(f"{name}-other", "coach", coach_id=f"{name}-other", office_ids=(f"{name}-elsewhere",))
    one = person(f"{name}-p", coach_id=f"{name}-coach", office_id=f"{name}-office")
    rig.publish(topics.EARNINGS_CIRCUMSTANCES, name, ClaimOpened(claim_id=name, claim=claim(name, one)))
    before, last = months(date(rig.now.year, rig.now.month, 8), 2)
    rig.go_to(last[1] + timedelta(days=1))
    for span, pence in ((before, 105_000), (last, 84_000)):
        rig.publish(topics.EARNINGS_PERIOD, name, assessed(name, span, earned(f"{name}-p", pence)))
    rig.drain()
    rig.go_to(last[1] + timedelta(days=7))
    rig.go_to(last[1] + timedelta(days=9))
    [item] = rig.call(coach, "GET", "/v1/worklist").json()["items"]
    for event in message(name, f"{name}-p", item["case_id"], "coach-message", "m"):
        rig.publish(topics.NOTIFICATIONS_MESSAGE, name, event)
    rig.drain()
    assert rig.call(coach, "GET", "/v1/contacted-in-error").json()["items"] == []
    rig.publish(topics.EARNINGS_PERIOD, name, assessed(name, last, earned(f"{name}-p", 105_000), version=2))
    rig.drain()
    [row] = rig.call(coach, "GET", "/v1/contacted-in-error?due=true").json()["items"]
    assert (row["case_id"], row["rule_id"], row["explained_at"]) == (item["case_id"], "fell-below-aet", None)
    assert row["told"]["reasons"][0]["text"] == item["reasons"][0]["text"]
    assert rig.call(other, "GET", "/v1/contacted-in-error").json()["items"] == []
    for event in message(name, f"{name}-p", item["case_id"], "explanation-corrected", row["flag_id"]):
        rig.publish(topics.NOTIFICATIONS_MESSAGE, name, event)
    rig.drain()
    assert rig.call(coach, "GET", "/v1/contacted-in-error?due=true").json()["items"] == []
    [row] = rig.call(coach, "GET", "/v1/contacted-in-error").json()["items"]
    assert row["explained_at"] is not None
    rig.publish(topics.EARNINGS_CIRCUMSTANCES, name, ClaimErased(claim_id=name))
    rig.drain()
    assert rig.sql("SELECT count(*) FROM told_in_error WHERE claim_id = %s", name) == [(0,)]
