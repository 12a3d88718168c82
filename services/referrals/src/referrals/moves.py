"""What people do to a case. Each move checks that it is legal in the case's state and leaves as an event."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple, get_args

import msgspec

from contracts import referrals as events
from contracts.vocabulary import CaseOutcome, ContactBasis, ReassignReason
from referrals import cases, routing, told_in_error
from referrals.desk import COACH, Desk
from referrals.inputs import guard_facts, stops
from referrals.model import Case, Contact, Contest, Person, allowed, strongest, with_case, with_flag
from referrals.rules.continuity import available
from referrals.rules.lifecycle import Exemption, Version
from streaming.errors import Refused

ASSIGN_REASONS: tuple[ReassignReason, ...] = get_args(ReassignReason)
CODE = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,63}")
replace = msgspec.structs.replace


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who does it: the role, the name that the audit uses, and which coach this is, if one."""

    role: str
    name: str
    coach_id: str | None = None


class Turn(NamedTuple):
    """One person's move on one case."""

    desk: Desk
    person: Person
    case: Case
    by: Actor


Move = Callable[[Turn], None]


def make(at: Turn, move: Move) -> None:
    """One move by one person. Its lines in the history keep the case before and after, so that it can be taken back."""
    move(at)
    found = at.desk.doc.find_case(at.case.case_id)
    if found is None:
        return
    person, case = found
    if at.by.coach_id is not None and at.by.coach_id == case.coach_id:
        case = replace(case, seen=True)
        at.desk.keep(with_case(person, case))
    known, added = case.history[: len(at.case.history)], case.history[len(at.case.history) :]
    if not added:
        return
    before, after = version_of(at.person, at.case), version_of(person, case)
    first = replace(added[0], before=before, after=after)
    lines = tuple(replace(entry, action=first.event_id) for entry in (first, *added[1:]))
    at.desk.keep(with_case(person, replace(case, history=(*known, *lines))))


def version_of(person: Person, case: Case) -> Version:
    """What an action may change, as it is now."""
    names = (name for name in Version.__struct_fields__ if name != "flags")
    flags: dict[str, str] = {flag_id: person.flags[flag_id].state for flag_id in case.flag_ids if flag_id in person.flags}
    return Version(**{name: getattr(case, name) for name in names}, flags=flags)


def require_move(case: Case, move: str) -> None:
    """Refused 409 with the moves that are legal now."""
    if move not in allowed(case):
        raise illegal(case, "The case does not allow that in its present state.")


def illegal(case: Case, detail: str, code: str = "illegal-move", *, but: str = "") -> Refused:
    """409 with the moves that are legal now. but: one that the state allows and something else forbids."""
    return Refused(409, code, detail, allowed=tuple(move for move in allowed(case) if move != but))


def assign(at: Turn, coach_id: str | None, reason: str, move: str = "assign") -> None:
    """Give the case to a coach who can take it, or to nobody. reason: a code of ASSIGN_REASONS; other words count as manual."""
    desk, person, case, by = at
    require_move(case, move)
    if coach_id is not None and not available(desk.work.get(COACH, coach_id), case.office_id):
        raise illegal(
            case, "Only an active coach of the case's office, trained for in-work cases, can take it.", "coach-not-available"
        )
    coded: ReassignReason = next((known for known in ASSIGN_REASONS if known == reason), "manual")
    cases.reassign(desk, person, case, coach_id, coded, by.role, by.name)


def read(at: Turn) -> None:
    """What was new on the case has been looked at."""
    require_move(at.case, "read")
    at.desk.keep(with_case(at.person, replace(at.case, unread=False)))


def contact(at: Turn, wanted: dict[str, Any]) -> None:
    """Ask notifications to reach the claimant. Only a person asks for a mandatory contact, and not against the guards."""
    desk, person, case, by = at
    require_move(case, "contact")
    require_basis(at, wanted["contact_basis"])
    event_id = cases.emit(desk, case, events.ContactRequested, **wanted, requested_by_role=by.role)
    asked = replace(case, requested=wanted, waiting_on="claimant", unread=False)
    cases.keep(desk, person, cases.note(desk, asked, "ContactRequested", by.role, by.name, event_id, **wanted))


