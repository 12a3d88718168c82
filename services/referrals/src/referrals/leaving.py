"""Who leaves: people and claims (closed, dead, absent from the newest snapshot, moved, erased), coaches and offices."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from contracts import earnings
from contracts.reference import CoachChanged, OfficeChanged
from contracts.vocabulary import ReassignReason
from referrals import care, cases, moves, routing
from referrals.desk import COACH, OFFICE, Desk, Setup
from referrals.inputs import history, stops
from referrals.judging import judge_changes, withdraw_not_shown
from referrals.model import Case, ClaimDoc, Departed, Person, Standing, case_flags
from referrals.rules.continuity import available
from referrals.rules.support import Care
from referrals.rules.trials import merged as merged_arms
from streaming.work import Work

ABSENT = "not_on_claim"
ENDS = frozenset({"dead", "closed", ABSENT, "erased"})
"""What ends a case for good; a suspension only stops steps and messages."""

MOVED = "moved-claim"
"""Why a case that had ended is open again."""

DAY = timedelta(days=1)
replace = msgspec.structs.replace


def follow_circumstances(desk: Desk, before: ClaimDoc) -> None:
    """A new snapshot: cases end with their person or claim, or go to the coach that upstream names now."""
    for claimant_id in sorted(desk.doc.people):
        if ENDS & set(stops(desk.doc, claimant_id)):
            _end(desk, claimant_id)
        else:
            _follow_coach(desk, claimant_id, before)
            _review_commitment(desk, claimant_id, before)


def _end(desk: Desk, claimant_id: str) -> None:
    """Contact makes no sense any more. What was not yet shown meets guard-not-contactable at its next step."""
    person = desk.person(claimant_id)
    case = person.open_case()
    if case is not None:
        cases.close(desk, person, case, "not_applicable")


def _follow_coach(desk: Desk, claimant_id: str, before: ClaimDoc) -> None:
    person, then, now = desk.person(claimant_id), before.member(claimant_id), desk.doc.member(claimant_id)
    case = person.open_case()
    if case is None or now is None or then is None:
        return
    elsewhere = now.office_id != then.office_id
    if elsewhere and now.office_id is None:
        case = replace(case, office_id=None)
        person = cases.keep(desk, person, case)
    if elsewhere or (now.coach_id != then.coach_id and not case.own_coach):
        wanted = (case.coach_id, now.coach_id) if case.own_coach else (now.coach_id,)
        reason: ReassignReason = "upstream" if now.coach_id != then.coach_id else "office_move"
        coach_id = routing.coach_for(desk, now.office_id, *wanted)
        cases.reassign(desk, person, case, coach_id, reason, office_id=now.office_id)


def _review_commitment(desk: Desk, claimant_id: str, before: ClaimDoc) -> None:
    """What a commitment rests on has changed: its coach looks at it again."""
    then, now = before.member(claimant_id), desk.doc.member(claimant_id)
    if then is not None and now is not None and (then.conditionality, then.work_group) != (now.conditionality, now.work_group):
        care.review_due(desk, claimant_id)


def reroute(desk: Desk, person: Person, case: Case) -> Person:
    """The coach left, lost the training or serves the case's office no more: their cover takes over, or nobody."""
    coach: CoachChanged | None = desk.work.get(COACH, case.coach_id) if case.coach_id is not None else None
    if coach is None or available(coach, case.office_id):
        return person
    to = routing.coach_for(desk, case.office_id, case.coach_id)
    reason: ReassignReason = "leave" if not coach.active else "office_move"
    return cases.reassign(desk, person, case, to, reason)


def rehouse(desk: Desk, person: Person, case: Case) -> Person:
    """The office closed: the case goes to the nearest open one; its coach goes along where they serve it."""
    office: OfficeChanged | None = desk.work.get(OFFICE, case.office_id) if case.office_id is not None else None
    if office is None or office.active:
        return person
    nearby = (desk.work.get(OFFICE, office_id) for office_id in office.nearby)
    to = next((near.office_id for near in nearby if near is not None and near.active), None)
    if to is None:
        return person
    coach_id = routing.coach_for(desk, to, case.coach_id)
    return cases.reassign(desk, person, case, coach_id, "office_move", office_id=to)


