"""Worlds of any size, with every story in its share."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from world import generate
from world.couples import COUPLES
from world.periods import Period, closed_by, starts
from world.stories import SINGLE


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), claimants=st.integers(1, 80), months=st.integers(6, 9))
def test_a_world_of_any_size_holds_together(seed: int, claimants: int, months: int) -> None:
    world = generate(seed, claimants, months)
    assert claimants <= len(world.persons) <= claimants + 1
    assert {who for claim in world.claims for who in claim.people} == set(world.persons)
    assert {slip.job_id for slip in world.slips.values()} <= set(world.jobs)
    assert {report.slip_id for report in world.reports} <= set(world.slips)
    assert all(world.start <= report.on <= world.end for report in world.reports)
    assert all(event.person_id in world.persons for event in world.events)


def test_the_default_world_tells_every_story() -> None:
    told = Counter(person.story for person in generate(seed=1).persons.values())
    assert set(told) == {story.__name__ for story in SINGLE} | {f"couple_{story.__name__}" for story in COUPLES}


def test_all_pay_patterns_occur() -> None:
    assert {job.frequency for job in generate(seed=1).jobs.values()} == {"M1", "W4", "W2", "W1", "IR"}


def test_no_job_pays_less_than_the_wage_floor_after_april() -> None:
    for job in generate(seed=1).jobs.values():
        for terms in job.terms:
            assert terms.wage_pence >= (1271 if terms.since >= date(2026, 4, 1) else 1221)


def test_a_play_too_short_for_any_conclusion_is_refused() -> None:
    with pytest.raises(ValueError, match="months"):
        generate(1, 10, 3)
    with pytest.raises(ValueError, match="claimants"):
        generate(1, 0, 8)


@pytest.mark.parametrize(
    ("entitlement", "expected"),
    [
        (date(2026, 1, 15), [date(2026, 1, 15), date(2026, 2, 15), date(2026, 3, 15)]),
        (date(2026, 1, 30), [date(2026, 1, 30), date(2026, 2, 27), date(2026, 3, 30)]),
        (date(2028, 1, 29), [date(2028, 1, 29), date(2028, 2, 28), date(2028, 3, 29)]),
        (date(2026, 1, 31), [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)]),
        (date(2026, 11, 5), [date(2026, 11, 5), date(2026, 12, 5), date(2027, 1, 5)]),
    ],
)
def test_assessment_periods_follow_the_regulation(entitlement: date, expected: list[date]) -> None:
    assert starts(entitlement, 3) == expected


def test_a_period_is_closed_on_the_day_after_its_last() -> None:
    assert closed_by(date(2026, 3, 1), date(2026, 3, 31)) == []
    assert closed_by(date(2026, 3, 1), date(2026, 4, 1)) == [Period(date(2026, 3, 1), date(2026, 3, 31))]
