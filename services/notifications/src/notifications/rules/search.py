"""Look for a slot: another day with the same coach before another coach, home office before nearby ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

import msgspec

from contracts.reference import WeeklyHours
from contracts.vocabulary import AppointmentChannel
from notifications.model import CoachDoc, OfficeDoc
from notifications.rules.calendars import SlotKey, calendar_of, free_times, minutes_a_day, slot_at
from notifications.rules.notice import BankHolidays, Delivery, Nation, first_day_with_notice
from notifications.rules.slots import Choice, Limits, Needs, Offer, Place, Surroundings, choose, needed_minutes, what_would_help


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What every search is made under. nation: of offices whose own is not known. name: makes a slot's id from its key."""

    limits: Limits
    bank_holidays: BankHolidays
    nation: Nation
    offered_on: date
    by: Delivery
    usual_hours: tuple[WeeklyHours, ...]
    grid_minutes: int
    horizon_days: int
    name: Callable[[SlotKey], str]


def place_of(office: OfficeDoc | None, nation: Nation) -> Place:
    """An office as the rules see it. One that is not known has the claim's nation and unknown hours; a closed one has none."""
    if office is None or office.facts is None:
        return Place(nation=nation)
    opening = (office.facts.opening or None) if office.facts.active else ()
    return Place(nation=office.facts.nation, opening=opening)


def surroundings(terms: Terms, coach: CoachDoc, offices: Mapping[str, OfficeDoc | None]) -> Surroundings:
    """What this coach's slots are judged against: the daily minutes are the coach's own."""
    own = msgspec.structs.replace(terms.limits, max_minutes_per_day=minutes_a_day(coach, terms.limits.max_minutes_per_day))
    return Surroundings(
        limits=own,
        places={office_id: place_of(office, terms.nation) for office_id, office in offices.items()},
        bank_holidays=terms.bank_holidays,
        offer=Offer(on=terms.offered_on, by=terms.by),
    )


def days(terms: Terms) -> Iterable[date]:
    """The days looked at: from the first one with enough notice."""
    notice = terms.limits.min_notice_working_days[terms.by]
    first = first_day_with_notice(terms.offered_on, notice, terms.bank_holidays.get(terms.nation, ()))
    return (first + timedelta(days=n) for n in range(terms.horizon_days))


def find(
    coaches: Sequence[CoachDoc],
    offices: Mapping[str, OfficeDoc | None],
    needs: Needs,
    channel: AppointmentChannel,
    terms: Terms,
) -> tuple[SlotKey | None, tuple[str, ...]]:
    """The earliest allowed slot among these coaches, home office first; else None and the reasons met on the way.

    `coaches` are equals: the caller asks for the same coach alone first.
    """
    minutes = needed_minutes(needs, terms.limits)
    reasons: list[str] = []
    elsewhere: tuple[datetime, str, SlotKey] | None = None
    for day in days(terms):
        best: tuple[datetime, str, SlotKey] | None = None
        for coach in coaches:
            choice, keys = _of_day(coach, offices, needs, channel, terms, day, minutes)
            reasons.extend(why for _, why in choice.rejected)
            if choice.chosen is None:
                continue
            candidate = (choice.chosen.starts_at, choice.chosen.id, keys[choice.chosen.id])
            if choice.chosen.office_id == needs.office_id:
                best = min(best or candidate, candidate, key=lambda item: item[:2])
            else:
                elsewhere = min(elsewhere or candidate, candidate, key=lambda item: item[:2])
        if best is not None:
            return best[2], ()
    return (elsewhere[2], ()) if elsewhere else (None, tuple(dict.fromkeys(reasons)))


def _of_day(
    coach: CoachDoc,
    offices: Mapping[str, OfficeDoc | None],
    needs: Needs,
    channel: AppointmentChannel,
    terms: Terms,
    day: date,
    minutes: int,
) -> tuple[Choice, dict[str, SlotKey]]:
    calendar = calendar_of(coach, terms.usual_hours)
    times = free_times(coach, calendar, day, minutes=minutes, grid_minutes=terms.grid_minutes, channel=channel)
    keys = {terms.name(key): key for key in times}
    slots = [slot_at(key, name, coach, offices.get(key.office_id or "")) for name, key in keys.items()]
    return choose(slots, needs, surroundings(terms, coach, offices)), keys


def help_for(reasons: Sequence[str], limits: Limits) -> tuple[str, ...]:
    """What would help when nothing was found. Without any slot to judge, the coaches' days are full."""
    return what_would_help(reasons or ("coach-daily-limit",), limits)