def require_basis(at: Turn, basis: ContactBasis) -> None:
    """The case and the guards allow a person to ask for this, voluntary or mandatory. Refused 409."""
    desk, person, case, _ = at
    first = strongest(person, case)
    if basis == "mandatory" and first.contact_basis == "voluntary":
        raise illegal(case, "The reason allows voluntary contact only.", "voluntary-only")
    if stops(desk.doc, person.claimant_id):
        raise illegal(case, "The person must not be contacted.", "guard-not-contactable", but="contact")
    easements = guard_facts(desk.doc, person.claimant_id, first.period_id, desk.today).easements
    if any(easement.forbids(desk.today, basis) for easement in easements):
        none = any(easement.forbids(desk.today, "voluntary") for easement in easements)
        detail = "An easement does not allow this contact today."
        raise illegal(case, detail, "guard-easement", but="contact" if none else "")


def record_contact(at: Turn, channel: str, outcome: str) -> None:
    """A call or meeting outside the platform's messages took place."""
    desk, person, case, by = at
    require_move(case, "record-contact")
    event_id = cases.emit(desk, case, events.ContactRecorded, channel=channel, outcome=outcome)
    made = Contact(on=desk.today, kind="recorded", ref=event_id)
    person = desk.keep(replace(person, contacts=(*person.contacts, made)))
    if case.explanation_due:
        told_in_error.explained(desk, case)
    told = replace(case, unread=False, explanation_due=False)
    cases.contacted(desk, person, told, "ContactRecorded", by.role, by.name, event_id, channel=channel, outcome=outcome)


def hold(at: Turn, until: date, code: str) -> None:
    """Nothing happens until that day; then the case returns by itself."""
    desk, person, case, by = at
    require_move(case, "hold")
    _later(desk, until)
    event_id = cases.emit(desk, case, events.CaseHeld, until=until, code=code)
    held = _rest(replace(case, hold_code=code, exempt=None), until)
    noted = cases.note(desk, held, "CaseHeld", by.role, by.name, event_id, until=until.isoformat(), code=code)
    cases.keep(desk, person, noted)


def _later(desk: Desk, until: date) -> None:
    if until <= desk.today:
        raise Refused(422, "date-not-in-future", "until must be a later day than today.")


def _rest(case: Case, until: date) -> Case:
    return replace(cases.stepped(case, "held"), held_until=until, due_on=until, unread=False)


def exempt(at: Turn, code: str, until: date | None, evidence_class: str) -> None:
    """The claimant is exempt: until a day (the case rests), or for good (the case ends)."""
    desk, person, case, by = at
    require_move(case, "exempt")
    if until is not None:
        _later(desk, until)
    event_id = cases.emit(desk, case, events.CaseExempted, code=code, until=until)
    marked = replace(
        case,
        hold_code=None,
        exempt=Exemption(code=code, evidence_class=evidence_class, author=by.name, by_role=by.role, until=until),
    )
    details = {"code": code, "evidence_class": evidence_class}
    if until is not None:
        details["until"] = until.isoformat()
        cases.keep(desk, person, cases.note(desk, _rest(marked, until), "CaseExempted", by.role, by.name, event_id, **details))
        return
    noted = cases.note(desk, marked, "CaseExempted", by.role, by.name, event_id, **details)
    cases.close(desk, person, noted, "exempt", by.role, by.name)


def close(at: Turn, outcome: CaseOutcome, move: str = "close", **details: Any) -> None:
    desk, person, case, by = at
    require_move(case, move)
    noted = cases.note(desk, case, "Closing", by.role, by.name, **details) if details else case
    cases.close(desk, person, noted, outcome, by.role, by.name)


def reopen(at: Turn, why: str) -> None:
    """Back to where contact had come; refused while the claimant has another open case or cannot be contacted."""
    desk, person, case, by = at
    require_move(case, "reopen")
    require_room(at)
    opened = opened_anew(desk, case)
    event_id = open_again(desk, person, opened, why)
    person = desk.person(person.claimant_id)
    cases.keep(desk, person, cases.note(desk, opened, "CaseReopened", by.role, by.name, event_id, why=why))


