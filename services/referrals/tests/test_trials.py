"""Randomised arms: drawn fairly and for good, exposure noted before anything is shown, holdouts kept whatever happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import psycopg
import pytest
from referrals_facts import assessed, claim, earned, months, person
from referrals_memory import SETUP, Referrals
from referrals_rig import Rig
from test_referrals_stories import shown

from contracts.earnings import ClaimantMoved, ClaimOpened
from referrals import cases
from referrals.desk import Desk
from referrals.rules.trials import Allotment, Arm, Experiment, draw, merged
from referrals.trials import store
from referrals.trials.config import read_experiments, shipped_experiments
from streaming.records import Cause

FIRST = date(2026, 4, 8)
SPANS = months(FIRST, 4)
EXPERIMENT = Experiment(
    id="contact-2026",
    seed="a seed",
    from_=date(2026, 5, 1),
    until=date(2026, 12, 31),
    arms=(Arm(name="usual", weight=1), Arm(name="later", weight=1, holdout=True)),
    strata=("jurisdiction", "couple"),
)
PEOPLE = [f"P{number}" for number in range(40)]
USUAL = next(name for name in PEOPLE if draw(EXPERIMENT, name, "x").name == "usual")
HELD_OUT = next(name for name in PEOPLE if draw(EXPERIMENT, name, "x").name == "later")


def play(who: str, days: int = 9, experiment: Experiment = EXPERIMENT, amounts: tuple[int, ...] = (105_000, 84_000)) -> Referrals:
    made = Referrals(FIRST, replace(SETUP, experiments=(experiment,)))
    made.tell(ClaimOpened(claim_id="C", claim=claim("C", person(who))))
    for span, amount in zip(SPANS, amounts, strict=False):
        made.go_to(span[1] + timedelta(days=1))
        made.tell(assessed("C", span, earned(who, amount)))
    made.go_to(SPANS[len(amounts) - 1][1] + timedelta(days=days))
    return made


def test_the_arm_is_drawn_once_and_goes_with_every_outcome() -> None:
    made = play(USUAL)
    assert made.bodies("ArmAssigned") == [
        {"claim_id": "C", "claimant_id": USUAL, "experiment": "contact-2026", "arm": "usual", "stratum": "unknown/single"}
    ]
    assert [body["arm"] for body in made.bodies("OutcomeObserved")] == ["usual", "usual"]


def test_exposure_is_noted_before_the_flag_is_shown_and_not_without_one() -> None:
    made = play(USUAL, days=8)
    assert "ArmExposed" not in made.types()
    made.go_to(SPANS[1][1] + timedelta(days=9))
    assert made.types().index("ArmExposed") < made.types().index("FlagShown")
    assert made.types().count("ArmExposed") == 1
    assert "ArmExposed" not in play(USUAL, amounts=(105_000, 105_000)).types()


def test_nothing_of_a_holdout_is_shown_and_the_exposure_is_noted_all_the_same() -> None:
    made = play(HELD_OUT)
    assert not {"FlagShown", "CaseOpened"} & set(made.types())
    assert [body["why"] for body in made.bodies("FlagWithdrawn")] == ["holdout"]
    assert made.types().index("ArmExposed") < made.types().index("FlagWithdrawn")
    assert made.cases("C", HELD_OUT) == []
    assert [body["arm"] for body in made.bodies("OutcomeObserved")] == ["later", "later"]


def test_a_holdout_ends_with_its_experiment() -> None:
    ended = msgspec.structs.replace(EXPERIMENT, until=SPANS[1][1])
    assert "FlagShown" in play(HELD_OUT, experiment=ended).types()


def test_code_that_tries_to_show_a_held_out_flag_is_stopped() -> None:
    made = play(HELD_OUT, days=8)
    work = made.service.work(Cause("a bug", "test"), made.now)
    desk = Desk(work, "C", made.setup)
    [flag] = made.flags("C", HELD_OUT).values()
    with pytest.raises(RuntimeError, match="experiment"):
        cases.show(desk, desk.person(HELD_OUT), flag)


def test_a_person_who_moves_keeps_the_arm_and_is_not_drawn_or_exposed_again() -> None:
    made = play(USUAL)
    there = claim("D", person(USUAL), version=2)
    made.tell(ClaimOpened(claim_id="D", claim=claim("D", person("somebody"))))
    made.tell(ClaimantMoved(claim_id="D", claimant_id=USUAL, from_claim_id="C", to_claim_id="D", claim=there))
    made.go_to(SPANS[2][1] + timedelta(days=1))
    made.tell(assessed("D", SPANS[2], earned(USUAL, 60_000)))
    made.go_to(SPANS[2][1] + timedelta(days=9))
    assert len([body for body in made.bodies("ArmAssigned") if body["claimant_id"] == USUAL]) == 1
    assert made.types().count("ArmExposed") == 1
    [allotment] = made.doc("D").person(USUAL).allotments
    assert (allotment.arm, allotment.exposed_at is not None) == ("usual", True)


def test_a_person_has_the_same_arm_in_every_play_and_on_every_claim() -> None:
    def arm(who: str, claim_id: str) -> str | None:
        made = Referrals(FIRST, replace(SETUP, experiments=(EXPERIMENT,)))
        made.tell(ClaimOpened(claim_id=claim_id, claim=claim(claim_id, person(who))))
        made.go_to(SPANS[0][1] + timedelta(days=1))
        made.tell(assessed(claim_id, SPANS[0], earned(who, 105_000)))
        return made.doc(claim_id).person(who).arm

    people = PEOPLE[:11]
    first = [arm(who, f"C-{who}") for who in people]
    assert set(first) == {"usual", "later"}
    assert [arm(who, f"C-{who}") for who in people] == first
    assert [arm(who, f"D-{who}") for who in people] == first


def test_a_draw_depends_on_seed_and_person_alone_and_keeps_to_the_weights() -> None:
    three = msgspec.structs.replace(
        EXPERIMENT,
        arms=(Arm(name="a", weight=2), Arm(name="b", weight=1), Arm(name="c", weight=1)),
        weights={"wales/single": {"a": 0}},
    )
    people = [f"person {number}" for number in range(8_000)]
    counted = Counter(draw(three, name, "england/single").name for name in people)
    assert all(abs(counted[arm] - wanted) < 200 for arm, wanted in {"a": 4_000, "b": 2_000, "c": 2_000}.items())
    in_wales = Counter(draw(three, name, "wales/single").name for name in people)
    assert in_wales["a"] == 0
    assert abs(in_wales["b"] - 4_000) < 200
    assert [draw(three, name, "x").name for name in people[:50]] == [draw(three, name, "y").name for name in people[:50]]
    other = msgspec.structs.replace(three, seed="another seed")
    assert [draw(three, name, "x").name for name in people[:50]] != [draw(other, name, "x").name for name in people[:50]]


def drawn(on: int, arm: str, exposed: int | None = None, experiment: str = "e") -> Allotment:
    at = None if exposed is None else datetime(2026, 6, exposed, tzinfo=UTC)
    return Allotment(experiment=experiment, arm=arm, stratum="s", on=date(2026, 5, on), exposed_at=at)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ([drawn(2, "a", 9)], [drawn(5, "b", 3)], (drawn(2, "a", 9),)),
        ([drawn(2, "a")], [drawn(5, "a", 3)], (drawn(2, "a", 3),)),
        ([drawn(2, "a")], [], (drawn(2, "a"),)),
        ([drawn(2, "a", 4)], [drawn(2, "a", 3)], (drawn(2, "a", 3),)),
        ([drawn(7, "a", experiment="f")], [drawn(1, "b")], (drawn(1, "b"), drawn(7, "a", experiment="f"))),
    ],
    ids=["the first draw counts", "the first exposure counts", "one alone", "on the same day", "two experiments"],
)
def test_two_records_of_one_person_become_one_whichever_comes_first(
    one: list[Allotment], other: list[Allotment], both: tuple[Allotment, ...]
) -> None:
    assert merged(one, other) == merged(other, one) == both


SPEC: dict[str, Any] = {
    "id": "one", "seed": "s", "from": "2026-01-01", "until": "2026-02-01",
    "arms": [{"name": "a", "weight": 1}, {"name": "b", "weight": 1}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("experiments", "says"),
    [
        ([SPEC, SPEC], "listed twice"),
        ([SPEC, {**SPEC, "id": "two", "from": "2026-02-01", "until": "2026-03-01"}], "same days"),
        ([{**SPEC, "arms": SPEC["arms"][:1]}], "two or more arms"),
        ([{**SPEC, "until": "2025-01-01"}], "ends before"),
        ([{**SPEC, "weights": {"x": {"c": 1}}}], "weights belong to arms"),
        ([{**SPEC, "weights": {"x": {"a": 0, "b": 0}}}], "must not all be nil"),
        ([{**SPEC, "strata": ["shoe size"]}], "shoe size"),
    ],
)
def test_experiments_that_cannot_be_drawn_fairly_are_refused(experiments: list[Any], says: str) -> None:
    text = msgspec.json.encode({"schema": "experiments/1", "experiments": experiments}).decode()
    with pytest.raises(ValueError, match=says):
        read_experiments(text)


def test_no_experiment_runs_unless_one_is_listed() -> None:
    assert shipped_experiments() == ()
    assert len(read_experiments(msgspec.json.encode({"schema": "experiments/1", "experiments": [SPEC]}).decode())) == 1


@pytest.fixture
def undone(rig: Rig) -> Iterator[psycopg.Connection[Any]]:
    """A transaction on the service's own tables that is rolled back."""
    with psycopg.connect(rig.platform.databases["referrals"]) as conn:
        yield conn
        conn.rollback()


