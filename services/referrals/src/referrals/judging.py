"""The life of flags: planned at the period's close, re-checked on the due date, shown after a grace period, withdrawn when
their reason goes. New facts judge the past again from the first period they touch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from contracts import referrals as events
from contracts.earnings import ClaimClaimant
from contracts.ids import flag_id as flag_id_of
from referrals import cadence, cases, recording, told_in_error
from referrals.breaker import gate
from referrals.desk import Desk
from referrals.inputs import guard_facts, history
from referrals.london import start_of
from referrals.model import ClaimDoc, Flag, with_flag
from referrals.raising import raise_flag, reasons_of
from referrals.records import Decided, decide
from referrals.rules import schedule
from referrals.rules.evaluation import Evaluation
from referrals.rules.history import Ap
from referrals.rules.priority import priority
from referrals.trials import arms

REASON_GONE = "reason_gone"
SUPERSEDED = "superseded"
NOT_CONTACTABLE = "guard-not-contactable"
replace = msgspec.structs.replace


def aps_of(desk: Desk, claimant_id: str, doc: ClaimDoc | None = None) -> tuple[Ap, ...]:
    """The person's periods as the newest facts show them, or as those of another state of the claim did."""
    if doc is None:
        return desk.history(claimant_id)
    return history(doc, claimant_id, desk.setup.policy, desk.setup.book.parameters)


def judge_changes(desk: Desk, before: ClaimDoc) -> None:
    """Judge every period whose inputs differ from `before`, and all later ones, for everybody on the claim."""
    if desk.quiet or desk.doc.claim is None:
        return
    for claimant_id in [gone for gone in desk.doc.people if desk.doc.member(gone) is None]:
        withdraw_not_due(desk, claimant_id)
    for member in desk.doc.claim.claimants:
        if member.claimant_id in desk.doc.departed:
            continue
        _withdraw_from_lost_periods(desk, member.claimant_id)
        recording.restart(desk, member.claimant_id)
        then = aps_of(desk, member.claimant_id, before) if before.claim is not None else ()
        now = aps_of(desk, member.claimant_id)
        same = 0
        while same < min(len(then), len(now)) and then[same] == now[same] and _guarded_alike(desk, before, now[same], member):
            same += 1
        judge_from(desk, member.claimant_id, now, same)


def _guarded_alike(desk: Desk, before: ClaimDoc, ap: Ap, member: ClaimClaimant) -> bool:
    """No fact that guards read has changed for a period that is not due yet. From the due date on, what was known counts."""
    if not _before_due(desk, ap.period_id):
        return True
    plan_on = schedule.plan_on(ap.end, desk.setup.book_on(ap.end).parameters)
    then, now = (guard_facts(doc, member.claimant_id, ap.period_id, plan_on) for doc in (before, desk.doc))
    return then == now


def _before_due(desk: Desk, period_id: str) -> bool:
    period = desk.doc.periods.get(period_id)
    return period is not None and desk.today < schedule.due_on(period.end, desk.setup.book_on(period.end).parameters)


def judge_from(desk: Desk, claimant_id: str, aps: Sequence[Ap], first: int) -> None:
    """Judge the periods from place `first` on, in order: each rests on what came of the earlier ones."""
    for place in range(first, len(aps)):
        if not aps[place].carried:
            judge(desk, claimant_id, aps, place)


def judge(desk: Desk, claimant_id: str, aps: Sequence[Ap], place: int) -> None:
    """Judge one period, on its plan day or whenever something it rests on changed later."""
    ap, parameters = aps[place], desk.setup.book_on(aps[place].end).parameters
    if desk.today < schedule.plan_on(ap.end, parameters):
        plan_on = schedule.plan_on(ap.end, parameters)
        desk.at("plan", f"{claimant_id}/{ap.period_id}", plan_on, claimant_id=claimant_id, period_id=ap.period_id)
        return
    due = schedule.due_on(ap.end, parameters)
    late = desk.today >= due
    arms.allot(desk, claimant_id, ap)
    decided = decide(
        desk,
        claimant_id,
        aps,
        place,
        step="plan",
        steps=("plan", "recheck") if late else ("plan",),
        as_of=due if late else schedule.plan_on(ap.end, parameters),
    )
    quiet = desk.doc.periods[ap.period_id].backfill
    recording.observe(desk, claimant_id, ap, decided.evaluation, quiet)
    if quiet:
        return
    if "dead" not in decided.record.inputs.guards.stops:
        recording.review(desk, claimant_id, ap, decided.evaluation)
    _reconcile(desk, claimant_id, ap, decided, final=late)
    if place == len(aps) - 1:
        cadence.watch(desk, claimant_id, aps, decided.record.inputs.as_of)