def opened_anew(desk: Desk, case: Case) -> Case:
    """The closed case, where contact had come, with a new deadline and a coach who is there."""
    return replace(
        cases.stepped(case, "reopened"),
        outcome=None,
        closed_at=None,
        exempt=None,
        due_on=desk.today + timedelta(days=cases.CONTACT_WITHIN_DAYS),
        waiting_on="us",
        unread=True,
        coach_id=routing.coach_for(desk, case.office_id, case.coach_id),
    )


def require_room(at: Turn) -> None:
    """The claimant can be contacted and has no other open case. Refused 409."""
    desk, person, case, _ = at
    if person.open_case() is not None or cases.taken_elsewhere(desk, person.claimant_id):
        raise illegal(case, "The claimant has another open case.", "open-case-exists")
    if stops(desk.doc, person.claimant_id):
        raise illegal(case, "The person must not be contacted.", "guard-not-contactable")


def open_again(desk: Desk, person: Person, opened: Case, why: str) -> str:
    """The claimant's one open case is this one again, and its closed flags are shown. Returns the event's id."""
    event_id = cases.emit(desk, opened, events.CaseReopened, why=code_of(why))
    cases.take_seat(desk, opened)
    for flag_id in opened.flag_ids:
        flag = person.flags.get(flag_id)
        if flag is not None and flag.state == "closed":
            shown = replace(flag, state="shown", why=None)
            person = desk.keep(with_flag(person, shown))
            cases.tell_shown(desk, person, shown)
    cases.keep(desk, person, opened)
    return event_id


def code_of(text: str) -> str:
    """What may leave in an event: the word itself if it is a code; a sentence stays in the case."""
    return text if CODE.fullmatch(text) else "other"


def contested(desks: Sequence[Desk], claimant_id: str, period_id: str | None) -> Desk:
    """Of the claims that somebody is or was on, the one that a contest is about: where it is open already, or the one that
    they are on now, so that it stops what comes from there; of several, the one with the period."""

    def place(desk: Desk) -> tuple[bool, bool, bool]:
        doc = desk.doc
        waits = any(one.open and one.period_id == period_id for one in desk.person(claimant_id).contests)
        lives = doc.claim is not None and doc.claim.status != "closed" and doc.member(claimant_id) is not None
        return waits, lives and claimant_id not in doc.departed, period_id in doc.periods

    return max(desks, key=place)


def contest(desk: Desk, claimant_id: str, by: Actor, period_id: str | None, why_code: str) -> Contest:
    """The claimant says that earnings are wrong: no contact flag from them until that is answered."""
    person = desk.person(claimant_id)
    latest = max((period.start for period in desk.doc.periods.values()), default=desk.today)
    made = Contest(period_id=period_id, why_code=why_code, since=latest)
    person = desk.keep(replace(person, contests=(*(c for c in person.contests if c.period_id != period_id), made)))
    _tell(desk, person, by, "EarningsContested", events.EarningsContested, made)
    return made


def close_contest(desk: Desk, claimant_id: str, by: Actor, period_id: str | None) -> Contest:
    """The contest was answered. Refused 404 when none is open."""
    person = desk.person(claimant_id)
    found = next((c for c in person.contests if c.open and c.period_id == period_id), None)
    if found is None:
        raise Refused(404, "not-found")
    answered = replace(found, open=False)
    person = desk.keep(replace(person, contests=tuple(answered if c is found else c for c in person.contests)))
    _tell(desk, person, by, "EarningsContestClosed", events.EarningsContestClosed, answered)
    return answered


def _tell(desk: Desk, person: Person, by: Actor, name: str, event: type[events.EarningsContested], about: Contest) -> None:
    case = person.open_case()
    made = event(
        case_id=case.case_id if case is not None else None,
        claim_id=desk.claim_id,
        claimant_id=person.claimant_id,
        period_id=about.period_id,
        why_code=about.why_code,
    )
    event_id = desk.emit_case(made, case.case_id if case is not None else person.claimant_id)
    if case is not None:
        noted = cases.note(desk, replace(case, unread=True), name, by.role, by.name, event_id, period_id=about.period_id)
        cases.keep(desk, person, noted)
