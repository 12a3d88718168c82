"""No penny is lost or made: what periods hold adds up to the pay that stands, and nobody's figure is below nil."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from earnings.explain import explained
from earnings.model import Claim, Claimant, Contract, Determination, Payment, Source
from earnings.rules.attribution import corrections
from earnings.rules.books import Member, keep
from earnings.rules.calendar import index_of, london_day, series
from earnings.rules.evaluate import Context, evaluate, timeline
from earnings.rules.policy import Policy

FIRST = date(2026, 1, 31)
TODAY = date(2026, 12, 20)
NOW = datetime(2026, 12, 20, 9, tzinfo=UTC)
CLAIM, PERSON = "c", "p"
policies = st.builds(
    Policy,
    attribution_basis=st.sampled_from(["max", "received_date", "payment_date"]),
    correction_basis=st.sampled_from(["original_period", "received_period"]),
)


@st.composite
def payments(draw: st.DrawFn) -> list[Payment]:
    """Reports of two jobs, some late, corrected, negative or no longer valid; all after the first period's start."""
    found = []
    for number in range(draw(st.integers(0, 10))):
        paid_on = FIRST + timedelta(days=draw(st.integers(0, 200)))
        received = datetime(paid_on.year, paid_on.month, paid_on.day, 8, tzinfo=UTC)
        received += timedelta(days=draw(st.sampled_from([0, 0, 0, -3, 1, 12, 45])), seconds=number)
        received = max(received, datetime(2026, 1, 31, 8, tzinfo=UTC))
        gross = draw(st.sampled_from([-30_000, 0, 40_000, 90_000, 105_000]))
        found.append(
            Payment(
                payment_id=str(number), employer="123/A1", job=draw(st.sampled_from("12")), payroll_id=None, paid_on=paid_on,
                received_at=received, received_on=london_day(received), submitted_at=received, gross=gross, taxable=gross,
                year_to_date=None, frequency=draw(st.sampled_from(["M1", "M1", "W1", "IR"])), source=Source("rti", 0, number),
                late_reason=draw(st.sampled_from([None, None, "H"])),
                invalid_from=draw(st.sampled_from([None, None, None, TODAY])),
            )
        )  # fmt: skip
        if draw(st.booleans()):  # the same payday once more, so that corrections meet their originals
            again = received + timedelta(days=draw(st.integers(0, 40)), seconds=1)
            found.append(
                msgspec.structs.replace(
                    found[-1], payment_id=f"{number}-again", late_reason="H", gross=50_000, taxable=50_000, invalid_from=None,
                    received_at=again, received_on=london_day(again), submitted_at=again,
                )
            )  # fmt: skip
    return found


def standing(reports: list[Payment]) -> int:
    """Pence of every report that neither a later one corrects nor HMRC took back."""
    corrected = corrections(reports)
    return sum(one.gross for one in reports if one.invalid_from is None and one.payment_id not in corrected)


@st.composite
def moves(draw: st.DrawFn, reports: list[Payment], starts: list[date]) -> tuple[Determination, ...]:
    """Decisions that move reports to other periods."""
    chosen = [report for report in reports if draw(st.integers(0, 3)) == 0]
    return tuple(
        Determination(f"d{one.payment_id}", one.payment_id, "reallocate", "61(6)", NOW, to_start=draw(st.sampled_from(starts)))
        for one in chosen
    )


@settings(max_examples=200, deadline=None)
@given(payments(), policies, st.data())
def test_raw_pay_of_all_periods_is_all_valid_pay_and_moving_it_loses_none(
    reports: list[Payment], policy: Policy, data: Any
) -> None:
    periods = tuple(series(FIRST, (), TODAY))
    decided = data.draw(moves(reports, [period.start for period in periods]))
    books = keep(Member(PERSON, Claimant(person="k"), tuple(reports)), periods, decided, policy)
    assert sum(books.raw.values()) == standing(reports)
    assert sum(book.total(index) for book in books.jobs for index in range(len(periods))) == standing(reports)


@settings(max_examples=200, deadline=None)
@given(payments(), policies, st.data())
def test_what_is_published_is_never_below_nil_and_its_words_and_payments_agree_with_it(
    reports: list[Payment], policy: Policy, data: Any
) -> None:
    periods = tuple(series(FIRST, (), TODAY))
    decided = data.draw(moves(reports, [period.start for period in periods]))
    claim = Claim(contract=Contract((PERSON,), FIRST, FIRST, 7), determinations=decided)
    member = Member(PERSON, Claimant(person="k"), tuple(reports))
    decision = evaluate(CLAIM, claim, [member], Context(NOW, "closed", policy))
    line = timeline(CLAIM, decision.claim, [member], TODAY, policy)
    raw = 0
    for event in decision.period_events:
        entry = explained(msgspec.to_builtins(event), line, [], policy)["claimants"][0]
        assert entry["attributed_pence"] == max(0, sum(row["attributed_pence"] for row in entry["payments"]))
        assert (entry["gross_monthly_average_pence"] or 0) >= 0
        assert len(entry["explanation"]) >= 1 + len(entry["payments"])
        raw += entry["gross_pence"]
    running = keep(member, line.periods, decided, policy).raw.get(index_of(line.periods, TODAY) or 0, 0)
    assert raw + running == standing(reports)


@settings(max_examples=100, deadline=None)
@given(payments(), st.integers(1, 300))
def test_a_later_claim_and_an_earlier_one_share_all_pay(reports: list[Payment], after: int) -> None:
    since = FIRST + timedelta(days=after)
    early, late = tuple(series(FIRST, (), TODAY)), tuple(series(since, (), TODAY))
    policy = replace(Policy(), attribution_basis="max")
    member = Member(PERSON, Claimant(person="k"), tuple(reports))
    first, second = keep(member._replace(until=since), early, (), policy), keep(member, late, (), policy)
    assert sum(first.raw.values()) + sum(second.raw.values()) == standing(reports)
    assert not first.homes.keys() & second.homes.keys()
