"""Somebody comes back soon after earnings ended their award: no new start."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from referrals_facts import assessed, claim, earned, months, person
from referrals_memory import Referrals

from contracts.earnings import ClaimantMoved, ClaimClosed, ClaimOpened

SPANS = months(date(2026, 4, 8), 3)


def returned(last_pay: int, back_on: date, *, new_claim_first: bool) -> Referrals:
    """On claim C until it closed with its third period; then on claim D."""
    made = Referrals(SPANS[0][0])
    made.tell(ClaimOpened(claim_id="C", claim=claim("C", person("P1"))))
    for n, span in enumerate(SPANS):
        made.go_to(span[1] + timedelta(days=1))
        made.tell(assessed("C", span, earned("P1", 150_000 if n < 2 else last_pay)))
    old = claim("C", person("P1"), version=2, status="closed", closed_date=SPANS[2][1])
    made.tell(ClaimClosed(claim_id="C", claim=old))
    made.go_to(back_on)
    ids = {"claimant_id": "P1", "from_claim_id": "C", "to_claim_id": "D"}
    left = ClaimantMoved(claim_id="C", claim=claim("C", version=3, status="closed", closed_date=SPANS[2][1]), **ids)
    came = ClaimantMoved(claim_id="D", claim=claim("D", person("P1"), entitlement_date=back_on), **ids)
    made.tell(*((came, left) if new_claim_first else (left, came)))
    return made


@pytest.mark.parametrize("new_claim_first", [True, False])
@pytest.mark.parametrize(
    ("last_pay", "back_on", "reviews"),
    [
        (200_000, date(2027, 1, 7), 1),
        (200_000, date(2027, 1, 8), 0),
        (150_000, date(2026, 9, 1), 0),
    ],
    ids=["on the last day of six months", "a day later", "earnings did not end it"],
)
def test_the_coach_is_told_of_a_return_within_six_months(
    last_pay: int, back_on: date, reviews: int, new_claim_first: bool
) -> None:
    made = returned(last_pay, back_on, new_claim_first=new_claim_first)
    told = [body for body in made.bodies("ReviewRaised") if body["rule_id"] == "claim-restart"]
    assert [(body["claim_id"], body["claimant_id"]) for body in told] == [("D", "P1")] * reviews
    assert made.doc("D").person("P1").carried is not None, "the last conclusion came along in any case"
