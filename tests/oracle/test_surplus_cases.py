"""Worked cases of surplus earnings and of the award, through the pure rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given as any_of
from hypothesis import settings
from hypothesis import strategies as st
from tests.support.earnings_cases import cases, pence, pounds

from earnings.intake.documents import statement
from earnings.model import Claim, Claimant, Contract, Order, Source, Statement
from earnings.policy_file import load_surplus
from earnings.rules.books import Member
from earnings.rules.calendar import DAY, add_months
from earnings.rules.evaluate import Context, evaluate
from earnings.rules.policy import Policy, SurplusPolicy
from earnings.rules.surplus import Month, Period, award, carried_into, carry, thresholds

SUMMER_2026 = date(2026, 6, 8)
FIRST = date(2026, 1, 8)


def of(file: str) -> list[Any]:
    return [pytest.param(case["given"], case["expect"], id=case["id"]) for case in cases((file,))]


@pytest.mark.parametrize(("given", "expect"), of("surplus"))
def test_a_surplus_is_carried_as_the_case_says(given: dict[str, Any], expect: dict[str, Any]) -> None:
    policy = SurplusPolicy(taper=Fraction(given["taper"]), de_minimis=pence(given["de_minimis"]))
    maximum, allowance = pence(given["max_award"]) - pence(given["unearned"]), pence(given["work_allowance"])
    limits = thresholds(maximum, allowance, policy)
    assert (pounds(limits.nil), pounds(limits.relevant)) == (expect["nil_threshold"], expect["relevant_threshold"])
    months = [Month(pence(month["earnings"]), pence(month.get("loss", "0.00"))) for month in given["months"]]
    found = [
        {
            "surplus_in": pounds(one.surplus_in),
            "counted": pounds(one.counted),
            "award": pounds(one.award),
            "surplus_out": pounds(one.surplus_out),
        }
        for one in carry(maximum, allowance, months, policy)
    ]
    assert found == expect["months"]
    in_force = load_surplus(SUMMER_2026, None if policy.de_minimis == 250_000 else policy.de_minimis)
    if "warning" in expect:
        assert (in_force.warnings, in_force.de_minimis, in_force.taper) == ((expect["warning"],), 250_000, policy.taper)
    elif given["taper"] == "0.55" and given["months"]:
        assert (in_force.warnings, in_force.de_minimis) == ((), policy.de_minimis)


@pytest.mark.parametrize(("given", "expect"), of("surplus"))
def test_the_periods_into_which_a_surplus_is_carried_are_marked(given: dict[str, Any], expect: dict[str, Any]) -> None:
    """From message to assessment: statements as upstream writes them, judged by the rules of the running service."""
    policy = replace(Policy(), surplus=((FIRST, SurplusPolicy(Fraction(given["taper"]), pence(given["de_minimis"]))),))
    net = [max(0, pence(month["earnings"]) - pence(month.get("loss", "0.00"))) for month in given["months"]]
    statements = tuple(statement_of(number, f"{amount / 100:.2f}", given["max_award"]) for number, amount in enumerate(net))
    claim = Claim(contract=Contract(("p",), FIRST, None, 7), statements=statements)
    until = datetime.combine(statements[-1].end + DAY if statements else FIRST, time(12), UTC)
    found = evaluate("c", claim, [Member("p", Claimant(person="k"), ())], Context(until, "closed", policy))
    marked = ["surplus" in event.claimants[0].quality for event in found.period_events]
    assert marked == [month["surplus_in"] != "0.00" for month in expect["months"]]
    assert {event.claimants[0].attributed_pence for event in found.period_events} <= {None, *net}, "a surplus is no pay"


def statement_of(number: int, take_home: str, allowance: str) -> Statement:
    start, end = add_months(FIRST, number), add_months(FIRST, number + 1) - DAY
    document = {
        "assessmentPeriod": {"startDate": int(f"{start:%Y%m%d}"), "endDate": int(f"{end:%Y%m%d}")},
        "takeHomePay": take_home,
        "takeHomeBreakdown": {"rte": take_home},
        "standardAllowanceElement": allowance,
        "workCapabilityElement": None,
    }
    return statement(document, f"s{number}", Order(datetime(2026, 1, 1, tzinfo=UTC), 0, number), Source("s", 0, number))


@pytest.mark.parametrize(
    ("fields", "maximum", "allowance"),
    [
        ({}, 42_490, None),
        ({"housingElement": "500.00", "childElement": "303.94", "numberEligibleChildren": 1}, 122_884, "with_housing"),
        ({"workCapabilityElement": "423.27"}, 84_817, "without_housing"),
        ({"otherIncomeAdjustment": "100.00", "capitalAdjustment": "4.35"}, 32_055, None),
        ({"standardAllowanceElement": None}, None, None),
        ({"childElement": "much", "numberEligibleChildren": "two"}, None, None),
    ],
    ids=["alone", "a child and rent", "limited capability", "unearned income", "not shown", "not readable"],
)
def test_the_most_an_award_can_be_is_read_from_the_statement_and_never_refuses_it(
    fields: dict[str, Any], maximum: int | None, allowance: str | None
) -> None:
    document = {
        "assessmentPeriod": {"startDate": 20260608, "endDate": 20260707},
        "takeHomePay": "1.00",
        "standardAllowanceElement": "424.90",
        **fields,
    }
    found = statement(document, "s", Order(datetime(2026, 1, 1, tzinfo=UTC), 0, 0), Source("s", 0, 0))
    assert (found.maximum, found.allowance) == (maximum, allowance)


@settings(deadline=None)
@any_of(st.lists(st.none() | st.integers(0, 1_000_000), max_size=12), st.integers(0, 200_000))
def test_marks_follow_the_explained_calculation_and_nothing_is_said_beyond_a_gap(earned: list[int | None], maximum: int) -> None:
    policy = SurplusPolicy(taper=Fraction(55, 100), de_minimis=30_000)
    periods = [None if amount is None else Period(maximum, 0, Month(amount), policy) for amount in earned]
    marked = carried_into(periods)
    runs: list[list[int]] = [[]]
    for place, amount in enumerate(earned):
        if amount is None:
            runs.append([])
        else:
            runs[-1].append(place)
    for run in runs:
        amounts = [Month(earned[place] or 0) for place in run]
        expected = [bool(month.surplus_in) for month in carry(maximum, 0, [*amounts, Month(0)], policy)]
        places = [place for place in (*run, *(last + 1 for last in run[-1:])) if place < len(earned)]
        assert [place in marked for place in places] == expected[: len(places)]
    assert not [place for place in marked if place == 0 or earned[place - 1] is None]


@pytest.mark.parametrize(("given", "expect"), of("award"))
def test_an_award_follows_the_figures_of_its_day(given: dict[str, Any], expect: dict[str, Any]) -> None:
    policy = load_surplus(date.fromisoformat(given["ap_start"]))
    maximum = sum(pence(amount) for amount in given["elements"].values())
    allowance = policy.work_allowances[given["work_allowance"]]
    found = award(maximum, pence(given["net_earnings"]), allowance, policy.taper)
    assert {
        "max_award": pounds(found.maximum),
        "work_allowance": pounds(allowance),
        "deduction": pounds(found.deduction),
        "award": pounds(found.paid),
    } == expect


def test_the_figures_change_with_their_dates_and_the_last_one_warns() -> None:
    tapers = [load_surplus(date.fromisoformat(day)).taper for day in ("2020-06-01", "2021-11-23", "2021-11-24")]
    assert tapers == [Fraction(63, 100), Fraction(63, 100), Fraction(55, 100)]
    assert load_surplus(date(2026, 3, 31)).warnings == ()
    assert load_surplus(date(2026, 4, 1)).warnings == ("de_minimis_determination_not_seen",)
    with pytest.raises(LookupError, match="no value on 2018-04-10"):
        load_surplus(date(2018, 4, 10))


def test_a_surplus_ends_after_five_further_periods() -> None:
    policy = SurplusPolicy(taper=Fraction(55, 100), de_minimis=30_000)
    months = carry(42_490, 0, [Month(2_000_000), *[Month(0)] * 7], policy)
    assert [bool(month.surplus_in) for month in months] == [False, True, True, True, True, True, False, False]
    assert months[6].award == 42_490
    assert "carried on" in months[0].explanation[-1]


@settings(deadline=None)
@any_of(st.integers(0, 200_000), st.integers(0, 70_000), st.lists(st.integers(0, 1_000_000), max_size=8))
def test_no_surplus_arises_below_the_threshold_and_none_is_lost_in_the_first_six_periods(
    maximum: int, allowance: int, earned: list[int]
) -> None:
    policy = SurplusPolicy(taper=Fraction(55, 100), de_minimis=250_000)
    limit = thresholds(maximum, allowance, policy).relevant
    months = carry(maximum, allowance, [Month(amount) for amount in earned], policy)
    for before, month in zip([None, *months], months, strict=False):
        assert month.surplus_out == max(0, month.counted - limit)
        assert month.surplus_in in (0, before.surplus_out if before else 0)
    for before, month in pairwise(months[:6]):
        assert month.surplus_in == before.surplus_out