def _wanted(decided: Decided) -> list[str]:
    """Rules that are to have a flag in this period; none for the dead, not even an outcome."""
    if "dead" in decided.record.inputs.guards.stops:
        return []
    return [rule for rule in (decided.evaluation.contact, *decided.evaluation.outcomes) if rule is not None]


def _reconcile(desk: Desk, claimant_id: str, ap: Ap, decided: Decided, *, final: bool) -> None:
    """Plan what is wanted, take back what no longer holds, and note what the run of each family has used up."""
    result = decided.evaluation
    person = desk.person(claimant_id)
    for flag in [flag for flag in person.flags.values() if flag.period_id == ap.period_id and flag.live]:
        if flag.rule_id not in _wanted(decided):
            _take_back(desk, claimant_id, flag, decided, final=final)
        else:
            if flag.reason_gone:
                told_in_error.restored(desk, claimant_id, flag)
            fresh = replace(flag, reason_gone=False, reasons=reasons_of(flag.rule_id, decided), decision_id=decided.decision_id)
            desk.keep(with_flag(desk.person(claimant_id), fresh))
    for rule_id in _wanted(decided):
        _plan(desk, claimant_id, ap, rule_id, decided)
    _settle(desk, claimant_id, ap, result)


def _settle(desk: Desk, claimant_id: str, ap: Ap, result: Evaluation) -> None:
    """Rules raised in this period, or outranked there, count as raised in their run; stopped ones do not."""
    person = desk.person(claimant_id)
    kept = [
        flag.rule_id
        for flag in person.flags.values()
        if flag.period_id == ap.period_id and flag.family != "outcome" and flag.state != "withdrawn"
    ]
    outranked = [rule_id for rule_id in result.outranked if kept]
    rules = tuple(sorted({*kept, *outranked}))
    if rules != person.settled.get(ap.period_id, ()):
        desk.keep(replace(person, settled={**person.settled, ap.period_id: rules}))


def _plan(desk: Desk, claimant_id: str, ap: Ap, rule_id: str, decided: Decided, *, at_once: bool = False) -> None:
    person, book = desk.person(claimant_id), desk.setup.book_on(ap.end)
    key = flag_id_of(claimant_id, rule_id, ap.period_id)
    known = person.flags.get(key)
    if known is not None and (known.state != "withdrawn" or known.by_guard):
        return
    rule, due = book.rules[rule_id], schedule.due_on(ap.end, book.parameters)
    flag = Flag(
        flag_id=key,
        rule_id=rule_id,
        family=rule.family,
        period_id=ap.period_id,
        state="planned",
        due_on=due if rule.two_step and not at_once else desk.today,
        revision=known.revision if known is not None else 0,
        priority=priority(rule_id, decided.evaluation.figures(rule_id)),
        reasons=reasons_of(rule_id, decided),
        decision_id=decided.decision_id,
        since=next((fact.since for fact in decided.record.inputs.cadence if fact.rule_id == rule_id), None),
    )
    desk.keep(with_flag(person, flag))
    desk.emit_flag(
        events.FlagPlanned(
            flag_id=key,
            claim_id=desk.claim_id,
            claimant_id=claimant_id,
            rule_id=rule_id,
            family=rule.family,
            period_id=ap.period_id,
            decision_id=decided.decision_id,
            rule_set=decided.record.rule_set,
            due_at=start_of(flag.due_on),
        ),
        key,
    )
    if rule.two_step and not at_once:
        desk.at("due", f"{claimant_id}/{ap.period_id}", due, claimant_id=claimant_id, period_id=ap.period_id)
    else:
        raise_flag(desk, claimant_id, ap, flag, decided)


