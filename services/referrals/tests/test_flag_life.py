"""What the service decides about flags and cases, told day by day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from referrals_facts import assessed, claim, earned, months, person
from referrals_memory import Referrals

from contracts.earnings import (
    ClaimantMoved,
    ClaimChanged,
    ClaimOpened,
    EarningsQueryRaised,
    Easement,
    PeriodAssessed,
    PeriodClaimant,
)
from contracts.notifications import MessageRequested, MessageSent
from referrals import moves, views

FIRST = date(2026, 4, 8)
SPANS = months(FIRST, 8)


def day_after(span: tuple[date, date], days: int = 1) -> date:
    return span[1] + timedelta(days=days)


def play(
    amounts: list[int], people: int = 1, partner: list[int] | None = None, until: int = 9, made: Referrals | None = None
) -> Referrals:
    """One person's own pay by period, told at each close; days pass until `until` days after the last one."""
    made = made or Referrals(FIRST)
    members = [person(f"P{n + 1}") for n in range(people)]
    made.tell(ClaimOpened(claim_id="C", claim=claim("C", *members)))
    for n, amount in enumerate(amounts):
        made.go_to(day_after(SPANS[n]))
        others = [earned("P2", partner[n])] if partner else []
        made.tell(assessed("C", SPANS[n], earned("P1", amount), *others))
    made.go_to(day_after(SPANS[len(amounts) - 1], until))
    return made


def letter(
    case_id: str, message: str = "m-1", about: str = "a-1", *, claim_id: str = "C", claimant_id: str = "P1"
) -> tuple[MessageRequested, MessageSent]:
    """Asked for, and sent."""
    ids = {"message_id": message, "case_id": case_id, "claim_id": claim_id, "claimant_id": claimant_id}
    asked = MessageRequested(
        **ids,
        template="appointment-offer",
        template_version=1,
        language="en",
        party="claimant",
        channel="email",
        regarding=about,
    )
    return asked, MessageSent(**ids, provider_reference="r")


def contacted(made: Referrals, case_id: str, message: str = "m-1", about: str = "a-1") -> None:
    made.tell(*letter(case_id, message, about))


def test_nothing_is_flagged_and_yet_every_evaluation_is_recorded_and_observed() -> None:
    made = play([105_000, 105_000])
    assert [row["step"] for row in made.service.rows["decision"]] == ["plan", "plan"]
    assert made.types() == ["OutcomeObserved", "OutcomeObserved"]
    assert [body["gross_change_pence"] for body in made.bodies("OutcomeObserved")] == [None, 0]


def test_a_rise_above_the_threshold_is_an_outcome_without_a_case() -> None:
    made = play([84_000, 105_000])
    assert list(made.types("flag") + made.types("case")) == ["FlagPlanned", "FlagRaised", "OutcomeMet"]
    assert made.cases("C", "P1") == []


def test_standing_still_is_raised_once_in_a_run() -> None:
    made = play([101_000] * 7)
    raised = [body["rule_id"] for body in made.bodies("FlagRaised")]
    assert raised == ["stagnation-3", "stagnation-6"]
    assert {flag.contact_basis for flag in made.flags("C", "P1").values()} == {"voluntary"}


def test_a_second_flag_joins_the_open_case() -> None:
    made = play([105_000, 84_000, 85_000, 86_000])
    [case] = made.cases("C", "P1")
    assert made.types("case") == ["CaseOpened", "FlagAppended"]
    assert [made.doc("C").person("P1").flags[key].rule_id for key in case.flag_ids] == ["fell-below-aet", "sustained-fall"]


def test_after_a_recent_contact_no_new_flag_is_raised_and_the_decision_says_when_one_could_be() -> None:
    made = play([105_000, 84_000])
    [case] = made.cases("C", "P1")
    made.go_to(day_after(SPANS[2], -7))
    contacted(made, case.case_id)
    made.go_to(day_after(SPANS[2]))
    made.tell(assessed("C", SPANS[2], earned("P1", 105_000)))
    made.go_to(day_after(SPANS[3]))
    contacted(made, case.case_id, "m-2", "a-2")
    made.tell(assessed("C", SPANS[3], earned("P1", 84_000)))
    made.go_to(day_after(SPANS[3], 9))
    flag = made.flags("C", "P1")[("fell-below-aet", SPANS[3][0].isoformat())]
    assert (flag.state, flag.why) == ("withdrawn", "guard-recent-contact")


def test_several_messages_about_one_meeting_are_one_contact() -> None:
    made = play([105_000, 84_000])
    [case] = made.cases("C", "P1")
    contacted(made, case.case_id, "m-1", "a-1")
    contacted(made, case.case_id, "m-2", "a-1")
    assert len(made.doc("C").person("P1").contacts) == 1


