"""An appointment's states, and a message's: forward only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from notifications.model import Appointment, Message
from notifications.rules.delivery import forward
from notifications.rules.meetings import MOVES, allowed, delivery_confirmed, last_answer

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
START = NOW + timedelta(days=3)


def appointment(**changes: Any) -> Appointment:
    made = Appointment(
        appointment_id="a",
        case_id="case",
        claimant_id="p",
        coach_id="coach",
        office_id=None,
        starts_at=START,
        minutes=40,
        channel="phone",
        private_room=False,
        contact_basis="voluntary",
        purpose="usual",
        language=None,
        state="offered",
        offered_at=NOW,
        expires_at=NOW + timedelta(days=2),
    )
    return replace(made, **changes)


def message(**changes: Any) -> Message:
    made = Message(
        message_id="m",
        case_id=None,
        claimant_id="p",
        party="claimant",
        template="coach-message",
        template_version=1,
        language="en",
        channel="email",
        purpose="usual",
        regarding="a",
        seat=0,
        state="sending",
        requested_at=NOW,
        due_at=NOW,
    )
    return replace(made, **changes)


@pytest.mark.parametrize(
    ("changes", "when", "moves"),
    [
        ({}, NOW, ("accept", "decline", "move")),
        ({}, NOW + timedelta(days=2), ()),
        ({"expires_at": None}, START, ("decline",)),
        ({"state": "booked"}, NOW, ("move", "cancel")),
        ({"state": "booked"}, START, ("attended", "missed")),
        ({"state": "declined"}, NOW, ()),
        ({"state": "cancelled"}, START, ()),
    ],
)
def test_only_these_moves_are_legal(changes: dict[str, Any], when: datetime, moves: tuple[str, ...]) -> None:
    assert allowed(appointment(**changes), when) == moves


def test_every_final_state_is_final() -> None:
    assert {state for state, moves in MOVES.items() if not moves} == {"attended", "missed", "cancelled", "declined", "expired"}


@pytest.mark.parametrize(
    ("starts", "answer_by"),
    [(30, NOW + timedelta(days=7)), (3, NOW + timedelta(days=2)), (0, NOW)],
)
def test_an_offer_is_open_a_week_and_ends_a_day_before_the_meeting(starts: int, answer_by: datetime) -> None:
    assert last_answer(NOW, NOW + timedelta(days=starts), 7) == answer_by


@pytest.mark.parametrize(
    ("state", "status", "news", "ends"),
    [
        ("sending", "sending", ["sent"], "sent"),
        ("unknown", "delivered", ["sent", "delivered"], "delivered"),
        ("sent", "sending", [], "sent"),
        ("sent", "delivered", ["delivered"], "delivered"),
        ("sent", "permanent-failure", ["failed"], "failed"),
        ("delivered", "delivered", [], "delivered"),
        ("delivered", "temporary-failure", [], "delivered"),
        ("failed", "delivered", [], "failed"),
        ("withdrawn", "delivered", [], "withdrawn"),
        ("sent", "pending", [], "sent"),
    ],
)
def test_the_providers_word_moves_a_message_forward_only(state: Any, status: str, news: list[str], ends: str) -> None:
    before = message(state=state)
    steps = forward(before, provider_id="id", status=status, at=NOW)
    assert [step.news for step in steps] == news
    assert (steps[-1].message if steps else before).state == ends


def test_only_a_delivery_about_this_very_time_confirms_it() -> None:
    told = message(state="delivered")
    assert delivery_confirmed(appointment(), {"m": told})
    assert not delivery_confirmed(appointment(seat=1), {"m": told})
    assert not delivery_confirmed(appointment(), {"m": replace(told, state="failed")})
