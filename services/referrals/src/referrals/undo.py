"""Taking a wrong action back: one person says so, a second one agrees, and the history keeps both versions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from contracts import referrals as events
from referrals import cases
from referrals.model import Case, Entry, Person, with_case
from referrals.moves import Turn, illegal, open_again, require_room, version_of
from referrals.rules.lifecycle import Asked, taken_back
from streaming.errors import Refused

replace = msgspec.structs.replace


def undo(at: Turn, event_id: str, why: str) -> bool:
    """Ask for an action to be taken back, or agree with whoever asked. True when it has been taken back.

    event_id: of any of the action's lines. Refused 404 when the case has no such line; 409 when there is nothing to take
    back, it has been, something later rests on it, or nobody else has agreed.
    """
    desk, person, case, by = at
    entry = _find(case, event_id)
    if entry.undone_by is not None:
        raise illegal(case, "The action has been taken back already.", "already-undone")
    if not entry.undoable:
        raise illegal(case, "Only a person's action that changed the case can be taken back.", "not-undoable")
    changes = _changes(at, entry)
    if entry.asked is None:
        asked = _with(case, replace(entry, asked=Asked(by=by.name, by_role=by.role, why=why, at=desk.work.now)))
        noted = cases.note(desk, replace(asked, unread=True), "UndoAsked", by.role, by.name, of=entry.event_id, why=why)
        cases.keep(desk, person, noted)
        return False
    if entry.asked.by == by.name:
        raise illegal(case, "Somebody else must agree.", "second-person-needed")
    _take_back(at, entry, changes, why)
    return True


def _find(case: Case, event_id: str) -> Entry:
    """The first line of the action that the line belongs to. Refused 404."""
    named = next((entry for entry in case.history if entry.event_id == event_id), None)
    if named is None:
        raise Refused(404, "not-found")
    return next((entry for entry in case.history if entry.event_id == named.action), named)


def _changes(at: Turn, entry: Entry) -> dict[str, Any]:
    if entry.before is None or entry.after is None:
        raise illegal(at.case, "Only a person's action that changed the case can be taken back.", "not-undoable")
    changes = taken_back(entry.before, entry.after, version_of(at.person, at.case))
    if changes is None:
        raise illegal(at.case, "Something later rests on it. Take that back first.", "changed-since")
    return changes


def _take_back(at: Turn, entry: Entry, changes: dict[str, Any], why: str) -> None:
    desk, _, case, by = at
    fields = {name: value for name, value in changes.items() if name != "flags"}
    restored = replace(case, **fields, unread=True)
    event_id = cases.emit(desk, case, events.ActionUndone, event_id=entry.event_id, action=entry.event)
    if "coach_id" in fields:
        cases.emit(desk, case, events.CaseReassigned, from_=case.coach_id, to=restored.coach_id, reason="manual")
        restored = replace(restored, seen=False)
    if entry.event == "ContactRecorded":
        _forget_contact(at, entry)
    if restored.open and not case.open:
        require_room(at)
        open_again(desk, desk.person(case.claimant_id), restored, "undone")
    elif case.open and not restored.open:
        _close_again(at, restored)
    person = desk.person(case.claimant_id)
    undone = _with(restored, replace(entry, undone_by=event_id))
    noted = cases.note(desk, undone, "ActionUndone", by.role, by.name, event_id, of=entry.event_id, why=why)
    cases.keep(desk, person, noted)


def _with(case: Case, changed: Entry) -> Case:
    lines = tuple(changed if entry.event_id == changed.event_id else entry for entry in case.history)
    return replace(case, history=lines)


def _close_again(at: Turn, restored: Case) -> None:
    """Opening the case was the mistake: it ends as it had ended."""
    desk, person, case, _ = at
    if restored.outcome is None:
        raise illegal(case, "The case had not ended.", "not-undoable")
    person = cases.end_flags(desk, person, case, restored.outcome)
    cases.leave_for_good(desk, case)
    cases.emit(desk, case, events.CaseClosed, outcome=restored.outcome)
    desk.keep(with_case(person, restored))


def _forget_contact(at: Turn, entry: Entry) -> None:
    """The contact did not take place: it counts for no limit, and flags without contact expire again."""
    desk, person = at.desk, at.person
    person = desk.keep(replace(person, contacts=tuple(kept for kept in person.contacts if kept.ref != entry.event_id)))
    if entry.before is not None and entry.before.contacted_at is None:
        _flags_expire(at, person)


def _flags_expire(at: Turn, person: Person) -> None:
    desk, _, case, _ = at
    days = desk.setup.book.parameters.flag_expiry_days
    for flag_id in case.flag_ids:
        flag = person.flags.get(flag_id)
        if flag is not None and flag.live and flag.raised_on is not None:
            ends = max(flag.raised_on + timedelta(days=days), desk.today + timedelta(days=1))
            desk.at("flag-expiry", flag_id, ends, claimant_id=case.claimant_id, flag_id=flag_id)