def test_analysts_read_outcomes_with_arm_stratum_and_exposure(undone: psycopg.Connection[Any]) -> None:
    doc = play(HELD_OUT).doc("C")
    store.follow(undone, None, doc)
    rows = list(store.outcomes(undone, "contact-2026", (SPANS[0][0], None), None, 10))
    assert [(row["period_end"], row["arm_drawn"], row["stratum"], row["gross_change_pence"]) for row in rows] == [
        (SPANS[0][1], "later", "unknown/single", None),
        (SPANS[1][1], "later", "unknown/single", -21_000),
    ]
    assert rows[0]["exposed_on"] == SPANS[1][1] + timedelta(days=9)
    assert list(store.outcomes(undone, "another", (None, None), None, 10)) == []
    store.forget(undone, [("C", HELD_OUT)])
    assert list(store.outcomes(undone, "contact-2026", (None, None), None, 10)) == []


def test_the_export_names_nobody_and_is_for_analysts_only(rig: Rig) -> None:
    name, _ = shown(rig)
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = rig.call("analyst-1", "GET", f"/v1/outcomes?limit=200{cursor}")
        assert page.status_code == 200
        assert name not in page.text
        found += page.json()["items"]
        if page.json()["next"] is None:
            break
        cursor = f"&cursor={page.json()['next']}"
    assert found
    assert {"person", "period_end", "gross_change_pence", "in_work", "arm"} <= found[0].keys()
    mine = [row for row in found if row["gross_change_pence"] == -21_000]
    assert len({row["person"] for row in mine}) == len(mine)
    for who in (f"{name}-coach", "operator", "team-leader-1"):
        assert rig.call(who, "GET", "/v1/outcomes").status_code == 403
