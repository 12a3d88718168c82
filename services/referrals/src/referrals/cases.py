"""A claimant's case: opened by a shown flag, moved by contacts and coaches, ended once. Every change leaves as an event."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec

from contracts import referrals as events
from contracts.vocabulary import CaseOutcome
from referrals.desk import SEAT, Desk
from referrals.model import Case, Entry, Flag, Person, Seat, WaitingOn, case_flags, with_case, with_flag

CONTACT_WITHIN_DAYS = 14
"""A shown case is due for a first contact so many days after it was shown."""

replace = msgspec.structs.replace


def note(desk: Desk, case: Case, event: str, by_role: str = "system", actor: str | None = None, **details: Any) -> Case:
    """Add a line to the history and start the idle time again."""
    entry = Entry(at=desk.work.now, event=event, by_role=by_role, actor=actor, details=details)
    return replace(case, history=(*case.history, entry), last_activity=desk.today)


def keep(desk: Desk, person: Person, case: Case) -> Person:
    """Store the case and set its expiry after its last activity."""
    if case.open:
        days = desk.setup.book.parameters.case_expiry_days
        desk.at("case-expiry", case.case_id, case.last_activity + timedelta(days=days), case_id=case.case_id)
    return desk.keep(with_case(person, case))


def taken_elsewhere(desk: Desk, claimant_id: str) -> bool:
    """The claimant has an open case on another claim."""
    seat: Seat | None = desk.work.get(SEAT, claimant_id)
    return seat is not None and seat.claim_id != desk.claim_id


def take_seat(desk: Desk, case: Case) -> None:
    """The claimant's one open case is this one."""
    desk.work.get(SEAT, case.claimant_id)
    desk.work.put(SEAT, case.claimant_id, Seat(claim_id=desk.claim_id, case_id=case.case_id))


def leave_seat(desk: Desk, case: Case) -> None:
    """The case ended."""
    seat: Seat | None = desk.work.get(SEAT, case.claimant_id)
    if seat is not None and seat.case_id == case.case_id:
        desk.work.put(SEAT, case.claimant_id, None)


def show(desk: Desk, person: Person, flag: Flag) -> Person:
    """Put a flag on the claimant's open case, or open one."""
    case = person.open_case()
    if case is None:
        member = desk.doc.member(person.claimant_id)
        case = Case(
            case_id=desk.work.next_id("case"),
            claimant_id=person.claimant_id,
            state="shown",
            flag_ids=(flag.flag_id,),
            coach_id=member.coach_id if member is not None else None,
            office_id=member.office_id if member is not None else None,
            opened_at=desk.work.now,
            shown_on=desk.today,
            due_on=desk.today + timedelta(days=CONTACT_WITHIN_DAYS),
            last_activity=desk.today,
        )
        case = note(desk, case, "CaseOpened", flag_id=flag.flag_id, rule_id=flag.rule_id)
        take_seat(desk, case)
        opened = events.CaseOpened(
            case_id=case.case_id,
            claim_id=desk.claim_id,
            claimant_id=person.claimant_id,
            office_id=case.office_id,
            coach_id=case.coach_id,
            flag_id=flag.flag_id,
        )
        desk.emit_case(opened, case.case_id)
    else:
        case = replace(case, flag_ids=(*case.flag_ids, flag.flag_id), unread=True)
        case = note(desk, case, "FlagAppended", flag_id=flag.flag_id, rule_id=flag.rule_id)
        desk.emit_case(_about(events.FlagAppended, desk, case, flag_id=flag.flag_id), case.case_id)
    shown = replace(flag, state="shown", shown_on=desk.today, case_id=case.case_id)
    desk.emit_flag(
        events.FlagShown(flag_id=flag.flag_id, claim_id=desk.claim_id, claimant_id=person.claimant_id, case_id=case.case_id),
        flag.flag_id,
    )
    return keep(desk, with_flag(person, shown), case)


def _about(event: type[msgspec.Struct], desk: Desk, case: Case, **fields: Any) -> msgspec.Struct:
    return event(case_id=case.case_id, claim_id=desk.claim_id, claimant_id=case.claimant_id, **fields)


def emit(desk: Desk, case: Case, event: type[msgspec.Struct], **fields: Any) -> None:
    """Publish an event about the case."""
    desk.emit_case(_about(event, desk, case, **fields), case.case_id)


