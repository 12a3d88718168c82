"""What happened on a case."""

from __future__ import annotations

from datetime import date, datetime

from contracts.vocabulary import CaseOutcome, CaseState
from referrals.api.answers.cases import ExemptionView
from referrals.model import FlagState, WaitingOn
from web.answers import Answered


class VersionView(Answered):
    """What an action can change in a case, as it was at one moment. resume: the state that a held case returns to.

    own_coach: a person chose the coach. flags: flag id → state.
    """

    state: CaseState
    resume: CaseState | None
    held_until: date | None
    hold_code: str | None
    exempt: ExemptionView | None
    outcome: CaseOutcome | None
    closed_at: datetime | None
    coach_id: str | None
    office_id: str | None
    own_coach: bool
    due_on: date | None
    waiting_on: WaitingOn
    contacted_at: datetime | None
    explanation_due: bool
    flags: dict[str, FlagState]


class UndoAsked(Answered):
    """Somebody says that an action was wrong."""

    by: str
    by_role: str
    why: str
    at: datetime


class HistoryEntry(Answered):
    """One line. actor null: the service itself. details: codes and ids, by kind of event. undone_by: id of another line.

    action: event_id of the first line of the same action, whose before and after are the case around it.
    """

    event_id: str
    at: datetime
    event: str
    by_role: str
    actor: str | None
    details: dict[str, str | int | None]
    action: str | None
    before: VersionView | None
    after: VersionView | None
    undo_asked: UndoAsked | None
    undone_by: str | None