def erase_claim(desk: Desk) -> None:
    """Forget the claim: the document keeps only that it was erased; keys and rows of its people go, and what they took along."""
    desk.doc = replace(desk.doc, periods={}, gone={**desk.doc.gone, **dict.fromkeys(desk.doc.periods, 0)})
    carry_on(desk)
    for person in desk.doc.people.values():
        _cancel_timers(desk, person)
    members = desk.doc.claim.claimants if desk.doc.claim is not None else ()
    people = sorted({*desk.doc.people, *desk.doc.departed, *(member.claimant_id for member in members)})
    for claimant_id in people:
        desk.work.append("erased_claimant", claimant_id=claimant_id, claim_id=desk.claim_id)
    version = desk.doc.claim.version if desk.doc.claim is not None else desk.doc.erased_version
    desk.doc = ClaimDoc(claim_id=desk.claim_id, erased=True, erased_version=version)
    desk.save()


def _without(standing: Standing, claimant_id: str) -> Standing:
    eased = None if standing.easements is None else {key: kept for key, kept in standing.easements.items() if key != claimant_id}
    return replace(standing, dead=tuple(one for one in standing.dead if one != claimant_id), easements=eased)


def erase_person(desk: Desk, claimant_id: str) -> None:
    """Forget one person of the claim; the other stays."""
    _cancel_timers(desk, desk.person(claimant_id))
    people = {key: person for key, person in desk.doc.people.items() if key != claimant_id}
    periods = {
        key: replace(period, claimants=tuple(c for c in period.claimants if c.claimant_id != claimant_id))
        for key, period in desk.doc.periods.items()
    }
    departed = {key: gone for key, gone in desk.doc.departed.items() if key != claimant_id}
    standings = tuple(_without(standing, claimant_id) for standing in desk.doc.standings)
    erased = tuple(sorted({*desk.doc.erased_people, claimant_id}))
    desk.doc = replace(desk.doc, people=people, periods=periods, departed=departed, standings=standings, erased_people=erased)
    desk.work.append("erased_claimant", claimant_id=claimant_id, claim_id=desk.claim_id)
    desk.save()


def _cancel_timers(desk: Desk, person: Person) -> None:
    desk.drop("review", f"{desk.claim_id}/{person.claimant_id}")
    desk.drop("cadence", f"{desk.claim_id}/{person.claimant_id}")
    for flag in person.flags.values():
        desk.drop("due", f"{person.claimant_id}/{flag.period_id}")
        for timer in ("show", "flag-expiry", "sign-off"):
            desk.drop(timer, flag.flag_id)
    for case in person.cases.values():
        cases.leave_seat(desk, case)
        for timer in ("case-expiry", "wake", "overdue"):
            desk.drop(timer, case.case_id)


def move(setup: Setup, work: Work, event: earnings.ClaimantMoved) -> None:
    """A person went to another claim: their case, contacts and last conclusion go with them, whichever event comes first."""
    claimant_id = event.claimant_id
    if event.from_claim_id == event.to_claim_id:
        return
    source, target = Desk(work, event.from_claim_id, setup), Desk(work, event.to_claim_id, setup)
    before = target.doc
    if claimant_id in before.departed:  # they are back
        target.doc = replace(before, departed={key: left for key, left in before.departed.items() if key != claimant_id})
    if source.doc.erased:
        judge_changes(target, before)
        target.save()
        return
    if claimant_id in source.doc.people:
        withdraw_not_shown(source, claimant_id)
    person = source.doc.people.get(claimant_id)
    known = source.doc.departed.get(claimant_id) or Departed(member=source.doc.member(claimant_id))
    gone = replace(known, to=event.to_claim_id, carried=person.carried if person is not None else known.carried)
    source.doc = replace(source.doc, departed={**source.doc.departed, claimant_id: gone})
    if person is not None:
        _take_along(source, target, person)
    target.keep(_brought(source, gone, target.person(claimant_id)))
    source.save()
    judge_changes(target, before)
    target.save()


