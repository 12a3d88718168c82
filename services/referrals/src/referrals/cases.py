"""A claimant's case: opened by a shown flag, moved by contacts and coaches, ended once. Every change leaves as an event."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec

from contracts import referrals as events
from contracts.vocabulary import CaseOutcome, ReassignReason
from referrals import routing, told_in_error
from referrals.desk import SEAT, Desk
from referrals.model import Case, Entry, Flag, Person, Seat, WaitingOn, case_flags, with_case, with_flag
from referrals.rules.lifecycle import Happening, Stand, step
from referrals.trials import arms

CONTACT_WITHIN_DAYS = 14
"""A shown case is due for a first contact so many days after it was shown."""
FOLLOW_UP_WITHIN_DAYS = 28
"""After a contact the next step is due so many days later."""

replace = msgspec.structs.replace


def note(
    desk: Desk,
    case: Case,
    event: str,
    by_role: str = "system",
    actor: str | None = None,
    event_id: str | None = None,
    **details: Any,
) -> Case:
    """Add a line to the history and start the idle time again. event_id: the published event's, where there is one."""
    entry = Entry(
        at=desk.work.now,
        event=event,
        by_role=by_role,
        actor=actor,
        event_id=event_id or desk.work.next_id("entry"),
        details=details,
    )
    return replace(case, history=(*case.history, entry), last_activity=desk.today)


def keep(desk: Desk, person: Person, case: Case) -> Person:
    """Store the case and set its timers: expiry after its last activity, the end of a hold, the day after its deadline."""
    if case.open:
        days = desk.setup.book.parameters.case_expiry_days
        _timer(desk, "case-expiry", case, case.last_activity + timedelta(days=days))
        _timer(desk, "wake", case, case.held_until)
        _timer(desk, "overdue", case, case.due_on + timedelta(days=1) if case.due_on is not None and not case.held else None)
    return desk.keep(with_case(person, case))


def _timer(desk: Desk, name: str, case: Case, on: date | None) -> None:
    if on is None:
        desk.drop(name, case.case_id)
    else:
        desk.at(name, case.case_id, on, case_id=case.case_id)


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
    if arms.must_not_show(desk, person):
        raise RuntimeError("an experiment forbids to show this flag")
    case = person.open_case()
    case = _open(desk, person, flag) if case is None else append(desk, case, flag)
    shown = replace(flag, state="shown", shown_on=desk.today, case_id=case.case_id)
    tell_shown(desk, person, shown)
    return keep(desk, with_flag(person, shown), case)


def _open(desk: Desk, person: Person, flag: Flag) -> Case:
    """A new case, with the coach a person chose for the last one, else upstream's, as far as they can take it."""
    member = desk.doc.member(person.claimant_id)
    office_id = member.office_id if member is not None else None
    last = max(person.cases.values(), key=lambda known: known.opened_at, default=None)
    chosen = last.coach_id if last is not None and last.own_coach else None
    coach_id = routing.coach_for(desk, office_id, chosen, member.coach_id if member is not None else None)
    case = Case(
        case_id=desk.work.next_id("case"),
        claimant_id=person.claimant_id,
        state="shown",
        flag_ids=(flag.flag_id,),
        coach_id=coach_id,
        office_id=office_id,
        opened_at=desk.work.now,
        shown_on=desk.today,
        due_on=desk.today + timedelta(days=CONTACT_WITHIN_DAYS),
        last_activity=desk.today,
        own_coach=coach_id is not None and coach_id == chosen,
    )
    take_seat(desk, case)
    event_id = emit(desk, case, events.CaseOpened, office_id=office_id, coach_id=coach_id, flag_id=flag.flag_id)
    return note(desk, case, "CaseOpened", event_id=event_id, flag_id=flag.flag_id, rule_id=flag.rule_id)


