"""What a decision maker decided about a report stays when the employer reports the same payday again."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from earnings.model import CorrectionBasis, Determination, Payment, Source
from earnings.rules.attribution import place
from earnings.rules.policy import Policy

NEXT = date(2026, 6, 10)


def report(number: str, day: int, gross: int, **more: Any) -> Payment:
    at = datetime(2026, 6, day, 8, tzinfo=UTC)
    return Payment(
        payment_id=number, employer="123/A1", job="1", payroll_id="1", paid_on=date(2026, 6, 2), received_at=at,
        received_on=at.date(), submitted_at=at, gross=gross, taxable=gross, year_to_date=None, frequency="M1",
        source=Source("rti", 0, 0), **more,
    )  # fmt: skip


REPORTS = [report("1", 2, 90_000), report("2", 14, 70_000, late_reason="H"), report("3", 20, 80_000, late_reason="H")]


@pytest.mark.parametrize(
    ("basis", "act", "expected"),
    [
        ("original_period", {"action": "reallocate", "to_start": NEXT}, [(0, None), (0, None), (80_000, NEXT)]),
        ("original_period", {"action": "disregard"}, [(0, None), (0, None), (0, None)]),
        ("original_period", {"action": "replace", "gross": 60_000}, [(0, None), (0, None), (60_000, None)]),
        ("received_period", {"action": "reallocate", "to_start": NEXT}, [(90_000, NEXT), (-20_000, NEXT), (10_000, NEXT)]),
        ("received_period", {"action": "disregard"}, [(0, None), (0, None), (0, None)]),
        ("received_period", {"action": "replace", "gross": 60_000}, [(60_000, None), (0, None), (0, None)]),
    ],
)
def test_later_reports_of_a_decided_payday_change_nothing_but_what_was_left_open(
    basis: CorrectionBasis, act: dict[str, Any], expected: list[tuple[int, date | None]]
) -> None:
    decision = Determination("d", "1", legal_basis="61(3)(b)", decided_at=datetime(2026, 6, 8, tzinfo=UTC), **act)
    placed = {item.payment.payment_id: item for item in place(REPORTS, [decision], Policy(correction_basis=basis))}
    assert [(placed[number].amount, placed[number].moved_to) for number in "123"] == expected


def test_a_decision_about_the_later_report_counts_more() -> None:
    at = datetime(2026, 6, 8, tzinfo=UTC)
    first = Determination("d", "1", "disregard", "61(3)(b)", at)
    second = Determination("e", "3", "replace", "61(3)(b)", at, gross=75_000)
    placed = {item.payment.payment_id: item for item in place(REPORTS, [first, second], Policy())}
    assert (placed["3"].rule, placed["3"].amount) == ("determined", 75_000)
