"""One engagement from draft to closed, and every move that is refused."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from contracts.employer_link import ApprovalsRevoked, EngagementClosed, PlanAgreed
from employer_link.model import Illegal


def test_the_whole_way_from_consent_to_completed(story: Any) -> None:
    e = story.agreed()
    assert story.engagement(e).state == "agreed"
    (action,) = story.engagement(e).actions
    story.wait(28)
    assert story.engagement(e).state == "following_up"
    story.does(e, "employer", action.action_id)
    assert (story.engagement(e).next_mover, story.engagement(e).due_on) == ("coach", story.today + timedelta(days=14))
    story.closes(e, "completed")
    assert story.names() == [
        "ConsentGiven", "EngagementOpened", "EmployerInvited", "EngagementShared", "EngagementAnswered",
        "EngagementApproved", "EngagementApproved", "EngagementApproved", "PlanAgreed", "ActionDue", "ActionDone",
        "EngagementClosed",
    ]  # fmt: skip
    assert (story.engagement(e).next_mover, story.engagement(e).due_on) == (None, None)


def test_an_offer_becomes_the_plans_first_action_and_is_the_employers(story: Any) -> None:
    story.agreed()
    (agreed,) = [event for event in story.told if isinstance(event, PlanAgreed)]
    assert [(a.owner, a.due_on) for a in agreed.actions] == [("employer", date(2026, 6, 29))]


def test_each_state_waits_for_one_party(story: Any) -> None:
    e = story.opens(story.consents_to())
    waits = [story.engagement(e).next_mover]
    story.shares(e)
    waits.append(story.engagement(e).next_mover)
    story.answers(e)
    waits.append(story.engagement(e).next_mover)
    for party in ("claimant", "employer", "coach"):
        story.approves(e, party)
        waits.append(story.engagement(e).next_mover)
    assert waits == ["coach", "employer", "claimant", "employer", "coach", "employer"]


@pytest.mark.parametrize("first", ["claimant", "employer"])
def test_claimant_and_employer_approve_in_any_order_the_coach_last(story: Any, first: str) -> None:
    second = "employer" if first == "claimant" else "claimant"
    e = story.opens(story.consents_to())
    story.shares(e).answers(e)
    for before in ([], [first]):
        story.approves(e, *before)
        with pytest.raises(Illegal) as refused:
            story.approves(e, "coach")
        assert refused.value.code == "coach-approves-last"
    assert story.approves(e, second, "coach").engagement(e).state == "agreed"


def test_nobody_approves_twice(story: Any) -> None:
    e = story.opens(story.consents_to())
    story.shares(e).answers(e).approves(e, "claimant")
    with pytest.raises(Illegal) as refused:
        story.approves(e, "claimant")
    assert (refused.value.code, refused.value.allowed) == ("illegal-move", ())


@pytest.mark.parametrize("approved", [("claimant",), ("claimant", "employer"), ("claimant", "employer", "coach")])
def test_an_edit_revokes_all_approvals_and_tells_everybody(story: Any, approved: tuple[str, ...]) -> None:
    e = story.opens(story.consents_to())
    story.shares(e).answers(e).approves(e, *approved).amends(e, ("coach", 5), ("employer", 10))
    assert isinstance(story.told[-1], ApprovalsRevoked)
    assert (story.told[-1].by, story.told[-1].why) == ("coach", "coach_edit")
    engagement = story.engagement(e)
    assert (engagement.state, engagement.approvals, engagement.next_mover) == ("answered", (), "claimant")
    assert [a.owner for a in engagement.actions] == ["coach", "employer"]


def test_a_changed_answer_is_an_edit_too(story: Any) -> None:
    e = story.opens(story.consents_to())
    story.shares(e).answers(e).approves(e, "claimant", "employer").answers(e, "training")
    assert story.names()[-2:] == ["EngagementAnswered", "ApprovalsRevoked"]
    with pytest.raises(Illegal, match="coach-approves-last"):
        story.approves(e, "coach")


def test_an_amended_plan_keeps_what_was_done(story: Any) -> None:
    e = story.agreed()
    (first,) = story.engagement(e).actions
    story.does(e, "employer", first.action_id).amends(e, ("claimant", 3))
    assert [(a.owner, a.done_on) for a in story.engagement(e).actions] == [("employer", story.today), ("claimant", None)]
    story.approves(e, "claimant", "employer", "coach")
    assert [a.owner for a in story.told[-1].actions] == ["claimant"]


@pytest.mark.parametrize(
    ("answer", "state", "mover", "days"),
    [
        ("more_hours", "answered", "claimant", 14),
        ("different_shifts", "answered", "claimant", 14),
        ("training", "answered", "claimant", 14),
        ("higher_role", "answered", "claimant", 14),
        ("need_time", "shared", "employer", 14),
        ("wrong_contact", "shared", "coach", 7),
        ("none", "closed", None, None),
        ("not_our_employee", "closed", None, None),
    ],
)
def test_what_each_answer_leads_to(story: Any, answer: str, state: str, mover: str | None, days: int | None) -> None:
    e = story.opens(story.consents_to())
    engagement = story.shares(e).answers(e, answer).engagement(e)
    due_on = None if days is None else story.today + timedelta(days=days)
    assert (engagement.state, engagement.next_mover, engagement.due_on) == (state, mover, due_on)
    if state == "closed":
        assert isinstance(story.told[-1], EngagementClosed)
        assert story.told[-1].reason == "declined"


def test_after_a_wrong_contact_the_coach_shares_again(story: Any) -> None:
    e = story.opens(story.consents_to())
    story.shares(e).answers(e, "wrong_contact").shares(e)
    assert (story.engagement(e).state, story.engagement(e).next_mover) == ("shared", "employer")


@pytest.mark.parametrize(
    ("stage", "move", "code"),
    [
        ("draft", lambda s, e: s.answers(e), "illegal-move"),
        ("draft", lambda s, e: s.approves(e, "claimant"), "illegal-move"),
        ("draft", lambda s, e: s.closes(e, "completed"), "reason-not-allowed"),
        ("draft", lambda s, e: s.closes(e, "consent_ended"), "reason-not-allowed"),
        ("shared", lambda s, e: s.shares(e), "illegal-move"),
        ("shared", lambda s, e: s.approves(e, "employer"), "illegal-move"),
        ("answered", lambda s, e: s.does(e, "employer", "id-3"), "illegal-move"),
        ("agreed", lambda s, e: s.answers(e), "illegal-move"),
        ("agreed", lambda s, e: s.does(e, "employer", "unknown"), "not-your-open-action"),
        ("agreed", lambda s, e: s.does(e, "claimant", "id-3"), "illegal-move"),
        ("closed", lambda s, e: s.shares(e), "illegal-move"),
        ("closed", lambda s, e: s.contacts(e), "illegal-move"),
        ("closed", lambda s, e: s.amends(e, ("coach", 1)), "illegal-move"),
        ("closed", lambda s, e: s.closes(e, "declined"), "illegal-move"),
    ],
)
def test_moves_out_of_turn_are_refused_and_change_nothing(story: Any, stage: str, move: Any, code: str) -> None:
    e = story.opens(story.consents_to())
    steps: list[tuple[str, Any]] = [
        ("shared", lambda: story.shares(e)),
        ("answered", lambda: story.answers(e)),
        ("agreed", lambda: story.approves(e, "claimant", "employer", "coach")),
        ("closed", lambda: story.closes(e, "completed")),
    ]
    for name, step in steps:
        if story.engagement(e).state == stage:
            break
        step()
        assert story.engagement(e).state == name
    before = (story.claim, list(story.told))
    with pytest.raises(Illegal) as refused:
        move(story, e)
    assert refused.value.code == code
    assert (story.claim, story.told) == before


def test_one_open_engagement_per_case_and_employer(story: Any) -> None:
    consent = story.consents_to()
    e = story.opens(consent)
    with pytest.raises(Illegal, match="engagement-exists"):
        story.opens(consent)
    story.closes(e, "declined")
    assert story.engagement(story.opens(consent)).state == "draft"


def test_a_draft_needs_an_open_case_and_the_matching_consent(story: Any) -> None:
    consent = story.consents_to()
    with pytest.raises(Illegal, match="case-not-open"):
        story.opens(consent, case_id="k-2")
    with pytest.raises(Illegal, match="consent-does-not-match"):
        story.opens(consent, employer_id="e-2")
    case = msgspec.structs.replace(story.claim.cases["k-1"], open=False)
    story.facts(msgspec.structs.replace(story.claim, cases={"k-1": case}))
    with pytest.raises(Illegal, match="case-not-open"):
        story.opens(consent)


def test_without_an_id_the_owners_action_due_first_is_meant(story: Any) -> None:
    e = story.opens(story.consents_to())
    story.shares(e).answers(e).amends(e, ("claimant", 2), ("employer", 9), ("employer", 4))
    story.approves(e, "claimant", "employer", "coach").does(e, "employer", None)
    assert [a.done_on is not None for a in story.engagement(e).actions] == [False, False, True]


def test_an_action_is_announced_once(story: Any) -> None:
    story.agreed()
    story.wait(40)
    assert story.names().count("ActionDue") == 1
