"""The arithmetic behind a status, the regime that follows, the transitional counter, and what more pay would leave."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import pytest
from referrals_facts import assessed, claim, earned, months, person
from referrals_memory import Referrals

from contracts.earnings import ClaimOpened, Conditionality
from referrals.policy_files import shipped
from referrals.rules.history import Ap
from referrals.rules.texts import pounds
from referrals.rules.thresholds import Basis, Status, thresholds
from referrals.rules.working import regime_of, transitional_count, working

POLICY = shipped().policy
ON = date(2026, 6, 8)
SPANS = months(date(2026, 4, 8), 6)


def ap(n: int, amount: int | None, **changes: object) -> Ap:
    start, end = SPANS[n]
    facts = {"amount": amount, "attributed": amount, "household": amount, **changes}
    return Ap(period_id=str(n), start=start, end=end, thresholds=thresholds(POLICY, Basis(), None, start), **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "group", "regime"),
    [
        ("IWS", "all_requirements", "Intensive Work Search"),
        ("IWS", None, "Intensive Work Search"),
        ("LT", "all_requirements", "Light Touch"),
        ("WE", "all_requirements", "Working Enough"),
        ("IWS", "work_preparation", "Work Preparation"),
        ("LT", "work_focused_interview_only", "Work-Focused Interview"),
        ("IWS", "no_requirements", "No Work-Related Requirements"),
        ("WE", "work_preparation", "Working Enough"),
    ],
)
def test_the_lighter_of_the_two_groups_applies(status: Status, group: str | None, regime: str) -> None:
    assert regime_of(POLICY, status, group, ON) == regime


@pytest.mark.parametrize(
    ("amounts", "since_2026", "since_2025"),
    [
        ([99_100], 0, 0),
        ([99_000], 1, 0),
        ([99_000, 95_300, 94_000], 3, 1),
        ([94_000, 99_500, 94_000], 1, 1),
        ([94_000, None, 94_000], 2, 2),
    ],
)
def test_transitional_protection_counts_against_the_threshold_of_the_awards_start(
    amounts: list[int | None], since_2026: int, since_2025: int
) -> None:
    history = [ap(n, amount) for n, amount in enumerate(amounts)]
    starts = (date(2026, 4, 8), date(2025, 4, 8), date(2019, 4, 8))
    assert [transitional_count(POLICY, history, start, 3) for start in starts] == [since_2026, since_2025, None]


def test_a_working_shows_each_step_for_tailored_hours_and_age() -> None:
    basis = Basis(age_band="age_18_to_20", expected_hours=16, legal_group="all_requirements")
    shown = working(POLICY, basis, [ap(2, 88_011)], date(2026, 4, 8), 3)
    assert shown is not None
    assert shown.aet == "18 h x 12.71 x 52 / 12 = 991.38, rounded down to the pound"
    assert shown.cet == "16 h x 10.85 x 52 / 12 = 752.27, rounded down to the pound"
    assert (shown.test, shown.tailored, shown.regime) == ("880.11 is below 991.00.", True, "Intensive Work Search")


def test_a_decision_records_the_working_and_what_would_stay_after_the_taper() -> None:
    known = Conditionality(
        from_=date(2020, 1, 1), age_band="nlw", expected_hours=30, legal_group="work_preparation", partner_ineligible=False
    )
    made = Referrals(SPANS[1][1] + timedelta(days=1))
    made.tell(ClaimOpened(claim_id="C", claim=claim("C", person("P1", conditionality=(known,)))))
    made.tell(assessed("C", SPANS[0], earned("P1", 105_000)), assessed("C", SPANS[1], earned("P1", 84_000)))
    record = made.service.rows["decision"][-1]["record"]
    assert record.working is not None
    assert (record.working.regime, record.working.tailored, record.working.transitional_below) == ("Work Preparation", True, 1)
    assert record.counterfactual is not None
    assert (record.counterfactual.pence, record.counterfactual.hours) == (15_100, "2.7")
    assert (record.counterfactual.keeps_pence, record.counterfactual.taper) == (15_100 * Fraction(45, 100), "0.55")
    assert f"About {pounds(6_795)} of it would stay after the Universal Credit taper of 55 %" in record.counterfactual.text