def test_an_easement_stops_the_recheck_and_the_rule_may_be_raised_in_a_later_period_of_its_run() -> None:
    eased = person("P1", easements=(Easement(from_=date(2026, 7, 1), no_contact_until=date(2026, 8, 1), voluntary_only=False),))
    made = Referrals(FIRST)
    made.tell(ClaimOpened(claim_id="C", claim=claim("C", eased)))
    for n in range(4):
        made.go_to(day_after(SPANS[n]))
        made.tell(assessed("C", SPANS[n], earned("P1", 101_000)))
    made.go_to(day_after(SPANS[3], 9))
    flags = made.flags("C", "P1")
    assert flags[("stagnation-3", SPANS[2][0].isoformat())].why == "guard-easement"
    assert flags[("stagnation-3", SPANS[3][0].isoformat())].state == "shown"


@pytest.mark.parametrize(("raised_by", "state"), [("person", "withdrawn"), ("data", "raised")])
def test_a_query_that_a_person_raised_is_a_dispute_at_the_recheck(raised_by: Literal["person", "data"], state: str) -> None:
    made = play([105_000, 84_000], until=3)
    [flag] = made.flags("C", "P1").values()
    ids = {"claim_id": "C", "claimant_id": "P1", "query_id": "q-1"}
    made.tell(EarningsQueryRaised(**ids, period_id=flag.period_id, cause="ytd_mismatch", blocking=False, raised_by=raised_by))
    made.go_to(day_after(SPANS[1], 8))
    [flag] = made.flags("C", "P1").values()
    assert (flag.state, flag.why) == (state, "guard-dispute" if state == "withdrawn" else None)


def test_a_correction_and_its_reversal_end_where_they_began() -> None:
    made = play([105_000, 84_000])
    made.tell(assessed("C", SPANS[1], earned("P1", 105_000), version=2))
    assert made.flags("C", "P1")[("fell-below-aet", SPANS[1][0].isoformat())].state == "withdrawn"
    made.tell(assessed("C", SPANS[1], earned("P1", 84_000), version=3))
    flag = made.flags("C", "P1")[("fell-below-aet", SPANS[1][0].isoformat())]
    assert (flag.state, flag.revision) == ("shown", 2)
    assert [case.state for case in made.cases("C", "P1")] == ["closed", "shown"]


def test_an_older_or_repeated_version_changes_nothing() -> None:
    made = play([105_000, 84_000])
    made.tell(assessed("C", SPANS[1], earned("P1", 105_000), version=3))
    left = len(made.published), len(made.service.rows["decision"])
    made.tell(assessed("C", SPANS[1], earned("P1", 84_000), version=2), assessed("C", SPANS[1], earned("P1", 84_000), version=3))
    assert (len(made.published), len(made.service.rows["decision"])) == left
    assert made.flags("C", "P1")[("fell-below-aet", SPANS[1][0].isoformat())].state == "withdrawn"


def test_after_contact_a_lost_reason_leaves_flag_and_case_and_is_told_once() -> None:
    made = play([105_000, 84_000])
    [case] = made.cases("C", "P1")
    contacted(made, case.case_id)
    for version in (2, 3):
        made.tell(assessed("C", SPANS[1], earned("P1", 105_000), version=version))
    [case] = made.cases("C", "P1")
    assert (case.state, case.explanation_due) == ("contacted", True)
    assert made.types("case").count("ReasonChanged") == 1
    assert "FlagWithdrawn" not in made.types("flag")


def test_a_late_correction_raises_the_flag_that_should_have_been() -> None:
    made = play([105_000, 105_000], until=40)
    made.tell(assessed("C", SPANS[1], earned("P1", 84_000), version=2))
    assert list(made.types("flag")) == ["FlagPlanned", "FlagRaised", "FlagShown"]


def test_a_job_that_runs_late_finds_everything_and_judges_as_of_the_due_date() -> None:
    made = Referrals(FIRST)
    made.tell(ClaimOpened(claim_id="C", claim=claim("C", person("P1"))))
    made.go_to(day_after(SPANS[1]))
    made.tell(assessed("C", SPANS[0], earned("P1", 105_000)), assessed("C", SPANS[1], earned("P1", 84_000)))
    made.go_to(day_after(SPANS[1], 12), by_day=False)
    made.go_to(day_after(SPANS[1], 12), by_day=False)
    steps = [(row["step"], row["as_of"]) for row in made.service.rows["decision"]]
    assert steps[-2:] == [("recheck", day_after(SPANS[1], 7)), ("display", day_after(SPANS[1], 12))]


def test_backfilled_periods_are_judged_and_recorded_and_nothing_leaves() -> None:
    made = Referrals(day_after(SPANS[1]))
    made.tell(ClaimOpened(claim_id="C", claim=claim("C", person("P1"))))
    for span, amount in zip(SPANS[:2], (105_000, 84_000), strict=True):
        made.tell(assessed("C", span, earned("P1", amount), backfill=True))
    made.go_to(day_after(SPANS[1], 20))
    assert len(made.service.rows["decision"]) == 2
    assert made.published == []
    assert made.service.timers == {}


