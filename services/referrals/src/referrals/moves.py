"""What people do to a case. Each move checks that it is legal in the case's state and leaves as an event."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, NamedTuple

import msgspec

from contracts import referrals as events
from contracts.reference import CoachChanged
from contracts.vocabulary import CaseOutcome
from referrals import cases
from referrals.desk import COACH, Desk
from referrals.inputs import guard_facts, stops
from referrals.model import Case, Contact, Contest, Person
from referrals.views import MOVES, strongest
from streaming.errors import Refused

ASSIGN_REASONS = ("upstream", "leave", "manual", "office_move")
replace = msgspec.structs.replace


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who does it: the role and the name that the audit uses."""

    role: str
    name: str


class Turn(NamedTuple):
    """One person's move on one case."""

    desk: Desk
    person: Person
    case: Case
    by: Actor


def require_move(case: Case, move: str) -> None:
    """Refused 409 with the moves that are legal now."""
    if move not in MOVES[case.state]:
        raise illegal(case, "The case does not allow that in its present state.")


def illegal(case: Case, detail: str, code: str = "illegal-move") -> Refused:
    return Refused(409, code, detail, allowed=MOVES[case.state])


def assign(at: Turn, coach_id: str | None, reason: str) -> None:
    desk, person, case, by = at
    require_move(case, "assign")
    if coach_id is not None:
        coach: CoachChanged | None = desk.work.get(COACH, coach_id)
        if coach is not None and not (coach.active and coach.trained_in_work):
            raise illegal(case, "Only an active coach trained for in-work cases can take it.", "coach-not-available")
    coded = reason if reason in ASSIGN_REASONS else "manual"
    cases.reassign(desk, person, case, coach_id, coded, by.role, by.name)


def contact(at: Turn, wanted: dict[str, Any]) -> None:
    """Ask notifications to reach the claimant. Only a person asks for a mandatory contact, and not against the guards."""
    desk, person, case, by = at
    require_move(case, "contact")
    first = strongest(person, case)
    if wanted["contact_basis"] == "mandatory" and first.contact_basis == "voluntary":
        raise illegal(case, "The reason allows voluntary contact only.", "voluntary-only")
    if stops(desk.doc, person.claimant_id):
        raise illegal(case, "The person must not be contacted.", "guard-not-contactable")
    easements = guard_facts(desk.doc, person.claimant_id, first.period_id, desk.today).easements
    if any(easement.forbids(desk.today, wanted["contact_basis"]) for easement in easements):
        raise illegal(case, "An easement does not allow this contact today.", "guard-easement")
    cases.emit(desk, case, events.ContactRequested, **wanted, requested_by_role=by.role)
    asked = replace(case, requested=wanted, waiting_on="claimant", unread=False)
    cases.keep(desk, person, cases.note(desk, asked, "ContactRequested", by.role, by.name, **wanted))


def record_contact(at: Turn, channel: str, outcome: str) -> None:
    """A call or meeting outside the platform's messages took place."""
    desk, person, case, by = at
    require_move(case, "record-contact")
    cases.emit(desk, case, events.ContactRecorded, channel=channel, outcome=outcome)
    made = Contact(on=desk.today, kind="recorded", ref=desk.work.next_id("contact"))
    person = desk.keep(replace(person, contacts=(*person.contacts, made)))
    read = replace(case, unread=False, explanation_due=False)
    cases.contacted(desk, person, read, "ContactRecorded", by.role, by.name, channel=channel, outcome=outcome)


def hold(at: Turn, until: date, code: str) -> None:
    """Nothing happens until that day; then the case returns by itself."""
    desk, person, case, by = at
    require_move(case, "hold")
    if until <= desk.today:
        raise Refused(422, "date-not-in-future", "until must be a later day than today.")
    cases.emit(desk, case, events.CaseHeld, until=until, code=code)
    _rest(desk, person, replace(case, hold_code=code), by, "CaseHeld", until, code=code)


def _rest(desk: Desk, person: Person, case: Case, by: Actor, event: str, until: date, **details: Any) -> None:
    resume = case.resume if case.state == "held" else case.state
    held = replace(case, state="held", resume=resume, held_until=until, due_on=until, unread=False)
    desk.at("wake", case.case_id, until, case_id=case.case_id)
    cases.keep(desk, person, cases.note(desk, held, event, by.role, by.name, until=until.isoformat(), **details))


def exempt(at: Turn, code: str, until: date | None, evidence_class: str) -> None:
    """The claimant is exempt: until a day (the case rests), or for good (the case ends)."""
    desk, person, case, by = at
    require_move(case, "exempt")
    if until is not None and until <= desk.today:
        raise Refused(422, "date-not-in-future", "until must be a later day than today.")
    cases.emit(desk, case, events.CaseExempted, code=code, until=until)
    marked = replace(case, exempt_code=code)
    if until is not None:
        _rest(desk, person, marked, by, "CaseExempted", until, code=code, evidence_class=evidence_class)
        return
    noted = cases.note(desk, marked, "CaseExempted", by.role, by.name, code=code, evidence_class=evidence_class)
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
    if person.open_case() is not None or cases.taken_elsewhere(desk, person.claimant_id):
        raise illegal(case, "The claimant has another open case.", "open-case-exists")
    if stops(desk.doc, person.claimant_id):
        raise illegal(case, "The person must not be contacted.", "guard-not-contactable")
    due = desk.today + timedelta(days=cases.CONTACT_WITHIN_DAYS)
    state = "contacted" if case.contacted else "shown"
    opened = replace(case, state=state, outcome=None, closed_at=None, due_on=due, waiting_on="us", unread=True)
    cases.emit(desk, case, events.CaseReopened, why=why)
    cases.take_seat(desk, opened)
    flags = dict(person.flags)
    for flag_id in case.flag_ids:
        flag = flags.get(flag_id)
        if flag is not None and flag.state == "closed":
            flags[flag_id] = replace(flag, state="shown", why=None)
    person = replace(person, flags=flags)
    cases.keep(desk, person, cases.note(desk, opened, "CaseReopened", by.role, by.name, why=why))


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
    desk.emit_case(made, case.case_id if case is not None else person.claimant_id)
    if case is not None:
        noted = cases.note(desk, replace(case, unread=True), name, by.role, by.name, period_id=about.period_id)
        cases.keep(desk, person, noted)
