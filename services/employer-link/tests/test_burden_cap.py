"""Two contacts in 30 days for each establishment, over all its staff and all coaches."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from employer_link.model import Illegal
from employer_link.rules.burden import next_allowed_on


def d(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


@pytest.mark.parametrize(
    ("contacts", "on", "next_on"),
    [
        ([], "06-30", None),
        (["06-01"], "06-02", None),
        (["06-01", "06-20"], "06-30", "07-01"),
        (["06-01", "06-20"], "07-01", None),
        (["06-03", "06-10"], "06-15", "07-03"),
        (["06-11"], "06-15", None),
        (["06-01", "06-10", "06-20"], "06-21", "07-10"),
        (["06-10", "06-20"], "06-20", None),
        (["06-10", "06-10", "06-10"], "06-11", None),
    ],
)
def test_a_contact_counts_while_it_is_fewer_than_thirty_days_ago(contacts: list[str], on: str, next_on: str | None) -> None:
    expected = None if next_on is None else d(next_on)
    assert next_allowed_on([d(c) for c in contacts], d(on), cap=2, days=30) == expected


def test_the_third_contact_waits_unless_the_coach_says_why(story: Any) -> None:
    e = story.opens(story.consents_to())
    story.shares(e).wait(1).contacts(e).wait(1)
    with pytest.raises(Illegal) as refused:
        story.contacts(e)
    assert (refused.value.code, refused.value.next_allowed_on) == ("employer-contact-cap", date(2026, 7, 1))
    story.contacts(e, override="the employer asked for a call")
    assert [c.override for c in story.employers["e-1"].contacts] == [None, None, "the employer asked for a call"]


def test_one_day_is_one_conversation_about_several_people(story: Any) -> None:
    e = story.opens(story.consents_to())
    story.shares(e).contacts(e).contacts(e).wait(1).contacts(e)
    with pytest.raises(Illegal, match="employer-contact-cap"):
        story.wait(1).contacts(e)


def test_contacts_beyond_the_window_are_forgotten(story: Any) -> None:
    e = story.opens(story.consents_to(days=300))
    story.shares(e).wait(35).contacts(e)
    assert [c.on for c in story.employers["e-1"].contacts] == [date(2026, 6, 1) + timedelta(days=35)]