def _take_back(desk: Desk, claimant_id: str, flag: Flag, decided: Decided, *, final: bool) -> None:
    """The flag is not wanted any more: stopped by a guard, outdone in its run, or its reason is gone.

    final: a guard that stops it now stops it for good. Before the re-check it does not: until then the period is judged
    again with every change of what guards read, so that the order in which facts come does not matter.
    """
    result = decided.evaluation
    guard = next((stop.guard for stop in result.suppressed if stop.rule_id == flag.rule_id), None)
    if guard is None and "dead" in decided.record.inputs.guards.stops:
        guard = NOT_CONTACTABLE
    if guard is not None:
        # Guards are judged at their steps; a flag past its re-check meets them again when it is shown and sent.
        if flag.state == "planned" or not final:
            withdraw(desk, claimant_id, flag, guard, decided.decision_id, by_guard=final)
        return
    holds = result.holds(flag.rule_id)
    person = desk.person(claimant_id)
    case = person.cases.get(flag.case_id) if flag.case_id is not None else None
    state = "contacted" if case is not None and case.open and case.contacted else flag.state
    match schedule.correction_effect(state, holds and state == "contacted"):
        case "withdrawn":
            withdraw(desk, claimant_id, flag, SUPERSEDED if holds else REASON_GONE, decided.decision_id)
        case "stays" if case is not None and not flag.reason_gone:
            cases.reason_changed(desk, person, case, flag)
            recording.raise_review(desk, claimant_id, "reason-changed", flag.period_id, again=flag.flag_id)
        case _ if flag.state == "met":
            withdraw(desk, claimant_id, flag, REASON_GONE, decided.decision_id)
        case _:
            pass


def withdraw(desk: Desk, claimant_id: str, flag: Flag, why: str, decision_id: str, *, by_guard: bool = False) -> None:
    """Take a flag back by event; a case that loses its last reason before contact ends with it."""
    for timer in ("show", "flag-expiry"):
        desk.drop(timer, flag.flag_id)
    gone = replace(flag, state="withdrawn", why=why, by_guard=by_guard)
    person = desk.keep(with_flag(desk.person(claimant_id), gone))
    desk.emit_flag(
        events.FlagWithdrawn(
            flag_id=flag.flag_id, claim_id=desk.claim_id, claimant_id=claimant_id, why=why, decision_id=decision_id
        ),
        flag.flag_id,
    )
    case = person.cases.get(flag.case_id) if flag.case_id is not None else None
    if case is not None and case.open:
        person = cases.keep(
            desk, person, cases.note(desk, replace(case, unread=True), "FlagWithdrawn", flag_id=flag.flag_id, why=why)
        )
        cases.withdraw_if_empty(desk, person, person.cases[case.case_id])


def withdraw_not_due(desk: Desk, claimant_id: str) -> None:
    """The person is not on this claim any more: what no re-check has confirmed goes by event."""
    for flag in desk.person(claimant_id).flags.values():
        if flag.live and (flag.state == "planned" or _before_due(desk, flag.period_id)):
            withdraw(desk, claimant_id, flag, NOT_CONTACTABLE, flag.decision_id)


def withdraw_not_shown(desk: Desk, claimant_id: str) -> None:
    """The person takes only what a coach has seen to another claim: the rest goes by event."""
    withdraw_not_due(desk, claimant_id)
    for flag in desk.person(claimant_id).flags.values():
        if flag.state == "raised":
            withdraw(desk, claimant_id, flag, NOT_CONTACTABLE, flag.decision_id)


def _withdraw_from_lost_periods(desk: Desk, claimant_id: str) -> None:
    """Periods can vanish when a boundary moves: their flags go with them."""
    lost = [flag for flag in desk.person(claimant_id).flags.values() if flag.live and flag.period_id in desk.doc.gone]
    for flag in lost:
        person = desk.person(claimant_id)
        case = person.cases.get(flag.case_id) if flag.case_id is not None else None
        desk.drop("due", f"{claimant_id}/{flag.period_id}")
        if case is not None and case.open and case.contacted:
            if not flag.reason_gone:
                cases.reason_changed(desk, person, case, flag)
                recording.raise_review(desk, claimant_id, "reason-changed", flag.period_id, again=flag.flag_id)
        else:
            withdraw(desk, claimant_id, flag, "period_moved", flag.decision_id)
    person = desk.person(claimant_id)
    settled = {period: rules for period, rules in person.settled.items() if period not in desk.doc.gone}
    if settled != person.settled:
        desk.keep(replace(person, settled=settled))


