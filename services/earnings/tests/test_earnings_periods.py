"""Assessment periods of any claim: whatever dates upstream names, every day belongs to exactly one period."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from earnings import policy_file
from earnings.rules.calendar import DAY, index_of, is_start, series

entitlements = st.dates(date(2013, 4, 29), date(2040, 12, 31))
explicit = st.lists(st.tuples(st.integers(-20, 700), st.integers(1, 45)), max_size=6)


def of_statements(first: date, rows: list[tuple[int, int]]) -> list[tuple[date, date]]:
    """Explicit dates as a series has them: one after another, never one over the other."""
    found: list[tuple[date, date]] = []
    for after, days in sorted(rows):
        start = first + timedelta(days=after)
        if not found or start > found[-1][1]:
            found.append((start, start + timedelta(days=days - 1)))
    return found


@settings(deadline=None)
@given(entitlements, explicit, st.none() | entitlements, st.integers(0, 900))
def test_no_gap_no_overlap_and_every_day_in_one_period(
    first: date, rows: list[tuple[int, int]], cycle: date | None, days: int
) -> None:
    until = first + timedelta(days=days)
    periods = series(first, of_statements(first, rows), until, cycle)
    for before, after in pairwise(periods):
        assert after.start == before.end + DAY
    assert all(period.start <= period.end for period in periods)
    begun = periods[0].start if periods else until + DAY
    for day in (begun + timedelta(days=n) for n in range((until - begun).days + 1)):
        place = index_of(periods, day)
        assert place is not None
        assert periods[place].start <= day <= periods[place].end
    named = {start for start, _ in of_statements(first, rows) if start <= until}
    assert {period.start for period in periods if period.explicit} == named, "explicit dates are never computed over"


@settings(deadline=None)
@given(entitlements, entitlements)
@example(date(2038, 1, 1), date(2040, 2, 29))
def test_a_kept_cycle_has_one_odd_period_and_then_its_own_starts(first: date, cycle: date) -> None:
    periods = series(first, (), first + timedelta(days=800), cycle)
    assert periods[0].start == first
    assert all(is_start(cycle.day, period.start) for period in periods[1:])
    assert (periods[0].end - first).days <= 31
    own = series(cycle, (), first + timedelta(days=800))
    # A claim may begin on 29 February; in later leap years its cycle starts on the 28th, and so does that of whoever kept it.
    common = [period for period in own if period.start > first and is_start(cycle.day, period.start)]
    assert [period for period in periods[1:] if period.start >= cycle] == common, "as if the date had never changed"


@pytest.mark.parametrize(
    ("cycle", "first", "end"),
    [
        ("2026-05-10", "2026-05-14", "2026-06-09"),
        ("2026-05-10", "2026-04-25", "2026-05-09"),
        ("2026-01-31", "2026-02-03", "2026-02-27"),
        ("2026-01-30", "2026-02-03", "2026-02-26"),
        ("2028-01-29", "2028-02-28", "2028-03-28"),
        ("2026-05-10", "2026-05-09", "2026-05-09"),
    ],
    ids=["later", "earlier", "last day of the month", "30th in February", "on a start of the cycle", "one day"],
)
def test_the_odd_first_period_ends_where_the_kept_cycle_begins(cycle: str, first: str, end: str) -> None:
    begin = date.fromisoformat(first)
    [period] = series(begin, (), begin, date.fromisoformat(cycle))
    assert (period.start, period.end) == (begin, date.fromisoformat(end))


def test_the_cycle_is_kept_since_regulation_21a_is_in_force() -> None:
    kept = [
        policy_file.Dated(policy_file.FILE).entry("cycle_kept", day)["value"] for day in (date(2018, 4, 10), date(2018, 4, 11))
    ]
    assert kept == [False, True]
    assert policy_file.load(date(2026, 4, 1)).cycle_kept
