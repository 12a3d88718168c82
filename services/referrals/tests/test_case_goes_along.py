"""Somebody moves to another claim with a case: it is found where they are, and nothing that was begun before gets lost."""

from __future__ import annotations

import pytest
from referrals_facts import claim, person
from referrals_memory import Referrals
from test_flag_life import letter, play

from contracts.earnings import ClaimantMoved, ClaimChanged, ClaimErased
from contracts.notifications import AppointmentBooked, AppointmentCancelled
from referrals import moves
from referrals.model import Case

IDS = {"claimant_id": "P1", "from_claim_id": "C", "to_claim_id": "D"}
CAME = ClaimantMoved(claim_id="D", claim=claim("D", person("P1"), person("P2")), **IDS)
LEFT = ClaimantMoved(claim_id="C", claim=claim("C", person("P9"), version=3), **IDS)
ABSENT = ClaimChanged(claim_id="C", claim=claim("C", person("P9"), version=2))


def shown() -> tuple[Referrals, Case]:
    made = play([105_000, 84_000])
    [case] = made.cases("C", "P1")
    return made, case


@pytest.mark.parametrize("events", [(CAME, LEFT), (LEFT, CAME), (ABSENT, CAME, LEFT), (ABSENT, LEFT, CAME)])
def test_the_case_is_open_on_the_new_claim_whichever_event_comes_first(events: tuple[ClaimantMoved | ClaimChanged, ...]) -> None:
    made, case = shown()
    made.tell(*events)
    assert [(moved.case_id, moved.open) for moved in made.cases("D", "P1")] == [(case.case_id, True)]
    assert {flag.state for flag in made.flags("D", "P1").values()} == {"shown"}
    told = [body for body in made.bodies("CaseReassigned") if body["claim_id"] == "D"]
    assert [(body["case_id"], body["to"]) for body in told] == [(case.case_id, case.coach_id)]
    if events[0] is ABSENT:
        assert [body["why"] for body in made.bodies("CaseReopened")] == ["moved-claim"]


def test_what_a_coach_has_closed_stays_closed() -> None:
    made, case = shown()
    made.move("C", case.case_id, moves.close, "declined")
    made.tell(ABSENT, CAME, LEFT)
    assert [moved.outcome for moved in made.cases("D", "P1")] == ["declined"]
    assert "CaseReopened" not in made.types()


def test_what_was_begun_under_the_old_claim_reaches_the_case_under_the_new_one() -> None:
    made, case = shown()
    meeting = {"appointment_id": "a-1", "case_id": case.case_id, "claim_id": "C", "claimant_id": "P1"}
    asked, sent = letter(case.case_id)
    made.tell(asked, CAME, LEFT, sent, AppointmentCancelled(**meeting, by="system", reason="not_on_claim"))
    [there] = made.cases("D", "P1")
    assert [entry.event for entry in there.history][-2:] == ["MessageSent", "AppointmentCancelled"]
    assert (there.contacted, there.unread, there.waiting_on) == (True, True, "us")
    assert len(made.doc("D").person("P1").contacts) == 1


def test_what_is_said_of_nobodys_case_stays_where_it_was_said() -> None:
    made, _ = shown()
    made.tell(CAME, LEFT, AppointmentBooked(appointment_id="a", case_id="none", claim_id="C", claimant_id="P1"))  # type: ignore[call-arg]
    [there] = made.cases("D", "P1")
    assert there.history[-1].event != "AppointmentBooked"


def test_when_the_old_claim_is_erased_what_it_kept_of_those_who_left_goes_too() -> None:
    made, _ = shown()
    made.tell(CAME, LEFT, ClaimErased(claim_id="C"))
    assert {"claim_id": "C", "claimant_id": "P1"} in made.service.rows["erased_claimant"]
    assert [case.open for case in made.cases("D", "P1")] == [True]


def test_a_flag_that_nobody_has_seen_yet_is_withdrawn_by_event() -> None:
    made = play([105_000, 84_000], until=7)
    [flag] = made.flags("C", "P1").values()
    assert flag.state == "raised"
    made.tell(CAME, LEFT)
    assert [(body["flag_id"], body["claim_id"]) for body in made.bodies("FlagWithdrawn")] == [(flag.flag_id, "C")]
    assert made.cases("D", "P1") == []