# ---- timers ----


def recheck(desk: Desk, claimant_id: str, period_id: str) -> None:
    """The due date: confirm or withdraw what was planned, as of that day, on everything known now."""
    aps = aps_of(desk, claimant_id)
    place = next((place for place, ap in enumerate(aps) if ap.period_id == period_id), None)
    planned = [f for f in desk.person(claimant_id).flags.values() if f.period_id == period_id and f.state == "planned"]
    if place is None or not planned or desk.quiet:
        return
    ap = aps[place]
    as_of = schedule.due_on(ap.end, desk.setup.book_on(ap.end).parameters)
    decided = decide(desk, claimant_id, aps, place, step="recheck", steps=("recheck",), as_of=as_of)
    stopped = False
    for flag in planned:
        if flag.rule_id in _wanted(decided):
            raise_flag(desk, claimant_id, ap, flag, decided)
        else:
            _take_back(desk, claimant_id, flag, decided, final=True)
            stopped = True
    _settle(desk, claimant_id, ap, decided.evaluation)
    if stopped:
        judge_from(desk, claimant_id, aps, place + 1)


def display(desk: Desk, claimant_id: str, flag_id: str) -> None:
    """After the grace period: every guard of this step is judged on the day the flag is shown."""
    flag = desk.person(claimant_id).flags.get(flag_id)
    if flag is None or flag.state != "raised" or desk.quiet:
        return
    aps = aps_of(desk, claimant_id)
    place = next((place for place, ap in enumerate(aps) if ap.period_id == flag.period_id), None)
    if place is None:
        return
    decided = decide(desk, claimant_id, aps, place, step="display", steps=("display",), as_of=desk.today)
    guard = next((stop.guard for stop in decided.evaluation.suppressed if stop.rule_id == flag.rule_id), None)
    if guard is None and cases.taken_elsewhere(desk, claimant_id):
        guard = "guard-open-case"
    if guard is None and gate.keeps_from_showing(desk, claimant_id, flag):
        return
    if guard is None and arms.keeps_back(desk, claimant_id):
        withdraw(desk, claimant_id, flag, arms.HOLDOUT, decided.decision_id, by_guard=True)
        return
    if guard is None:
        cases.show(desk, desk.person(claimant_id), flag)
        return
    withdraw(desk, claimant_id, flag, guard, decided.decision_id, by_guard=True)
    _settle(desk, claimant_id, aps[place], decided.evaluation)
    judge_from(desk, claimant_id, aps, place + 1)


def plan_again(desk: Desk, claimant_id: str, period_id: str) -> None:
    """A plan day has come: judge the period, and the later ones that rest on it."""
    aps = aps_of(desk, claimant_id)
    place = next((place for place, ap in enumerate(aps) if ap.period_id == period_id), None)
    if place is not None and not desk.quiet:
        judge_from(desk, claimant_id, aps, place)


def calendar(desk: Desk, claimant_id: str, on: date) -> None:
    """A rule that runs by the calendar became due: it is judged on the last closed period, as of that day, and raised at once."""
    aps = aps_of(desk, claimant_id)
    if desk.quiet or not aps or aps[-1].carried or desk.doc.member(claimant_id) is None:
        return
    ap, place = aps[-1], len(aps) - 1
    decided = decide(desk, claimant_id, aps, place, step="recheck", steps=("plan", "recheck"), as_of=on)
    contact = decided.evaluation.contact
    if contact is not None and desk.setup.book_on(ap.end).rules[contact].family == "cadence":
        _plan(desk, claimant_id, ap, contact, decided, at_once=True)
        _settle(desk, claimant_id, ap, decided.evaluation)
    cadence.watch(desk, claimant_id, aps, on)
