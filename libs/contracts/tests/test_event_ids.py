"""Ids are pure functions of business keys, fixed for ever."""

from __future__ import annotations

import uuid
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import ids


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (ids.period_id("claim-1", date(2026, 5, 14)), "27be427d-e621-5322-a885-d65984fb232b"),
        (ids.employer_id("123/A246"), "08ee028c-b02e-5a7b-ba46-12a1fe39a73d"),
        (ids.employment_id("citizen-1", "employer-1", "7"), "b2bea96b-0cd2-52bd-9464-426d913b1fa4"),
        (ids.flag_id("citizen-1", "fell-below-aet", "period-1"), "2ff65a35-90c8-5075-a701-78cea8770b21"),
    ],
)
def test_an_id_published_once_never_changes(made: str, expected: str) -> None:
    assert made == expected


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4))
def test_an_id_is_the_uuid5_of_its_parts(parts: list[str]) -> None:
    assert ids.derive(*parts) == str(uuid.uuid5(ids.NAMESPACE, "\x1f".join(parts)))


def test_parts_that_run_together_give_different_ids() -> None:
    assert ids.flag_id("a", "bc", "d") != ids.flag_id("ab", "c", "d")


def test_the_paye_reference_counts_exactly_as_received() -> None:
    assert ids.employer_id("123/A246") != ids.employer_id("123/a246")