def contacted(
    desk: Desk, person: Person, case: Case, event: str, by_role: str = "system", actor: str | None = None, **details: Any
) -> Person:
    """A message went out or a contact was recorded: from now on the case stays, whatever new facts say."""
    state, resume = case.state, case.resume
    if state == "shown":
        state = "contacted"
    if resume == "shown":
        resume = "contacted"
    for flag in case_flags(person, case):
        desk.drop("flag-expiry", flag.flag_id)
    moved = replace(case, state=state, resume=resume, contacted_at=case.contacted_at or desk.work.now)
    return keep(desk, person, note(desk, moved, event, by_role, actor, **details))


def begun(desk: Desk, person: Person, case: Case, event: str, waiting_on: WaitingOn = "us", **details: Any) -> Person:
    """The claimant takes part: an appointment was booked or kept, or a conversation with an employer opened."""
    state, resume = case.state, case.resume
    if state in ("shown", "contacted"):
        state = "in_progress"
    if resume in ("shown", "contacted"):
        resume = "in_progress"
    for flag in case_flags(person, case):
        desk.drop("flag-expiry", flag.flag_id)
    moved = replace(case, state=state, resume=resume, waiting_on=waiting_on, unread=True)
    return keep(desk, person, note(desk, moved, event, **details))


def close(
    desk: Desk, person: Person, case: Case, outcome: CaseOutcome, by_role: str = "system", actor: str | None = None
) -> Person:
    """End the case and the flags on it. The caller has published what led to it (withdrawn, expired, exempted)."""
    for flag in case_flags(person, case):
        person = close_flag(desk, person, flag, outcome)
    closed = replace(
        case,
        state="closed",
        outcome=outcome,
        closed_at=desk.work.now,
        resume=None,
        held_until=None,
        hold_code=None,
        due_on=None,
        unread=False,
    )
    closed = note(desk, closed, "CaseClosed", by_role, actor, outcome=outcome)
    desk.drop("case-expiry", case.case_id)
    desk.drop("wake", case.case_id)
    leave_seat(desk, case)
    emit(desk, case, events.CaseClosed, outcome=outcome)
    return desk.keep(with_case(person, closed))


def close_flag(desk: Desk, person: Person, flag: Flag, outcome: CaseOutcome) -> Person:
    """End one flag without calling its reason untrue."""
    for timer in ("show", "flag-expiry"):
        desk.drop(timer, flag.flag_id)
    desk.emit_flag(
        events.FlagClosed(flag_id=flag.flag_id, claim_id=desk.claim_id, claimant_id=person.claimant_id, outcome=outcome),
        flag.flag_id,
    )
    return desk.keep(with_flag(person, replace(flag, state="closed", why=outcome)))


def withdraw_if_empty(desk: Desk, person: Person, case: Case) -> Person:
    """A case nobody was contacted about ends with its last reason."""
    if not case.open or case.contacted or case_flags(person, case):
        return person
    emit(desk, case, events.CaseWithdrawn)
    return close(desk, person, note(desk, case, "CaseWithdrawn"), "withdrawn")


def reason_changed(desk: Desk, person: Person, case: Case, flag: Flag) -> Person:
    """After contact: the case stays, the coach is told, a corrected explanation is due to the claimant."""
    person = with_flag(person, replace(flag, reason_gone=True))
    emit(desk, case, events.ReasonChanged, flag_id=flag.flag_id)
    changed = replace(case, explanation_due=True, unread=True, waiting_on="us")
    return keep(desk, person, note(desk, changed, "ReasonChanged", flag_id=flag.flag_id))


def reassign(
    desk: Desk, person: Person, case: Case, coach_id: str | None, reason: str, by_role: str, actor: str | None
) -> Person:
    """Another coach (or none). Only a person's choice outlasts upstream's."""
    emit(desk, case, events.CaseReassigned, from_=case.coach_id, to=coach_id, reason=reason)
    moved = replace(case, coach_id=coach_id, own_coach=reason != "upstream", unread=True)
    return keep(desk, person, note(desk, moved, "CaseReassigned", by_role, actor, to=coach_id, reason=reason))


def expire(desk: Desk, person: Person, case: Case) -> Person:
    """Nothing happened for too long."""
    emit(desk, case, events.CaseExpired)
    return close(desk, person, note(desk, case, "CaseExpired"), "expired")


def wake(desk: Desk, person: Person, case: Case, on: date) -> Person:
    """A hold is over: the case returns to where it was."""
    if case.state != "held" or case.held_until is None or case.held_until > on:
        return person
    back = replace(
        case, state=case.resume or "shown", resume=None, held_until=None, hold_code=None, due_on=on, unread=True, waiting_on="us"
    )
    return keep(desk, person, note(desk, back, "HoldEnded"))
