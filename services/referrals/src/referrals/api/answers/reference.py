"""Offices, coaches, and what coaches have to do."""

from __future__ import annotations

from pydantic import Field

from contracts.vocabulary import CaseState, Jurisdiction, Weekday
from web.answers import Answered


class HoursView(Answered):
    """The same hours on these days, London time, HH:MM."""

    days: list[Weekday]
    from_: str = Field(alias="from")
    to: str


class OfficeView(Answered):
    """An office. rooms: how many of each kind. nearby: office ids, nearest first."""

    office_id: str
    version: int
    name: str
    nation: Jurisdiction
    district: str
    opening: list[HoursView]
    rooms: dict[str, int]
    nearby: list[str]
    active: bool


class CoachView(Answered):
    """A coach. offices: ids, home office first. minutes_per_day: of interviews. max_cases null: the usual number."""

    coach_id: str
    version: int
    offices: list[str]
    active: bool
    trained_in_work: bool
    specialisms: list[str]
    minutes_per_day: int
    cover_coach_id: str | None
    max_cases: int | None


class CaseloadView(Answered):
    """A coach's open cases against what one coach is planned for."""

    coach_id: str
    active: bool
    trained_in_work: bool
    specialisms: list[str]
    minutes_per_day: int
    cases: int
    planned_cases: int
    over: bool
    by_state: dict[CaseState, int]


class OfficeCaseloadView(Answered):
    """The same for an office. unassigned: open cases that nobody has."""

    office_id: str
    unassigned: int
    coaches: list[CaseloadView]