def append(desk: Desk, case: Case, flag: Flag) -> Case:
    """A later flag joins the open case."""
    event_id = emit(desk, case, events.FlagAppended, flag_id=flag.flag_id)
    case = replace(case, flag_ids=(*case.flag_ids, flag.flag_id), unread=True)
    return note(desk, case, "FlagAppended", event_id=event_id, flag_id=flag.flag_id, rule_id=flag.rule_id)


def tell_shown(desk: Desk, person: Person, flag: Flag) -> None:
    """The flag is on a coach's worklist, for the first time or again."""
    desk.emit_flag(
        events.FlagShown(
            flag_id=flag.flag_id, claim_id=desk.claim_id, claimant_id=person.claimant_id, case_id=flag.case_id or ""
        ),
        flag.flag_id,
    )


def emit(desk: Desk, case: Case, event: type[msgspec.Struct], **fields: Any) -> str:
    """Publish an event about the case. Returns its id."""
    made = event(case_id=case.case_id, claim_id=desk.claim_id, claimant_id=case.claimant_id, **fields)
    return desk.emit_case(made, case.case_id)


def stepped(case: Case, happening: Happening) -> Case:
    """The case where the happening leads."""
    stand = step(Stand(case.state, case.resume), happening, contacted=case.contacted)
    return replace(case, state=stand.state, resume=stand.resume)


def contacted(
    desk: Desk,
    person: Person,
    case: Case,
    event: str,
    by_role: str = "system",
    actor: str | None = None,
    event_id: str | None = None,
    **details: Any,
) -> Person:
    """A message went out or a contact was recorded: from now on the case stays, whatever new facts say."""
    moved = replace(stepped(case, "contacted"), contacted_at=case.contacted_at or desk.work.now, due_on=_next_due(desk, case))
    _no_flag_expiry(desk, person, case)
    return keep(desk, person, note(desk, moved, event, by_role, actor, event_id, **details))


def begun(desk: Desk, person: Person, case: Case, event: str, waiting_on: WaitingOn = "us", **details: Any) -> Person:
    """The claimant takes part: an appointment was booked or kept, or a conversation with an employer opened."""
    moved = replace(stepped(case, "begun"), waiting_on=waiting_on, unread=True, due_on=_next_due(desk, case))
    _no_flag_expiry(desk, person, case)
    return keep(desk, person, note(desk, moved, event, **details))


def _next_due(desk: Desk, case: Case) -> date | None:
    return case.due_on if case.held else desk.today + timedelta(days=FOLLOW_UP_WITHIN_DAYS)


def _no_flag_expiry(desk: Desk, person: Person, case: Case) -> None:
    for flag in case_flags(person, case):
        desk.drop("flag-expiry", flag.flag_id)


def close(
    desk: Desk, person: Person, case: Case, outcome: CaseOutcome, by_role: str = "system", actor: str | None = None
) -> Person:
    """End the case and the flags on it. The caller has published what led to it (withdrawn, expired, exempted)."""
    person = end_flags(desk, person, case, outcome)
    closed = replace(
        stepped(case, "closed"),
        outcome=outcome,
        closed_at=desk.work.now,
        held_until=None,
        hold_code=None,
        due_on=None,
        unread=False,
    )
    leave_for_good(desk, case)
    event_id = emit(desk, case, events.CaseClosed, outcome=outcome)
    return desk.keep(with_case(person, note(desk, closed, "CaseClosed", by_role, actor, event_id, outcome=outcome)))


def end_flags(desk: Desk, person: Person, case: Case, outcome: CaseOutcome) -> Person:
    """The flags end with their case."""
    for flag in case_flags(person, case):
        person = close_flag(desk, person, flag, outcome)
    return person


def leave_for_good(desk: Desk, case: Case) -> None:
    """Nothing is due for the case any more, and its claimant may have another."""
    for timer in ("case-expiry", "wake", "overdue"):
        desk.drop(timer, case.case_id)
    leave_seat(desk, case)


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
    event_id = emit(desk, case, events.CaseWithdrawn)
    return close(desk, person, note(desk, case, "CaseWithdrawn", event_id=event_id), "withdrawn")


