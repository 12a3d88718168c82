"""Who begins to work, and who only receives the last wage of a job that is over."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import pytest
from referrals_facts import assessed, claim, earned, months, person
from referrals_memory import Referrals

from contracts.earnings import ClaimOpened

SPANS = months(date(2026, 4, 8), 2)


@pytest.mark.parametrize(
    ("left_on", "begins"),
    [(None, True), (SPANS[0][1], False), (SPANS[1][0], True)],
    ids=["a job that goes on", "the last wage, a period late", "a job that began and ended within the period"],
)
def test_a_last_wage_that_comes_late_begins_nothing(left_on: date | None, begins: bool) -> None:
    paid = earned("P1", 60_000)
    paid = msgspec.structs.replace(paid, employments=(msgspec.structs.replace(paid.employments[0], ended_on=left_on),))
    made = Referrals(SPANS[1][1] + timedelta(days=1))
    made.tell(ClaimOpened(claim_id="C", claim=claim("C", person("P1"))))
    made.tell(assessed("C", SPANS[0], earned("P1", 0, job=None)), assessed("C", SPANS[1], paid))
    assert [body["rule_id"] for body in made.bodies("FlagPlanned")] == (["newly-in-work"] if begins else [])
