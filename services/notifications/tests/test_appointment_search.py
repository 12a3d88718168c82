"""Looking for a slot over coaches, days and offices: tables of cases."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from contracts.reference import CoachChanged, OfficeChanged, WeeklyHours
from contracts.vocabulary import Weekday
from notifications import bank_holidays, policy, slot_ids
from notifications.model import Calendar, CoachDoc, Interval, Leave, OfficeDoc, Window
from notifications.rules.calendars import SlotKey
from notifications.rules.search import Terms, find, help_for
from notifications.rules.slots import Needs, NoContact

POLICY = policy.current()
WEEK: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")
HOME = "home"


def coach(name: str = "own", office: str = HOME, **changes: Any) -> CoachDoc:
    facts = CoachChanged(
        coach_id=name, version=1, offices=(office,), active=True, trained_in_work=True, minutes_per_day=370, specialisms=()
    )
    return CoachDoc(coach_id=name, facts=replace(facts, **changes))


def office(name: str = HOME, private: int = 0) -> OfficeDoc:
    opening = (WeeklyHours(days=WEEK, from_="09:00", to="17:00"),)
    facts = OfficeChanged(
        office_id=name, version=1, name=name, nation="england", district="d", opening=opening, rooms={"private": private}
    )
    return OfficeDoc(office_id=name, facts=facts)


def terms(offered_on: date = date(2026, 6, 1), **changes: Any) -> Terms:
    made = Terms(
        limits=POLICY.limits,
        bank_holidays=bank_holidays.around(offered_on.year),
        nation="england",
        offered_on=offered_on,
        by="digital",
        usual_hours=POLICY.usual_hours,
        grid_minutes=POLICY.grid_minutes,
        horizon_days=POLICY.horizon_days,
        name=slot_ids.name,
    )
    return replace(made, **changes)


def needs(**changes: Any) -> Needs:
    return replace(Needs(coach_id="own", office_id=HOME, minutes=40), **changes)


def taken(start: datetime, minutes: int) -> Interval:
    return Interval(appointment_id=f"{start}", claim_id="c", starts_at=start, minutes=minutes, office_id=HOME, private=True)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 6, day, hour, minute, tzinfo=UTC)


def start_of(key: SlotKey | None) -> datetime:
    assert key is not None
    assert key.starts_at.tzinfo is UTC, "instants are published in UTC"
    return key.starts_at


def test_the_first_time_with_two_clear_working_days() -> None:
    key, reasons = find([coach()], {HOME: office()}, needs(), "face_to_face", terms())
    assert (start_of(key), reasons) == (at(4, 8), ())


def test_a_letter_needs_five_clear_working_days() -> None:
    key, _ = find([coach()], {HOME: office()}, needs(), "phone", terms(by="letter"))
    assert start_of(key) == at(9, 8)


def test_what_is_taken_is_not_offered_again() -> None:
    busy = replace(coach(), taken=(taken(at(4, 8), 60),))
    key, _ = find([busy], {HOME: office()}, needs(), "face_to_face", terms())
    assert start_of(key) == at(4, 9)


def test_a_day_on_leave_is_passed_over() -> None:
    calendar = Calendar(
        pattern=(Window(days=WEEK, from_="10:00", to="12:00"),), leave=(Leave(from_=date(2026, 6, 4), until=date(2026, 6, 5)),)
    )
    key, _ = find([replace(coach(), calendar=calendar)], {HOME: office()}, needs(), "face_to_face", terms())
    assert start_of(key) == at(8, 9)


def test_a_coachs_own_minutes_a_day_count() -> None:
    limited = replace(coach(minutes_per_day=60), taken=(taken(at(4, 15), 40),))
    key, _ = find([limited], {HOME: office()}, needs(), "face_to_face", terms())
    assert start_of(key) == at(5, 8)


def test_a_longer_slot_is_found_for_those_who_need_one_and_never_online() -> None:
    poor = needs(poor_digital_skills=True)
    key, _ = find([coach()], {HOME: office()}, poor, "face_to_face", terms())
    assert key is not None
    assert key.minutes == 60
    key, reasons = find([coach()], {HOME: office()}, poor, "video", terms())
    assert (key, reasons) == (None, ("online-not-allowed",))


def test_a_private_room_is_used_while_one_is_free() -> None:
    room = replace(office(private=1), taken=(taken(at(4, 8), 40),))
    key, _ = find([coach()], {HOME: room}, needs(private_room=True), "face_to_face", terms())
    assert start_of(key) == at(4, 8, 40)
    key, reasons = find([coach()], {HOME: office()}, needs(private_room=True), "face_to_face", terms())
    assert (key, help_for(reasons, POLICY.limits)) == (None, ("phone", "other_office"))


def test_the_home_office_comes_before_an_earlier_time_elsewhere() -> None:
    late = replace(coach("late"), calendar=Calendar(pattern=(Window(days=("fri",), from_="09:00", to="17:00"),)))
    offices = {HOME: office(), "away": office("away")}
    key, _ = find([coach("early", "away"), late], offices, needs(), "face_to_face", terms())
    assert key is not None
    assert (key.coach_id, start_of(key)) == ("late", at(5, 8))


def test_nothing_in_a_time_without_contact_and_nothing_beyond_the_horizon() -> None:
    eased = needs(no_contact=(NoContact(first=date(2026, 5, 1), last=date(2026, 6, 10)),))
    key, _ = find([coach()], {HOME: office()}, eased, "phone", terms())
    assert start_of(key) == at(11, 8)
    forever = needs(no_contact=(NoContact(first=date(2026, 5, 1), last=None),))
    assert find([coach()], {HOME: office()}, forever, "phone", terms()) == (None, ("easement",))


def test_a_coach_without_hours_leaves_other_offices_and_later_dates() -> None:
    closed = replace(coach(), calendar=Calendar(pattern=()))
    key, reasons = find([closed], {HOME: office()}, needs(), "phone", terms())
    assert (key, help_for(reasons, POLICY.limits)) == (None, ("other_office", "later_date"))


@pytest.mark.parametrize(
    ("nation", "day", "holiday"),
    [
        ("england", date(2026, 8, 31), True),
        ("scotland", date(2026, 8, 31), False),
        ("scotland", date(2026, 8, 3), True),
        ("northern_ireland", date(2026, 3, 17), True),
        ("wales", date(2026, 3, 17), False),
        ("england", date(2026, 12, 28), True),
    ],
)
def test_bank_holidays_are_those_of_the_nation(nation: Any, day: date, holiday: bool) -> None:
    assert (day in bank_holidays.around(2026)[nation]) is holiday


def test_a_slots_id_stands_for_itself_and_nothing_else_does() -> None:
    key = SlotKey("coach ~/", None, at(4, 8), 40, "phone")
    assert slot_ids.read(slot_ids.name(key)) == key
    assert [slot_ids.read(text) for text in ("", "nonsense", "W10", "!!")] == [None] * 4