def _take_along(source: Desk, target: Desk, person: Person) -> None:
    """Their open case, the flags shown in cases, contacts, contests and arms."""
    _cancel_timers(source, person)
    arrived = target.person(person.claimant_id)
    allotments = merged_arms(arrived.allotments, person.allotments)
    own_case = arrived.open_case() is not None
    merged = replace(
        arrived,
        flags={**{k: f for k, f in person.flags.items() if f.case_id is not None}, **arrived.flags},
        cases={**{k: c for k, c in person.cases.items() if not (own_case and c.open)}, **arrived.cases},
        contacts=tuple(sorted({*person.contacts, *arrived.contacts}, key=lambda contact: (contact.on, contact.ref))),
        contests=(*person.contests, *arrived.contests),
        last_kept_appointment=person.last_kept_appointment or arrived.last_kept_appointment,
        arm=allotments[-1].arm if allotments else arrived.arm or person.arm,
        allotments=allotments,
        care=arrived.care if arrived.care != Care() else person.care,
        asked={**person.asked, **arrived.asked},
    )
    ended = None if own_case else _ended_by_absence(source.doc, person)
    source.doc = replace(source.doc, people={k: p for k, p in source.doc.people.items() if k != person.claimant_id})
    target.keep(merged)
    care.take_review_along(target, merged)
    case = merged.open_case()
    if case is not None:
        cases.keep(target, merged, case)
        cases.take_seat(target, case)
        if case.case_id in person.cases:
            cases.tell_where(target, case)
        for flag in case_flags(merged, case):
            source.drop("flag-expiry", flag.flag_id)
    elif ended is not None and (target.doc.claim is None or not stops(target.doc, person.claimant_id)):
        opened = moves.opened_anew(target, ended)
        cases.tell_where(target, opened)
        event_id = moves.open_again(target, merged, opened, MOVED)
        noted = cases.note(target, opened, "CaseReopened", event_id=event_id, why=MOVED)
        cases.keep(target, target.person(person.claimant_id), noted)


def _ended_by_absence(doc: ClaimDoc, person: Person) -> Case | None:
    """The case that ended only because its claim no longer named them, before it was known where they had gone."""
    if ENDS.intersection(stops(doc, person.claimant_id)) != {ABSENT}:
        return None
    closed = [case for case in person.cases.values() if case.closed_at is not None]
    last = max(closed, key=lambda case: (case.closed_at, case.case_id), default=None)
    by_itself = last is not None and last.history[-1].by_role == "system" and last.outcome == "not_applicable"
    return last if by_itself else None


def carry_on(source: Desk, passed: frozenset[str] = frozenset()) -> None:
    """Facts of this claim became known after people had moved on: what is concluded from them now follows, claim by claim."""
    for claimant_id, gone in source.doc.departed.items():
        if gone.to is None or gone.to in passed or source.doc.erased:
            continue
        target = Desk(source.work, gone.to, source.setup)
        if target.doc.erased or claimant_id in target.doc.erased_people:
            continue
        before, further = target.doc, target.doc.departed.get(claimant_id)
        if further is None:
            target.keep(_brought(source, gone, target.person(claimant_id)))
            if target.person(claimant_id) == before.person(claimant_id):
                continue
            judge_changes(target, before)
        else:
            carried = _brought(source, gone, Person(claimant_id=claimant_id, carried=further.carried)).carried
            if carried == further.carried:
                continue
            target.doc = replace(before, departed={**before.departed, claimant_id: replace(further, carried=carried)})
        target.save()
        carry_on(target, passed | {source.claim_id})


def _brought(source: Desk, gone: Departed, person: Person) -> Person:
    """The person with what their periods on the claim they left conclude last; the day it ended, if earnings ended it.
    Upstream does not say why: the last conclusion stands for it, once the period in which it ended is known."""
    doc, claim = source.doc, source.doc.claim
    if claim is not None:
        here = {member.claimant_id for member in claim.claimants}
        past = [left.member for key, left in doc.departed.items() if left.member is not None and key not in here]
        doc = replace(doc, claim=replace(claim, claimants=(*claim.claimants, *past)))
    doc = doc.with_person(Person(claimant_id=person.claimant_id, carried=gone.carried))
    aps = history(doc, person.claimant_id, source.setup.policy, source.setup.book.parameters)
    last = next((ap for ap in reversed(aps) if ap.status is not None), None)
    if last is None:
        stale = person.carried is not None and person.carried.period_id in {*doc.periods, *doc.gone}
        return replace(person, carried=None, outgrew_on=None) if stale else person
    closed = claim.closed_date if claim is not None and last.status == "WE" else None
    known = closed is not None and aps[-1].end + DAY >= closed
    return replace(person, carried=replace(last, carried=True), outgrew_on=closed if known else None)
