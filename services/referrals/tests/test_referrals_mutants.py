"""The tests of holds, arms and undo can fail: each mutant breaks one promise in the code, and the test that guards it notices."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import test_case_lifecycle as lifecycle
import test_flag_hold_steps as steps
import test_trials as trials

from referrals import leaving, moves, undo
from referrals.breaker import gate, holding
from referrals.desk import Desk
from referrals.model import with_flag
from referrals.trials import arms

Patch = Callable[[pytest.MonkeyPatch], None]


def a_hold_keeps_nothing_from_being_raised(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(gate, "keeps_from_raising", lambda *_: False)


def a_hold_keeps_nothing_from_being_shown(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(gate, "keeps_from_showing", lambda *_: False)


def a_release_forgets_that_the_flag_has_gone_on(patch: pytest.MonkeyPatch) -> None:
    honest = holding.answered

    def answered(desk: Desk, claimant_id: str, flag_id: str, answer: Any) -> None:
        before = desk.person(claimant_id).flags[flag_id]
        honest(desk, claimant_id, flag_id, answer)
        desk.keep(with_flag(desk.person(claimant_id), before))

    patch.setattr(holding, "answered", answered)


def a_release_signs_nothing_off(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(holding, "answered", lambda *_: None)


def a_discard_leaves_the_timers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Desk, "drop", lambda *_: None)


def an_arm_is_drawn_by_chance(patch: pytest.MonkeyPatch) -> None:
    turns = itertools.count()
    patch.setattr(arms, "draw", lambda experiment, *_: experiment.arms[next(turns) % 2])


def an_arm_depends_on_the_claim(patch: pytest.MonkeyPatch) -> None:
    honest = arms.draw

    def allot(desk: Desk, claimant_id: str, ap: Any) -> None:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(arms, "draw", lambda experiment, who, stratum: honest(experiment, f"{desk.claim_id} {who}", stratum))
            kept(desk, claimant_id, ap)

    kept = arms.allot
    patch.setattr(arms, "allot", allot)


def a_merge_forgets_the_arm(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(leaving, "merged_arms", lambda *_: ())


def a_holdout_is_shown(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(arms, "keeps_back", lambda *_: False)
    patch.setattr(arms, "must_not_show", lambda *_: False)


def code_may_show_a_holdout(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(arms, "must_not_show", lambda *_: False)


def one_person_undoes_alone(patch: pytest.MonkeyPatch) -> None:
    honest = undo.undo

    def alone(at: moves.Turn, event_id: str, why: str) -> bool:
        honest(at, event_id, why)
        found = at.desk.doc.find_case(at.case.case_id)
        assert found is not None
        return honest(moves.Turn(at.desk, *found, moves.Actor(role="coach", name="nobody")), event_id, why)

    patch.setattr(undo, "undo", alone)


def an_undo_keeps_no_trace(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(undo, "_with", lambda case, _: case)


TAKE_BACK = ("hold", "CaseHeld", list[str]())


@pytest.mark.parametrize(
    ("mutant", "guard", "given"),
    [
        (a_hold_keeps_nothing_from_being_raised, steps.test_a_held_flag_is_not_raised_and_not_shown_however_long_it_waits, ()),
        (a_hold_keeps_nothing_from_being_shown, steps.test_a_flag_raised_just_before_the_hold_is_not_shown, ()),
        (
            a_release_forgets_that_the_flag_has_gone_on,
            steps.test_a_released_flag_is_raised_and_shown_once_even_if_the_answer_comes_twice,
            (),
        ),
        (a_release_signs_nothing_off, steps.test_a_released_flag_is_raised_and_shown_once_even_if_the_answer_comes_twice, ()),
        (a_discard_leaves_the_timers, steps.test_a_discarded_flag_leaves_nothing_that_could_still_show_it, ()),
        (an_arm_is_drawn_by_chance, trials.test_a_person_has_the_same_arm_in_every_play_and_on_every_claim, ()),
        (an_arm_depends_on_the_claim, trials.test_a_person_has_the_same_arm_in_every_play_and_on_every_claim, ()),
        (a_merge_forgets_the_arm, trials.test_a_person_who_moves_keeps_the_arm_and_is_not_drawn_or_exposed_again, ()),
        (a_holdout_is_shown, trials.test_nothing_of_a_holdout_is_shown_and_the_exposure_is_noted_all_the_same, ()),
        (code_may_show_a_holdout, trials.test_code_that_tries_to_show_a_held_out_flag_is_stopped, ()),
        (one_person_undoes_alone, lifecycle.test_two_people_take_a_wrong_action_back_and_both_versions_are_kept, TAKE_BACK),
        (an_undo_keeps_no_trace, lifecycle.test_two_people_take_a_wrong_action_back_and_both_versions_are_kept, TAKE_BACK),
    ],
    ids=lambda given: given.__name__ if callable(given) and not given.__name__.startswith("test_") else "",
)
def test_a_broken_promise_is_noticed(
    mutant: Patch, guard: Callable[..., None], given: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    guard(*given)
    mutant(monkeypatch)
    with pytest.raises((AssertionError, pytest.fail.Exception, ValueError, IndexError)):
        guard(*given)
