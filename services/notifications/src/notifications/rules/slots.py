"""Which slot is offered, and why each other one is not. Source: the platform's appointment rules, version 1.

A slot is refused for the first reason that applies, in the order of `REASONS`. Times are compared in London.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Literal

import msgspec

from contracts.reference import WeeklyHours
from notifications.rules.hours import inside, london_day, overlaps
from notifications.rules.notice import BankHolidays, Delivery, Nation, clear_working_days

Reason = Literal[
    "easement",
    "bank-holiday",
    "office-closed",
    "too-little-notice",
    "not-trained",
    "coach-daily-limit",
    "online-not-allowed",
    "too-short",
    "open-desk",
    "working-hours",
]
Meeting = Literal["in_person", "online", "phone"]
Room = Literal["desk", "private", "none"]
HELP_ORDER = ("evening", "phone", "other_office", "later_date")


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a coach's day. booked_*: the coach's other interviews on that day, held ones included."""

    id: str
    coach_id: str
    office_id: str | None
    starts_at: datetime
    minutes: int
    room: Room
    channel: Meeting
    booked_that_day: int
    booked_minutes: int
    trained: bool


class NoContact(msgspec.Struct, frozen=True, kw_only=True):
    """Days on which there is no contact, both inclusive; without `last` it has no end."""

    first: date
    last: date | None


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    """What the claimant needs. minutes: the usual length. working_hours: when they are at work."""

    coach_id: str | None
    office_id: str | None
    minutes: int
    private_room: bool = False
    poor_digital_skills: bool = False
    working_hours: tuple[WeeklyHours, ...] = ()
    no_contact: tuple[NoContact, ...] = ()


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of the rules in force (see `policy`)."""

    max_minutes_per_day: int
    max_per_day: int
    extra_minutes: int
    min_notice_working_days: Mapping[Delivery, int]
    would_help: Mapping[str, tuple[str, ...]]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """An office for this purpose. opening None: its hours are not known and not judged."""

    nation: Nation
    opening: tuple[WeeklyHours, ...] | None = None


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """The day the offer goes out (London) and how."""

    on: date
    by: Delivery


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What slots are judged against. An office that is not in `places` is not judged; without `offer` notice is not."""

    limits: Limits
    places: Mapping[str, Place] = {}
    bank_holidays: BankHolidays = {}
    offer: Offer | None = None


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """The slot to offer, or None with what would help; and the reason for each slot refused, in the order given."""

    chosen: Slot | None
    rejected: tuple[tuple[str, Reason], ...]
    would_help: tuple[str, ...]


def needed_minutes(needs: Needs, limits: Limits) -> int:
    """Poor digital skills: a longer slot (rule longer-slot)."""
    return needs.minutes + (limits.extra_minutes if needs.poor_digital_skills else 0)


def reason_against(slot: Slot, needs: Needs, around: Surroundings) -> Reason | None:
    """The first reason why this slot may not be offered, or None. The order is that of the rules' own list."""
    limits = around.limits
    minutes = needed_minutes(needs, limits)
    start, end = slot.starts_at, slot.starts_at + timedelta(minutes=minutes)
    day = london_day(start)
    place = around.places.get(slot.office_id) if slot.office_id is not None else None
    holidays = around.bank_holidays.get(place.nation, ()) if place else ()

    if any(span.first <= day and (span.last is None or day <= span.last) for span in needs.no_contact):
        return "easement"
    if day in holidays:
        return "bank-holiday"
    if slot.channel == "in_person" and place and place.opening is not None and not inside(place.opening, start, end):
        return "office-closed"
    if around.offer:
        notice = limits.min_notice_working_days[around.offer.by]
        if clear_working_days(around.offer.on, day, holidays) < notice or day <= around.offer.on:
            return "too-little-notice"
    if not slot.trained:
        return "not-trained"
    if slot.booked_minutes + minutes > limits.max_minutes_per_day or slot.booked_that_day + 1 > limits.max_per_day:
        return "coach-daily-limit"
    if slot.channel == "online" and needs.poor_digital_skills:
        return "online-not-allowed"
    if slot.minutes < minutes:
        return "too-short"
    if slot.channel == "in_person" and needs.private_room and slot.room != "private":
        return "open-desk"
    if overlaps(needs.working_hours, start, end):
        return "working-hours"
    return None


def order(slot: Slot, needs: Needs) -> tuple[bool, bool, datetime, str]:
    """Rule slot-order: same coach, home office, earliest start, slot id."""
    return (slot.coach_id != needs.coach_id, slot.office_id != needs.office_id, slot.starts_at, slot.id)


def what_would_help(reasons: Sequence[str], limits: Limits) -> tuple[str, ...]:
    """The union over the reasons, in the rule's order."""
    found = {item for reason in reasons for item in limits.would_help[reason]}
    return tuple(item for item in HELP_ORDER if item in found)


def choose(slots: Sequence[Slot], needs: Needs, around: Surroundings) -> Choice:
    """The best allowed slot. Never the least bad one: without an allowed slot, `chosen` is None."""
    allowed: list[Slot] = []
    rejected: list[tuple[str, Reason]] = []
    for slot in slots:
        reason = reason_against(slot, needs, around)
        if reason is None:
            allowed.append(slot)
        else:
            rejected.append((slot.id, reason))
    if allowed:
        return Choice(chosen=min(allowed, key=lambda slot: order(slot, needs)), rejected=tuple(rejected), would_help=())
    return Choice(chosen=None, rejected=tuple(rejected), would_help=what_would_help([why for _, why in rejected], around.limits))
