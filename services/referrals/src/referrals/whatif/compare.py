"""Flags and reviews on record beside those of another rule set, person by person, and their sums."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from datetime import date, timedelta
from typing import Literal

import msgspec

from referrals.desk import Setup
from referrals.model import ClaimDoc, Person
from referrals.rules import schedule

Change = Literal["same", "added", "removed"]
Key = tuple[str, str, str]
"""claimant, rule, period"""

AHEAD = timedelta(days=366)
"""How far a window may reach beyond today: what is on record today has hardly an effect on any day after that."""


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """Raised from the first to the last of these London days, in these offices (None: all)."""

    first: date
    last: date
    offices: tuple[str, ...] | None = None

    def holds(self, on: date | None) -> bool:
        return on is not None and self.first <= on <= self.last


class Row(msgspec.Struct, frozen=True, array_like=True):
    """One flag or review of one person. same: both have it; added: only the other rule set; removed: only what happened.

    on: raised. shown_on: on a coach's list (contact flags only); both as in what happened when it is on record.
    """

    change: Change
    claimant_id: str
    claim_id: str
    office_id: str | None
    rule_id: str
    kind: str
    period_id: str
    on: date
    shown_on: date | None
    shown_instead: date | None
    """The day it would be on a coach's list by the other rule set."""


class Found(msgspec.Struct, frozen=True, array_like=True):
    """A flag or review on one side."""

    kind: str
    on: date
    shown_on: date | None


def compare(actual: ClaimDoc, instead: ClaimDoc, window: Window, in_force: Setup, other: Setup) -> Iterator[Row]:
    """What differs and what is the same for everybody on the claim."""
    for member in actual.claim.claimants if actual.claim is not None else ():
        if window.offices is not None and member.office_id not in window.offices:
            continue
        then = _found(actual, actual.person(member.claimant_id), window, in_force)
        now = _found(instead, instead.person(member.claimant_id), window, other)
        for key in sorted(then.keys() | now.keys()):
            real, made = then.get(key), now.get(key)
            one = real or made
            assert one is not None
            yield Row(
                "same" if real and made else "added" if made else "removed",
                member.claimant_id,
                actual.claim_id,
                member.office_id,
                key[0],
                one.kind,
                key[1],
                one.on,
                real.shown_on if real else None,
                made.shown_on if made else None,
            )


def _found(doc: ClaimDoc, person: Person, window: Window, setup: Setup) -> dict[tuple[str, str], Found]:
    """(rule, period) → what counts: raised within the window and not taken back since."""
    found = {}
    for flag in person.flags.values():
        if flag.state != "withdrawn" and flag.raised_on is not None and window.holds(flag.raised_on):
            kind = "outcome" if flag.family == "outcome" else "contact"
            found[flag.rule_id, flag.period_id] = Found(kind, flag.raised_on, flag.shown_on)
    for review in person.reviews:
        rule_id, _, period_id = review.partition("/")
        period = doc.periods.get(period_id)
        book = setup.book_on(period.end) if period is not None else None
        if period is None or book is None or rule_id not in book.rules:
            continue
        on = schedule.plan_on(period.end, book.parameters)
        if window.holds(on):
            found[rule_id, period_id] = Found("review", on, None)
    return found


class Side(msgspec.Struct, kw_only=True):
    """flags: raised (or reviews). claimants: different people. contacts: people who came to a coach's list, once a week."""

    flags: int = 0
    claimants: int = 0
    contacts: int = 0
    coach_hours: float = 0.0


class Sum(msgspec.Struct, kw_only=True):
    """What happened, what would have, and how many flags are in one of them only."""

    actual: Side
    what_if: Side
    added: int = 0
    removed: int = 0


class Place(msgspec.Struct, kw_only=True):
    """One office in one week (its Monday); flags by rule."""

    office_id: str | None
    week: date
    actual: Side
    what_if: Side
    rules: dict[str, tuple[int, int]]


class Sums:
    """Adds rows up: per rule, per office and week, in all. minutes: of one meeting with a coach."""

    def __init__(self, minutes: int) -> None:
        self._minutes = minutes
        self._groups: dict[object, list[_Tally]] = defaultdict(lambda: [_Tally(), _Tally()])
        self._changes: dict[str, Counter[str]] = defaultdict(Counter)
        self._rules: dict[tuple[str | None, date], dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
        self._all = [_Tally(), _Tally()]

    def add(self, row: Row) -> None:
        self._changes[row.rule_id][row.change] += 1
        for side, there, shown_on in ((0, row.change != "added", row.shown_on), (1, row.change != "removed", row.shown_instead)):
            if not there:
                continue
            where = (row.office_id, monday(shown_on or row.on))
            self._rules[where][row.rule_id][side] += 1
            for tally in (self._all[side], self._groups[row.rule_id][side], self._groups[where][side]):
                tally.add(row.claimant_id, shown_on)

    def in_all(self) -> Sum:
        """Everything together."""
        changes = sum(self._changes.values(), Counter())
        return self._sum(self._all, changes)

    def by_rule(self) -> dict[str, Sum]:
        """Rule → its sums."""
        return {rule_id: self._sum(self._groups[rule_id], changes) for rule_id, changes in sorted(self._changes.items())}

    def by_office_and_week(self) -> list[Place]:
        """In order of week and office."""
        order: Callable[[tuple[str | None, date]], tuple[date, str]] = lambda where: (where[1], where[0] or "")  # noqa: E731
        return [
            Place(
                office_id=where[0],
                week=where[1],
                actual=self._groups[where][0].side(self._minutes),
                what_if=self._groups[where][1].side(self._minutes),
                rules={rule: (both[0], both[1]) for rule, both in sorted(self._rules[where].items())},
            )
            for where in sorted(self._rules, key=order)
        ]

    def _sum(self, tallies: list[_Tally], changes: Counter[str]) -> Sum:
        return Sum(
            actual=tallies[0].side(self._minutes),
            what_if=tallies[1].side(self._minutes),
            added=changes["added"],
            removed=changes["removed"],
        )


class _Tally:
    def __init__(self) -> None:
        self.flags = 0
        self.people: set[str] = set()
        self.meetings: set[tuple[str, date]] = set()

    def add(self, claimant_id: str, shown_on: date | None) -> None:
        self.flags += 1
        self.people.add(claimant_id)
        if shown_on is not None:
            self.meetings.add((claimant_id, monday(shown_on)))

    def side(self, minutes: int) -> Side:
        hours = round(len(self.meetings) * minutes / 60, 1)
        return Side(flags=self.flags, claimants=len(self.people), contacts=len(self.meetings), coach_hours=hours)


def monday(day: date) -> date:
    """The first day of its week."""
    return day - timedelta(days=day.weekday())


def offices_of(doc: ClaimDoc, offices: Collection[str] | None) -> bool:
    """Somebody on the claim is looked after in one of the offices."""
    members = doc.claim.claimants if doc.claim is not None else ()
    return offices is None or any(member.office_id in offices for member in members)