def test_a_boundary_that_moves_takes_the_flags_of_the_lost_period_with_it() -> None:
    made = play([105_000, 84_000], until=3)
    moved = (SPANS[1][0] - timedelta(days=4), SPANS[1][1] - timedelta(days=4))
    made.tell(assessed("C", moved, earned("P1", 105_000), why="statement"))
    assert [body["why"] for body in made.bodies("FlagWithdrawn")] == ["period_moved"]


def test_a_person_who_moves_claims_takes_the_open_case_along() -> None:
    made = play([105_000, 84_000])
    [case] = made.cases("C", "P1")
    alone, joined = claim("C", person("P9"), version=2), claim("D", person("P1"), person("P2"))
    made.tell(ClaimantMoved(claim_id="D", claim=joined, claimant_id="P1", from_claim_id="C", to_claim_id="D"))
    made.tell(ClaimantMoved(claim_id="C", claim=alone, claimant_id="P1", from_claim_id="C", to_claim_id="D"))
    assert [(moved.case_id, moved.state) for moved in made.cases("D", "P1")] == [(case.case_id, "shown")]
    assert made.doc("C").people.keys() & {"P1"} == set()


def test_somebody_who_is_absent_from_the_newest_snapshot_is_gone_whatever_the_event_is_called() -> None:
    made = play([105_000, 84_000])
    made.tell(ClaimChanged(claim_id="C", claim=claim("C", person("P2"), version=2)))
    assert [case.outcome for case in made.cases("C", "P1")] == ["not_applicable"]


def test_an_idle_flag_expires_with_its_case() -> None:
    made = play([105_000, 84_000], until=7 + 90)
    assert made.types("case") == ["CaseOpened", "CaseExpired", "CaseClosed"]
    assert [body["outcome"] for body in made.bodies("FlagClosed")] == ["expired"]


def test_a_reopened_case_is_refused_while_another_is_open() -> None:
    made = play([105_000, 84_000])
    [first] = made.cases("C", "P1")
    made.move("C", first.case_id, moves.close, "declined")
    made.go_to(day_after(SPANS[2]))
    made.tell(assessed("C", SPANS[2], earned("P1", 105_000)))
    made.go_to(day_after(SPANS[3]))
    made.tell(assessed("C", SPANS[3], earned("P1", 84_000)))
    made.go_to(day_after(SPANS[3], 9))
    assert [case.state for case in made.cases("C", "P1")] == ["closed", "shown"]
    with pytest.raises(Exception, match="open-case-exists"):
        made.move("C", first.case_id, moves.reopen, "again")


def test_one_partner_fell_and_the_other_hears_only_that_the_household_changed() -> None:
    made = play([90_000, 90_000], people=2, partner=[70_007, 69_003])
    reviews = [(body["rule_id"], body["claimant_id"]) for body in made.bodies("ReviewRaised")]
    assert reviews == [("household-change-review", "P1")]
    assert [(body["rule_id"], body["claimant_id"]) for body in made.bodies("FlagRaised")] == [("fell-below-aet", "P2")]


def test_nothing_shown_about_one_partner_contains_the_others_figures() -> None:
    made = play([90_000, 88_011], people=2, partner=[70_007, 69_003])
    doc = made.doc("C")
    shown = [event.value.decode() for event in made.published if '"claimant_id":"P1"' in event.value.decode()]
    shown += [
        msgspec.json.encode(views.case_view("C", doc.person("P1"), case)).decode() for case in doc.person("P1").cases.values()
    ]
    for row in made.service.rows["decision"]:
        if row["claimant_id"] == "P1":
            shown.append(msgspec.json.encode(views.decision_view(row, row["record"])).decode())
    text = " ".join(shown)
    assert "880.11" in text
    for secret in (70_007, 69_003, 90_000 + 70_007, 88_011 + 69_003, 159_700 - 88_011 - 69_003):
        assert str(secret) not in text
        assert f"{secret / 100:.2f}" not in text
        assert f"{secret / 100:,.2f}" not in text


@st.composite
def interleavings(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    amounts = draw(st.lists(st.sampled_from([0, 84_000, 99_000, 101_000, 105_000, 196_000]), min_size=2, max_size=5))
    order = draw(st.permutations(range(len(amounts) + 1)))
    return amounts, list(order)


@settings(max_examples=60, deadline=None)
@given(interleavings())
def test_every_order_of_arrival_ends_with_the_same_flags(drawn: tuple[list[int], list[int]]) -> None:
    amounts, order = drawn
    facts: list[ClaimOpened | PeriodAssessed] = [ClaimOpened(claim_id="C", claim=claim("C", person("P1")))]
    facts += [assessed("C", SPANS[n], _paid(amount)) for n, amount in enumerate(amounts)]

    def end(arrival: list[int]) -> dict[tuple[str, str], str]:
        made = Referrals(day_after(SPANS[len(amounts) - 1], 3))
        made.tell(*(facts[n] for n in arrival))
        made.go_to(day_after(SPANS[len(amounts) - 1], 20))
        return {key: flag.state for key, flag in made.flags("C", "P1").items() if flag.live}

    assert end(order) == end(list(range(len(facts))))


def _paid(amount: int) -> PeriodClaimant:
    return earned("P1", amount)
