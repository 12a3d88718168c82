"""Every state and move of a case: where each leads, what is refused with the moves that are legal, and how it is undone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, get_args

import pytest
from referrals_facts import assessed, claim, earned, person
from referrals_memory import Referrals
from test_flag_life import SPANS, contacted, day_after, play

from contracts.earnings import ClaimChanged, ClaimOpened, Easement
from contracts.reference import CoachChanged, OfficeChanged
from contracts.vocabulary import CaseState
from referrals import leaving, moves
from referrals import undo as undoing
from referrals.desk import COACH, OFFICE
from referrals.model import Case, allowed
from referrals.moves import Actor
from referrals.rules.lifecycle import MOVES, Happening, Stand, step
from streaming.errors import Refused

LEADER = Actor(role="team-leader", name="leader-1")


@pytest.mark.parametrize(
    ("stand", "happening", "expected"),
    [
        (Stand("shown"), "contacted", Stand("contacted")),
        (Stand("contacted"), "contacted", Stand("contacted")),
        (Stand("in_progress"), "contacted", Stand("in_progress")),
        (Stand("held", "shown"), "contacted", Stand("held", "contacted")),
        (Stand("held", "in_progress"), "contacted", Stand("held", "in_progress")),
        (Stand("shown"), "begun", Stand("in_progress")),
        (Stand("contacted"), "begun", Stand("in_progress")),
        (Stand("held", "contacted"), "begun", Stand("held", "in_progress")),
        (Stand("shown"), "held", Stand("held", "shown")),
        (Stand("in_progress"), "held", Stand("held", "in_progress")),
        (Stand("held", "contacted"), "held", Stand("held", "contacted")),
        (Stand("held", "in_progress"), "woken", Stand("in_progress")),
        (Stand("contacted"), "woken", Stand("contacted")),
        (Stand("held", "shown"), "closed", Stand("closed")),
        (Stand("in_progress"), "closed", Stand("closed")),
        (Stand("closed"), "reopened", Stand("shown")),
    ],
)
def test_where_each_happening_leads(stand: Stand, happening: Happening, expected: Stand) -> None:
    assert step(stand, happening) == expected


def test_a_reopened_case_returns_to_where_contact_had_come() -> None:
    assert step(Stand("closed"), "reopened", contacted=True) == Stand("contacted")


def test_every_state_has_its_moves_and_a_held_case_asks_for_no_contact() -> None:
    assert MOVES.keys() == set(get_args(CaseState))
    assert "contact" not in MOVES["held"]
    assert MOVES["closed"] == ("reopen",)


TODAY_PLUS_5 = day_after(SPANS[1], 14)
ACTS: dict[str, tuple[Callable[..., None], tuple[Any, ...]]] = {
    "assign": (moves.assign, ("coach-2", "manual")),
    "contact": (moves.contact, ({"purpose": "talk", "contact_basis": "voluntary", "channel": "phone"},)),
    "record-contact": (moves.record_contact, ("phone", "reached")),
    "hold": (moves.hold, (TODAY_PLUS_5, "holiday")),
    "exempt": (moves.exempt, ("caring", TODAY_PLUS_5, "seen")),
    "close": (moves.close, ("declined",)),
    "reopen": (moves.reopen, ("asked_again",)),
}


def shown() -> tuple[Referrals, Case]:
    made = play([105_000, 84_000])
    [case] = made.cases("C", "P1")
    assert case.state == "shown"
    return made, case


def in_state(state: CaseState) -> tuple[Referrals, Case]:
    made, case = shown()
    match state:
        case "contacted":
            contacted(made, case.case_id)
        case "in_progress":
            made.begin("C", case.case_id)
        case "held":
            made.move("C", case.case_id, *flat("hold"))
        case "closed":
            made.move("C", case.case_id, *flat("close"))
        case _:
            pass
    [case] = made.cases("C", "P1")
    assert case.state == state
    return made, case


def flat(name: str) -> tuple[Any, ...]:
    act, given = ACTS[name]
    return (act, *given)


@pytest.mark.parametrize("state", get_args(CaseState))
@pytest.mark.parametrize("name", ACTS)
def test_a_move_is_made_or_refused_with_the_legal_ones(state: CaseState, name: str) -> None:
    made, case = in_state(state)
    if name in MOVES[state]:
        made.move("C", case.case_id, *flat(name))
        return
    with pytest.raises(Refused) as refused:
        made.move("C", case.case_id, *flat(name))
    assert (refused.value.status, refused.value.allowed) == (409, list(allowed(case)))


def test_a_contact_that_an_easement_forbids_is_refused_and_not_among_what_is_open() -> None:
    made, case = shown()
    eased = Easement(from_=SPANS[1][0], no_contact_until=TODAY_PLUS_5, voluntary_only=False)
    made.tell(ClaimOpened(claim_id="C", claim=claim("C", person("P1", easements=(eased,)), version=2)))
    with pytest.raises(Refused, match="guard-easement") as refused:
        made.move("C", case.case_id, *flat("contact"))
    assert refused.value.allowed == [move for move in allowed(case) if move != "contact"]


def undo_of(made: Referrals, case_id: str, event: str, by: Actor = moves.Actor(role="coach", name="coach-1")) -> bool:
    [line] = [entry for entry in made.cases("C", "P1")[-1].history if entry.event == event and entry.undoable]
    done: list[bool] = []
    made.act("C", case_id, lambda at: done.append(undoing.undo(at, line.event_id, "wrong_person")), by=by)
    return done[0]


@pytest.mark.parametrize(
    ("name", "event", "told"),
    [
        ("hold", "CaseHeld", []),
        ("exempt", "CaseExempted", []),
        ("record-contact", "ContactRecorded", []),
        ("assign", "CaseReassigned", ["CaseReassigned"]),
        ("close", "CaseClosed", ["CaseReopened"]),
    ],
)
def test_two_people_take_a_wrong_action_back_and_both_versions_are_kept(name: str, event: str, told: list[str]) -> None:
    made, before = shown()
    made.move("C", before.case_id, *flat(name))
    acted = made.cases("C", "P1")[0]
    assert not undo_of(made, before.case_id, event)
    with pytest.raises(Refused, match="second-person-needed"):
        undo_of(made, before.case_id, event)
    assert made.cases("C", "P1")[0].state == acted.state
    published = len(made.published)
    assert undo_of(made, before.case_id, event, LEADER)
    after = made.cases("C", "P1")[0]
    for field in ("state", "resume", "coach_id", "held_until", "exempt", "outcome", "closed_at", "due_on", "contacted_at"):
        assert getattr(after, field) == getattr(before, field), field
    assert [one.type for one in made.published[published:] if "case" in one.topic] == ["ActionUndone", *told]
    line = next(entry for entry in after.history if entry.event == event)
    assert line.undone_by == after.history[-1].event_id
    assert line.before is not None
    assert line.after is not None
    assert line.before != line.after
    assert [flag.state for flag in made.flags("C", "P1").values()] == ["shown"]
    with pytest.raises(Refused, match="already-undone"):
        made.act("C", before.case_id, lambda at: undoing.undo(at, line.event_id, "again"))


def test_reopening_can_be_taken_back_too() -> None:
    made, case = shown()
    made.move("C", case.case_id, *flat("close"))
    made.move("C", case.case_id, *flat("reopen"))
    undo_of(made, case.case_id, "CaseReopened")
    undo_of(made, case.case_id, "CaseReopened", LEADER)
    [after] = made.cases("C", "P1")
    assert (after.state, after.outcome) == ("closed", "declined")
    assert [flag.state for flag in made.flags("C", "P1").values()] == ["closed"]
    assert made.types("case")[-2:] == ["ActionUndone", "CaseClosed"]
    made.go_to(day_after(SPANS[1], 200))
    assert made.cases("C", "P1")[0].outcome == "declined"


def test_an_action_on_which_something_later_rests_is_not_taken_back() -> None:
    made, case = shown()
    made.move("C", case.case_id, *flat("hold"))
    made.move("C", case.case_id, moves.hold, TODAY_PLUS_5 + timedelta(days=9), "ill")
    first = next(entry for entry in made.cases("C", "P1")[0].history if entry.event == "CaseHeld")
    with pytest.raises(Refused, match="changed-since"):
        made.act("C", case.case_id, lambda at: undoing.undo(at, first.event_id, "wrong"))


def test_a_closing_is_not_taken_back_while_the_claimant_has_another_open_case() -> None:
    made, case = shown()
    made.move("C", case.case_id, *flat("close"))
    made.go_to(day_after(SPANS[2]))
    made.tell(assessed("C", SPANS[2], earned("P1", 105_000)))
    made.go_to(day_after(SPANS[3]))
    made.tell(assessed("C", SPANS[3], earned("P1", 84_000)))
    made.go_to(day_after(SPANS[3], 9))
    assert [one.state for one in made.cases("C", "P1")] == ["closed", "shown"]
    line = next(entry for entry in made.cases("C", "P1")[0].history if entry.event == "CaseClosed")
    made.act("C", case.case_id, lambda at: undoing.undo(at, line.event_id, "wrong"))
    with pytest.raises(Refused, match="open-case-exists"):
        made.act("C", case.case_id, lambda at: undoing.undo(at, line.event_id, "wrong"), by=LEADER)


def test_what_the_service_did_is_not_undone_and_an_unknown_line_is_not_found() -> None:
    made, case = shown()
    opened = case.history[0]
    for event_id, code in ((opened.event_id, "not-undoable"), ("nothing", "not-found")):
        with pytest.raises(Refused, match=code):
            made.act("C", case.case_id, lambda at, event_id=event_id: undoing.undo(at, event_id, "wrong"))


def test_a_line_of_the_history_has_the_id_of_the_event_that_left() -> None:
    made, case = shown()
    made.move("C", case.case_id, *flat("hold"))
    [line] = [entry for entry in made.cases("C", "P1")[0].history if entry.event == "CaseHeld"]
    assert [event.id for event in made.published if event.type == "CaseHeld"] == [line.event_id]


def test_giving_a_case_to_the_coach_who_has_it_changes_nothing() -> None:
    made, case = shown()
    made.move("C", case.case_id, moves.assign, "coach-1", "manual")
    assert made.cases("C", "P1") == [case]
    assert "CaseReassigned" not in made.types()


def test_a_deadline_that_passes_is_told_on_the_list_and_is_no_activity() -> None:
    made, case = shown()
    assert case.due_on is not None
    made.move("C", case.case_id, moves.read)
    assert not made.cases("C", "P1")[0].unread
    made.go_to(case.due_on)
    assert made.cases("C", "P1")[0].history[-1].event == "CaseOpened"
    made.go_to(case.due_on + timedelta(days=1))
    [late] = made.cases("C", "P1")
    assert (late.history[-1].event, late.unread, late.last_activity) == ("DeadlinePassed", True, case.last_activity)


def test_an_exemption_knows_its_author_and_evidence_and_ends_by_itself() -> None:
    made, case = shown()
    made.move("C", case.case_id, *flat("exempt"))
    [held] = made.cases("C", "P1")
    assert held.exempt is not None
    assert (held.state, held.exempt.author, held.exempt.evidence_class, held.exempt.until) == (
        "held", "coach-1", "seen", TODAY_PLUS_5,
    )  # fmt: skip
    made.go_to(TODAY_PLUS_5)
    [back] = made.cases("C", "P1")
    assert (back.state, back.exempt, back.history[-1].event) == ("shown", None, "ExemptionEnded")


# ---- the coach stays, moves, leaves ----


def coach(coach_id: str, *offices: str, **changes: Any) -> CoachChanged:
    usual: dict[str, Any] = {"version": 1, "active": True, "trained_in_work": True, "minutes_per_day": 370}
    return CoachChanged(coach_id=coach_id, offices=offices, **(usual | changes))


def left(made: Referrals, facts: CoachChanged) -> Case:
    made.service.docs[(COACH, facts.coach_id)] = facts
    made.system("C", lambda desk, person, case: leaving.reroute(desk, person, case))
    return made.cases("C", "P1")[-1]


@pytest.mark.parametrize(
    ("facts", "to", "reason"),
    [
        ({"active": False}, None, "leave"),
        ({"active": False, "cover_coach_id": "coach-3"}, "coach-3", "leave"),
        ({"active": False, "cover_coach_id": "coach-4"}, None, "leave"),
        ({"offices": ("office-2",)}, None, "office_move"),
        ({"trained_in_work": False, "cover_coach_id": "coach-3"}, "coach-3", "office_move"),
    ],
)
def test_when_the_coach_leaves_the_case_goes_to_the_cover_or_to_nobody(
    facts: dict[str, Any], to: str | None, reason: str
) -> None:
    made, _ = shown()
    made.service.docs[(COACH, "coach-3")] = coach("coach-3", "office-1")
    made.service.docs[(COACH, "coach-4")] = coach("coach-4", "office-9")
    offices = facts.pop("offices", ("office-1",))
    assert left(made, coach("coach-1", *offices, **facts)).coach_id == to
    [event] = made.bodies("CaseReassigned")
    assert (event["from"], event["to"], event["reason"]) == ("coach-1", to, reason)


def test_a_coach_who_stays_keeps_the_case() -> None:
    made, case = shown()
    assert left(made, coach("coach-1", "office-1", minutes_per_day=100)) == case


def test_when_the_office_closes_its_cases_go_to_the_nearest_that_is_open() -> None:
    made, _ = shown()

    def office(office_id: str, *, active: bool = True, nearby: tuple[str, ...] = ()) -> OfficeChanged:
        facts: dict[str, Any] = {"nation": "england", "district": "North", "opening": (), "rooms": {}}
        return OfficeChanged(office_id=office_id, version=1, name=office_id, active=active, nearby=nearby, **facts)

    for one in (
        office("office-1", active=False, nearby=("office-2", "office-3")),
        office("office-2", active=False),
        office("office-3"),
    ):
        made.service.docs[(OFFICE, one.office_id)] = one
    made.service.docs[(COACH, "coach-1")] = coach("coach-1", "office-1", "office-3")
    made.system("C", lambda desk, person, case: leaving.rehouse(desk, person, case))
    [case] = made.cases("C", "P1")
    assert (case.office_id, case.coach_id) == ("office-3", "coach-1")
    assert made.bodies("CaseReassigned")[0]["office_id"] == "office-3"


def test_the_coach_a_person_chose_stays_through_changes_and_for_the_next_case() -> None:
    made, case = shown()
    made.move("C", case.case_id, moves.assign, "coach-2", "manual")
    changed = person("P1", coach_id="coach-7", work_group="other")
    made.tell(ClaimChanged(claim_id="C", claim=claim("C", changed, version=2)))
    assert made.cases("C", "P1")[0].coach_id == "coach-2"
    made.move("C", case.case_id, *flat("close"))
    made.go_to(day_after(SPANS[2]))
    made.tell(assessed("C", SPANS[2], earned("P1", 105_000)))
    made.go_to(day_after(SPANS[3]))
    made.tell(assessed("C", SPANS[3], earned("P1", 84_000)))
    made.go_to(day_after(SPANS[3], 9))
    assert made.cases("C", "P1")[-1].coach_id == "coach-2"


def test_a_change_of_job_or_health_leaves_the_coach_and_a_new_one_from_upstream_is_an_event() -> None:
    made, case = shown()
    eased = person("P1", self_employed=True, work_group="health")
    made.tell(ClaimChanged(claim_id="C", claim=claim("C", eased, version=2)))
    assert made.cases("C", "P1")[0].coach_id == case.coach_id
    made.tell(ClaimChanged(claim_id="C", claim=claim("C", person("P1", coach_id="coach-7"), version=3)))
    assert made.cases("C", "P1")[0].coach_id == "coach-7"
    assert [(body["to"], body["reason"]) for body in made.bodies("CaseReassigned")] == [("coach-7", "upstream")]


def test_a_case_opened_for_a_coach_who_left_waits_unassigned_in_its_office() -> None:
    made = Referrals(date(2026, 4, 8))
    made.service.docs[(COACH, "coach-1")] = coach("coach-1", "office-1", active=False)
    made = play([105_000, 84_000], made=made)
    [case] = made.cases("C", "P1")
    assert (case.coach_id, case.office_id) == (None, "office-1")
