"""Figures in words: whole, short, and true to the figures."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any, get_args

import pytest

from contracts.vocabulary import Marker, PeriodCause
from earnings.model import Payment, Source
from earnings.rules import words
from earnings.rules.attribution import place
from earnings.rules.average import Share
from earnings.rules.employments import YtdCheck, employments
from earnings.rules.policy import Policy

AT = datetime(2026, 6, 8, 8, tzinfo=UTC)
PAYMENT = Payment(
    payment_id="1", employer="123/A1", job="1", payroll_id="1", paid_on=date(2026, 6, 8), received_at=AT,
    received_on=date(2026, 6, 8), submitted_at=AT, gross=105_000, taxable=105_000, year_to_date=None, frequency="W1",
    source=Source("rti", 0, 0), employer_name="Example Bakery Ltd",
)  # fmt: skip
PLACED = place([PAYMENT], (), Policy())
JOB = employments(PLACED)[0]


def test_every_marker_and_every_cause_has_words() -> None:
    assert set(words.MARKERS) == set(get_args(Marker))
    assert set(words.WHY) == set(get_args(PeriodCause))


@pytest.mark.parametrize(("pence", "said"), [(0, "£0.00"), (5, "£0.05"), (105_000, "£1,050.00"), (-15_001, "-£150.01")])
def test_money_is_said_in_pounds(pence: int, said: str) -> None:
    assert words.money(pence) == said


def test_a_report_says_what_came_when_and_where_it_counts() -> None:
    check = YtdCheck("1", 0, 100_000, 105_000)
    assert words.of_payment(PAYMENT, PLACED[0], (date(2026, 5, 10), date(2026, 6, 9)), check) == [
        "£1,050.00 gross from Example Bakery Ltd, paid on 8 June 2026, reported to us on 8 June 2026.",
        "Counts on the later of the day it was paid and the day it was reported.",
        "£1,050.00 of it counts in the period from 10 May 2026 to 9 June 2026.",
        "By the year-to-date figures it would have been £1,000.00, not £1,050.00.",
    ]
    assert words.of_payment(PAYMENT, None, None, None)[1].startswith("It counts nowhere")


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (Share(JOB, Fraction(97_500), 292_500, date(2026, 4, 8), 13, 52), "13 regular paydays, times 52 paydays a year"),
        (Share(JOB, Fraction(60_000), 60_000, date(2026, 4, 8), 1), "over 1 assessment period, because its pay is irregular"),
        (Share(JOB, Fraction(60_000), 60_000), "£600.00 of this period"),
    ],
)
def test_a_share_of_the_average_says_how_it_was_made(share: Share, said: str) -> None:
    assert said in words.of_share(share)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"gross_pence": None, "attributed_pence": None}, "not known"),
        ({"indicative": True, "basis": "self_reported"}, "At least £1,050.00 was earned: that was self-reported"),
        ({"attributed_pence": 50_000}, "£500.00 counts, after decisions"),
        ({"net_pence": 81_240}, "£812.40 net; that figure is for the award"),
        ({"quality": ["negative_total"]}, "nil counts"),
    ],
)
def test_a_person_s_figures_are_said_as_they_were_published(change: dict[str, Any], said: str) -> None:
    entry = {
        "gross_pence": 105_000, "attributed_pence": 105_000, "gross_monthly_average_pence": None, "net_pence": None,
        "basis": "rti_gross", "indicative": False, "quality": [],
    } | change  # fmt: skip
    told = words.of_person(entry, PLACED, [], [])
    assert any(said in sentence for sentence in told)
    plain = words.of_person(entry | {"quality": []} if "quality" in change else entry, PLACED, [], [])
    assert any(
        sentence.startswith("£1,050.00, paid on 8 June 2026 and reported to us on 8 June 2026: Counts") for sentence in plain
    )
