"""Whatever anybody tries in whatever order, the promises hold."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.employer_link import ApprovalsRevoked, EngagementApproved, EngagementClosed, PlanAgreed
from employer_link.model import Employment, Illegal, Person
from employer_link.rules.decision import live
from employer_link.rules.settle import next_day

ANSWERS = ["more_hours", "different_shifts", "training", "higher_role", "none", "not_our_employee", "wrong_contact", "need_time"]
PARTIES = ["coach", "claimant", "employer"]
MOVES = st.one_of(
    st.tuples(st.just("consent"), st.sampled_from(["e-1", "e-2"]), st.integers(-1, 60)),
    st.tuples(st.just("open"), st.integers(0, 3), st.sampled_from(["e-1", "e-2"])),
    st.tuples(st.just("share"), st.integers(0, 3), st.sampled_from([None, "asked"])),
    st.tuples(st.just("answer"), st.integers(0, 3), st.sampled_from(ANSWERS)),
    st.tuples(st.just("approve"), st.integers(0, 3), st.sampled_from(PARTIES)),
    st.tuples(st.just("amend"), st.integers(0, 3), st.sampled_from(PARTIES)),
    st.tuples(st.just("done"), st.integers(0, 3), st.sampled_from(PARTIES)),
    st.tuples(st.just("contact"), st.integers(0, 3), st.none()),
    st.tuples(st.just("close"), st.integers(0, 3), st.sampled_from(["completed", "declined", "consent_ended"])),
    st.tuples(st.just("withdraw"), st.integers(0, 3), st.none()),
    st.tuples(st.just("says"), st.sampled_from([None, "e-1"]), st.booleans()),
    st.tuples(st.just("wait"), st.integers(1, 40), st.none()),
    st.tuples(st.just("claim"), st.sampled_from(["open", "suspended", "closed"]), st.none()),
    st.tuples(st.just("dies"), st.none(), st.none()),
    st.tuples(st.just("job ends"), st.none(), st.none()),
)
# Most random walks die early, so some walks start from the middle.
STARTS = st.sampled_from(["nothing", "shared", "answered", "agreed"])


def _pick(known: dict[str, Any], index: int) -> str | None:
    return list(known)[index] if index < len(known) else None


def _try(story: Any, move: tuple[Any, Any, Any]) -> None:
    name, a, b = move
    engagement_id = _pick(story.claim.engagements, a) if isinstance(a, int) else None
    consent_id = _pick(story.claim.consents, a) if isinstance(a, int) else None
    match name:
        case "consent":
            story.consents_to(employer_id=a, days=b)
        case "open" if consent_id:
            story.opens(consent_id, employer_id=b)
        case "withdraw" if consent_id:
            story.withdraws(consent_id)
        case "share" if engagement_id:
            story.shares(engagement_id, b)
        case "answer" if engagement_id:
            story.answers(engagement_id, b)
        case "approve" if engagement_id:
            story.approves(engagement_id, b)
        case "amend" if engagement_id:
            story.amends(engagement_id, (b, 3))
        case "done" if engagement_id:
            actions = story.engagement(engagement_id).actions
            story.does(engagement_id, b, actions[-1].action_id if actions else "none")
        case "contact" if engagement_id:
            story.contacts(engagement_id)
        case "close" if engagement_id:
            story.closes(engagement_id, b)
        case "says":
            story.says(employer_id=a, allowed=b)
        case "wait":
            story.wait(a)
        case "claim":
            story.facts(msgspec.structs.replace(story.claim, status=a))
        case "dies":
            story.facts(msgspec.structs.replace(story.claim, people={"cl-1": Person(dead=True)}))
        case "job ends":
            jobs = {"j-1": Employment(claimant_id="cl-1", employer_id="e-1", ended_on=story.today)}
            story.facts(msgspec.structs.replace(story.claim, employments=jobs))


def _check(story: Any) -> None:
    for engagement in story.claim.engagements.values():
        consent = story.claim.consents[engagement.consent_id]
        consented = live(consent, story.today) and not story.claimants["cl-1"].forbids(engagement.employer_id)
        if engagement.state == "closed":
            assert engagement.next_mover is None
            assert engagement.due_on is None
            assert engagement.closed_reason is not None
        else:
            assert engagement.next_mover in PARTIES
            assert engagement.due_on is not None
            assert engagement.closed_reason is None
            assert consented, "an engagement outlived its consent"
        shown = story.shown(engagement.engagement_id)
        assert not shown or consented, "a disclosure without a live consent"
        assert not shown or engagement.shared_on is not None
        approvals = engagement.approvals
        assert len(set(approvals)) == len(approvals)
        assert "coach" not in approvals or approvals[-1] == "coach", "the coach did not approve last"
        assert (engagement.state in ("agreed", "following_up")) <= (set(approvals) == set(PARTIES))
    _check_told(story)


def _check_told(story: Any) -> None:
    """The same promises, from the outside: only from what was published."""
    approved: dict[str, list[str]] = {}
    closed: set[str] = set()
    for event in story.told:
        engagement_id: str = getattr(event, "engagement_id", "none")
        assert engagement_id not in closed, "told something after the end"
        match event:
            case EngagementApproved():
                approved.setdefault(engagement_id, []).append(event.party)
            case ApprovalsRevoked():
                approved[engagement_id] = []
            case PlanAgreed():
                assert sorted(approved[engagement_id][:2]) == ["claimant", "employer"]
                assert approved[engagement_id][2:] == ["coach"]
            case EngagementClosed():
                closed.add(engagement_id)
            case _:
                pass
    assert closed == {e.engagement_id for e in story.claim.engagements.values() if e.state == "closed"}


def _start(story: Any, where: str) -> None:
    if where == "nothing":
        return
    e = story.opens(story.consents_to())
    story.shares(e)
    if where != "shared":
        story.answers(e)
    if where == "agreed":
        story.approves(e, "claimant", "employer", "coach")


@settings(max_examples=300, deadline=None)
@given(start=STARTS, moves=st.lists(MOVES, max_size=25))
def test_any_sequence_of_moves_keeps_the_promises(new_story: Any, start: str, moves: list[tuple[Any, Any, Any]]) -> None:
    story = new_story()
    _start(story, start)
    for move in moves:
        before = story.claim
        try:
            _try(story, move)
        except Illegal:
            assert story.claim == before, "a refused move changed something"
        _check(story)


@settings(max_examples=150, deadline=None)
@given(start=STARTS, moves=st.lists(MOVES, max_size=12), days=st.integers(1, 90))
def test_the_one_timer_misses_nothing(new_story: Any, start: str, moves: list[tuple[Any, Any, Any]], days: int) -> None:
    """Settling only on the days the timer is set for ends like settling every day."""
    by_day, by_timer = new_story(), new_story()
    for story in (by_day, by_timer):
        _start(story, start)
        for move in moves:
            try:
                _try(story, move)
            except Illegal:
                pass
    by_day.wait(days)
    end = by_day.today
    while (due := next_day(by_timer.claim, by_timer.policy)) is not None and due <= end:
        by_timer.today = due
        by_timer.settle()
    assert [msgspec.to_builtins(event) for event in by_timer.told] == [msgspec.to_builtins(event) for event in by_day.told]
