"""Delays through the whole platform begin with their cause, also when the platform lags behind the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bench.delays import delays

from devstack.demo.recording import Event, Recording
from referrals.policy_files import shipped

DAY_MS = 1_000
NOON = datetime(2026, 5, 1, 11, tzinfo=UTC)
GRACE = shipped().parameters.grace_days


@pytest.fixture
def recording() -> Recording:
    """Ten days, one a second; the clock's first tick at 1,000 ms. One statement at 4,100 ms."""
    made = Recording(clock_ms=[DAY_MS * n for n in range(1, 11)], clock_now=[NOON + timedelta(days=n) for n in range(10)])
    made.messages["db.core.statement"] = 1
    made.inbound_ms[("db.core.statement", 0, 7)] = 4_100
    return made


def add(recording: Recording, name: str, at_ms: int, cause: str = "", **body: Any) -> None:
    event = Event("topic", name, f"{name}-{at_ms}", cause, "", at_ms, body)
    recording.events.append(event)
    recording.by_id[event.id] = event


def only(recording: Recording, way: str, since_ms: int = 0) -> tuple[float, float]:
    found = delays(recording, since_ms)[way]
    return found["p50"], found["events"]


def test_a_statement_after_the_close_counts_from_its_own_record(recording: Recording) -> None:
    add(recording, "PeriodAssessed", 4_200, "db.core.statement/0/7", end="2026-05-02")
    add(recording, "FlagPlanned", 4_350, "PeriodAssessed-4200", flag_id="f", due_at="2026-05-20T23:00:00Z")
    assert only(recording, "message_after_close_to_planned") == (250, 1)
    assert only(recording, "close_to_planned") == (0, 0)


def test_a_close_counts_from_the_tick_that_made_it_due_however_late_it_runs(recording: Recording) -> None:
    add(recording, "PeriodAssessed", 5_600, "calendar:c:revision", end="2026-05-02")  # due with the tick of 3 May, at 3,000
    add(recording, "FlagPlanned", 5_900, "PeriodAssessed-5600", flag_id="f", due_at="2026-05-20T23:00:00Z")
    assert only(recording, "close_to_planned") == (2_900, 1)


def test_a_flag_counts_from_its_due_tick_or_from_a_later_plan(recording: Recording) -> None:
    add(recording, "FlagPlanned", 2_100, "x", flag_id="early", due_at="2026-05-03T23:00:00Z")
    add(recording, "FlagRaised", 5_700, "t", flag_id="early", due_at="2026-05-03T23:00:00Z")  # due at 4,000
    assert only(recording, "due_to_raised") == (1_700, 1)
    add(recording, "FlagPlanned", 8_000, "x", flag_id="late", due_at="2026-05-03T23:00:00Z")
    add(recording, "FlagRaised", 8_100, "t", flag_id="late", due_at="2026-05-03T23:00:00Z")
    assert only(recording, "due_to_raised", since_ms=7_000) == (100, 1)


def test_a_row_counts_from_the_end_of_the_grace_period(recording: Recording) -> None:
    add(recording, "FlagRaised", 3_200, "t", flag_id="f", due_at="2026-05-02T23:00:00Z")
    add(recording, "FlagShown", 9_000, "t", flag_id="f", case_id="c")
    assert only(recording, "raised_and_grace_to_worklist") == (9_000 - (3 + GRACE) * DAY_MS, 1)


def test_a_contact_counts_until_its_message_is_accepted(recording: Recording) -> None:
    add(recording, "ContactRequested", 5_000, "c", case_id="c")
    add(recording, "MessageSent", 5_400, "m", case_id="c")
    add(recording, "MessageSent", 9_400, "m", case_id="c")
    assert only(recording, "contact_to_message_accepted") == (400, 1)
    assert only(recording, "contact_to_message_accepted", since_ms=5_001) == (0, 0)
