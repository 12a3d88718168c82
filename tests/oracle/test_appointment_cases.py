"""Worked cases for slot choice and for voluntary and mandatory appointments."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from contracts.reference import WeeklyHours
from notifications import policy
from notifications.rules.basis import booking
from notifications.rules.slots import (
    Choice,
    Limits,
    Needs,
    NoContact,
    Offer,
    Place,
    Slot,
    Surroundings,
    choose,
    needed_minutes,
)

FILE = Path(__file__).parent / "cases" / "appointments.yaml"
CASES: list[dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["cases"]


def of_kind(kind: str) -> list[Any]:
    found = [
        pytest.param(case["given"], case["expect"], id=f"{case['id']}: {case['title']}") for case in CASES if case["kind"] == kind
    ]
    assert found, f"no {kind} cases in {FILE}"
    return found


def hours(entries: list[dict[str, Any]]) -> tuple[WeeklyHours, ...]:
    return msgspec.convert(entries, tuple[WeeklyHours, ...])


def read_needs(given: dict[str, Any]) -> Needs:
    return Needs(
        coach_id=given["coach"],
        office_id=given["office"],
        minutes=given["minutes"],
        private_room=given["private_room"],
        poor_digital_skills=given["digital_skills"] == "poor",
        working_hours=hours(given["working_hours"]),
        no_contact=tuple(
            NoContact(first=date.fromisoformat(span["start"]), last=date.fromisoformat(span["end"]))
            for span in given.get("easements", [])
            if span.get("effect", "no_contact_until") == "no_contact_until"
        ),
    )


def read_slot(given: dict[str, Any]) -> Slot:
    return Slot(
        id=given["id"],
        coach_id=given["coach"],
        office_id=given["office"],
        starts_at=datetime.fromisoformat(given["start"]),
        minutes=given["minutes"],
        room=given["room"],
        channel=given["channel"],
        booked_that_day=given["booked_that_day"],
        booked_minutes=given["booked_minutes"],
        trained=given["trained"],
    )


def read_surroundings(given: dict[str, Any]) -> Surroundings:
    shipped = policy.current().limits
    places = {
        office: Place(nation=facts["nation"], opening=hours(facts["opening"]) if "opening" in facts else None)
        for office, facts in given.get("offices", {}).items()
    }
    return Surroundings(
        limits=Limits(extra_minutes=shipped.extra_minutes, would_help=shipped.would_help, **given["limits"]),
        places=places,
        bank_holidays={
            nation: [date.fromisoformat(day) for day in days] for nation, days in given.get("bank_holidays", {}).items()
        },
        offer=Offer(on=date.fromisoformat(given["offer"]["on"]), by=given["offer"]["by"]) if "offer" in given else None,
    )


def answer(choice: Choice) -> dict[str, Any]:
    return {
        "chosen": choice.chosen.id if choice.chosen else None,
        "rejected": [{"id": slot, "reason": reason} for slot, reason in choice.rejected],
        "outcome": None if choice.chosen else "no-slot-found",
        "would_help": list(choice.would_help),
    }


@pytest.mark.parametrize(("given", "expect"), of_kind("appointment"))
def test_the_right_slot_is_chosen_and_each_refusal_has_its_reason(given: dict[str, Any], expect: dict[str, Any]) -> None:
    needs, around = read_needs(given["needs"]), read_surroundings(given)
    found = answer(choose([read_slot(slot) for slot in given["slots"]], needs, around))
    found["needed_minutes"] = needed_minutes(needs, around.limits)
    assert {name: found[name] for name in expect} == expect


@pytest.mark.parametrize(("given", "expect"), of_kind("appointment"))
def test_the_order_in_which_slots_are_listed_changes_nothing(given: dict[str, Any], expect: dict[str, Any]) -> None:
    slots = [read_slot(slot) for slot in reversed(given["slots"])]
    found = answer(choose(slots, read_needs(given["needs"]), read_surroundings(given)))
    assert found["chosen"] == expect["chosen"]


@pytest.mark.parametrize(("given", "expect"), of_kind("booking"))
def test_only_a_person_makes_an_appointment_mandatory(given: dict[str, Any], expect: dict[str, Any]) -> None:
    offered_on = date.fromisoformat(given["offered_on"])
    voluntary_only = any(
        span.get("effect") == "voluntary_only"
        and date.fromisoformat(span["start"]) <= offered_on <= date.fromisoformat(span["end"])
        for span in given.get("easements", [])
    )
    found = booking(
        given.get("basis", "voluntary"),
        given.get("set_by"),
        voluntary_only=voluntary_only,
        offered_on=offered_on,
        answer=given["answer"],
        answered_on=date.fromisoformat(given["answered_on"]) if "answered_on" in given else None,
    )
    assert msgspec.to_builtins(found) == expect


def test_the_shipped_figures_are_those_of_the_cases() -> None:
    shipped = policy.current().limits
    for case in (case for case in CASES if case["kind"] == "appointment"):
        limits = case["given"]["limits"]
        assert (shipped.max_minutes_per_day, shipped.max_per_day, shipped.min_notice_working_days) == (
            limits["max_minutes_per_day"],
            limits["max_per_day"],
            limits["min_notice_working_days"],
        )
