"""The worklist, its counts and saved filters."""

from __future__ import annotations

from datetime import date, datetime

from contracts.vocabulary import CaseState
from referrals.api.answers.base import Absent, Reason
from referrals.api.answers.cases import OrderReason
from referrals.model import WaitingOn
from web.answers import Answered


class WorklistItem(Answered):
    """A case on the list. etag: its ETag, for If-Match."""

    case_id: str
    claimant_id: str
    claim_id: str
    coach_id: str | None
    office_id: str | None
    rules: list[str]
    reasons: list[Reason]
    state: CaseState
    priority: int
    why_this_order: list[OrderReason]
    shown_at: datetime
    due_at: datetime | None
    waiting_on: WaitingOn
    unread: bool
    new: bool
    complex_needs: bool
    etag: str


class WorklistCounts(Answered):
    """How many cases. by_rule: a case with several rules counts for each."""

    total: int
    unassigned: int
    unread: int
    new: int
    complex_needs: int
    due_today: int
    overdue: int
    by_state: dict[CaseState, int]
    by_waiting_on: dict[WaitingOn, int]
    by_rule: dict[str, int]


class FilterView(Answered):
    """A saved filter; what it does not narrow is absent. q: the beginning of a case, claimant or claim id."""

    office: str | Absent = None
    coach: str | Absent = None
    state: CaseState | Absent = None
    due: date | Absent = None
    rule: str | Absent = None
    waiting_on: WaitingOn | Absent = None
    unassigned: bool | Absent = None
    overdue: bool | Absent = None
    new: bool | Absent = None
    unread: bool | Absent = None
    complex_needs: bool | Absent = None
    q: str | Absent = None


class SavedFiltersView(Answered):
    """The caller's filters by name."""

    filters: dict[str, FilterView]