def reason_changed(desk: Desk, person: Person, case: Case, flag: Flag) -> Person:
    """After contact: the case stays, the coach is told, a corrected explanation is due to the claimant."""
    person = with_flag(person, replace(flag, reason_gone=True))
    event_id = emit(desk, case, events.ReasonChanged, flag_id=flag.flag_id)
    told_in_error.found(desk, case, flag)
    changed = replace(case, explanation_due=True, unread=True, waiting_on="us")
    return keep(desk, person, note(desk, changed, "ReasonChanged", event_id=event_id, flag_id=flag.flag_id))


def explained(desk: Desk, person: Person, case: Case, **ids: Any) -> Person:
    """The claimant has been told what is so."""
    told_in_error.explained(desk, case)
    return keep(desk, person, note(desk, replace(case, explanation_due=False), "ExplanationSent", **ids))


def reassign(
    desk: Desk,
    person: Person,
    case: Case,
    coach_id: str | None,
    reason: ReassignReason,
    by_role: str = "system",
    actor: str | None = None,
    *,
    office_id: str | None = None,
) -> Person:
    """Another coach (or none), another office where one is given; nothing changes for those who have the case already.

    Only a person's choice of a coach outlasts upstream's.
    """
    elsewhere = office_id if office_id is not None and office_id != case.office_id else None
    if coach_id == case.coach_id and elsewhere is None:
        return person
    event_id = emit(desk, case, events.CaseReassigned, from_=case.coach_id, to=coach_id, reason=reason, office_id=elsewhere)
    moved = replace(case, coach_id=coach_id, office_id=elsewhere or case.office_id, unread=True)
    if coach_id != case.coach_id:
        moved = replace(moved, own_coach=actor is not None, seen=False)
    details = {"to": coach_id, "reason": reason} | ({"office_id": elsewhere} if elsewhere is not None else {})
    return keep(desk, person, note(desk, moved, "CaseReassigned", by_role, actor, event_id, **details))


def tell_where(desk: Desk, case: Case) -> None:
    """The case came to this claim: whoever books, writes or agrees something for it finds it here from now on."""
    emit(desk, case, events.CaseReassigned, from_=case.coach_id, to=case.coach_id, reason="upstream", office_id=case.office_id)


def expire(desk: Desk, person: Person, case: Case) -> Person:
    """Nothing happened for too long."""
    event_id = emit(desk, case, events.CaseExpired)
    return close(desk, person, note(desk, case, "CaseExpired", event_id=event_id), "expired")


def wake(desk: Desk, person: Person, case: Case, on: date) -> Person:
    """A hold or an exemption is over: the case returns to where it was."""
    if case.held_until is None or case.held_until > on:
        return person
    event = "ExemptionEnded" if case.exempt is not None else "HoldEnded"
    back = replace(stepped(case, "woken"), held_until=None, hold_code=None, exempt=None, due_on=on, unread=True, waiting_on="us")
    return keep(desk, person, note(desk, back, event))


def overdue(desk: Desk, person: Person, case: Case) -> Person:
    """The deadline passed: the coach's list says so. It is no activity, so the case expires when it would have."""
    if case.due_on is None or case.due_on >= desk.today or case.held:
        return person
    noted = note(desk, replace(case, unread=True), "DeadlinePassed", due_on=case.due_on.isoformat())
    return desk.keep(with_case(person, replace(noted, last_activity=case.last_activity)))


def expire_flag(desk: Desk, claimant_id: str, flag_id: str) -> None:
    """Nobody acted on it in time."""
    person = desk.person(claimant_id)
    flag = person.flags.get(flag_id)
    if flag is None or flag.state not in ("raised", "shown"):
        return
    case = person.cases.get(flag.case_id) if flag.case_id is not None else None
    if case is not None and case.contacted:
        return
    person = close_flag(desk, person, flag, "expired")
    case = person.cases.get(flag.case_id) if flag.case_id is not None else None
    if case is not None and case.open and not case_flags(person, case):
        expire(desk, person, case)
