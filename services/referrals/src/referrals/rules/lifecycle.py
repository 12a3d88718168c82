"""The life of a case: which moves each state allows, where each happening leads, and what may be taken back.

`shown → contacted → in_progress → (held ↔) → closed`; a held case remembers where it returns to.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal, NamedTuple

import msgspec

from contracts.vocabulary import CaseOutcome, CaseState

Happening = Literal["contacted", "begun", "held", "woken", "closed", "reopened"]

_CARE = ("barriers", "commitments", "referrals", "support-fund", "assessments", "segment")
_OPEN = ("assign", "take-over", "read", "contact", "record-contact", "hold", "exempt", "not-applicable", "close", *_CARE)

MOVES: dict[CaseState, tuple[str, ...]] = {
    "shown": _OPEN,
    "contacted": _OPEN,
    "in_progress": _OPEN,
    "held": tuple(move for move in _OPEN if move != "contact"),
    "closed": ("reopen",),
}
"""Case state → the moves that are legal in it. `undo` comes beside them while there is something to take back."""


class Stand(NamedTuple):
    """Where a case stands; resume: the state that a held case returns to."""

    state: CaseState
    resume: CaseState | None = None


_CONTACTED: dict[CaseState, CaseState] = {"shown": "contacted"}
_BEGUN: dict[CaseState, CaseState] = {"shown": "in_progress", "contacted": "in_progress"}


def step(stand: Stand, happening: Happening, *, contacted: bool = False) -> Stand:
    """Where the case stands afterwards. contacted: the claimant was reached before the case closed (for `reopened`)."""
    match happening:
        case "contacted":
            return _through(stand, _CONTACTED)
        case "begun":
            return _through(stand, _BEGUN)
        case "held":
            return Stand("held", stand.resume if stand.state == "held" else stand.state)
        case "woken":
            return Stand(stand.resume or "shown") if stand.state == "held" else stand
        case "closed":
            return Stand("closed")
        case "reopened":
            return Stand("contacted" if contacted else "shown")


def _through(stand: Stand, moved: dict[CaseState, CaseState]) -> Stand:
    """A held case stays held; what it returns to moves."""
    resume = moved.get(stand.resume, stand.resume) if stand.resume is not None else None
    return Stand(moved.get(stand.state, stand.state), resume)


class Exemption(msgspec.Struct, frozen=True, kw_only=True):
    """Who exempted the claimant, on what class of evidence, and until when (None: for good)."""

    code: str
    evidence_class: str
    author: str
    by_role: str
    until: date | None = None


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """What an action can change in a case, as it was at one moment. flags: flag → state."""

    state: CaseState
    resume: CaseState | None = None
    held_until: date | None = None
    hold_code: str | None = None
    exempt: Exemption | None = None
    outcome: CaseOutcome | None = None
    closed_at: datetime | None = None
    coach_id: str | None = None
    office_id: str | None = None
    own_coach: bool = False
    due_on: date | None = None
    waiting_on: str = "us"
    contacted_at: datetime | None = None
    explanation_due: bool = False
    flags: dict[str, str] = {}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody says that an action was wrong; it is taken back when a second person agrees."""

    by: str
    by_role: str
    why: str
    at: datetime


def taken_back(before: Version, after: Version, now: Version) -> dict[str, Any] | None:
    """The values to restore: what the action changed. None when any of that has changed again since."""
    was, made, is_ = (msgspec.structs.asdict(version) for version in (before, after, now))
    changed = [name for name in was if was[name] != made[name]]
    if any(is_[name] != made[name] for name in changed):
        return None
    return {name: was[name] for name in changed}
