"""One claim's recorded facts played again from its first period, step by step on the days of the policy, by the rules that run
in earnest. Nothing is stored and nothing leaves.

Facts are those known today, each on its own day: newest period versions, dated circumstances, contacts that took place; status,
deaths and easements from when they became known. What a coach did because of a flag is not played again: cases opened here rest
until they expire.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from datetime import date, datetime, timedelta

import msgspec

from contracts.earnings import Claim, ClaimClaimant
from referrals import judging, timers
from referrals.desk import KIND, Desk, Setup
from referrals.london import start_of
from referrals.model import ClaimDoc, Person, Standing
from referrals.rules import schedule
from streaming.records import Cause
from streaming.spec import Due
from streaming.work import DueItem, Work

replace = msgspec.structs.replace
_CAUSE = Cause("what-if", "what-if")
_STANDING = "standing"


class _Nowhere(Work, kw_only=True):
    """A unit of work that keeps the timers and forgets everything else."""

    queue: list[tuple[datetime, str]] = msgspec.field(default_factory=list)
    timers: dict[str, DueItem] = msgspec.field(default_factory=dict)
    evaluations: int = 0
    count: int = 0

    def next_id(self, name: str) -> str:
        self.count += 1
        return f"{name}-{self.count}"

    def emit(self, topic: str, key: str, event: msgspec.Struct, *, subject: str | None = None) -> str:
        return ""

    def append(self, table: str, **row: object) -> None:
        if table == "decision":
            self.evaluations += 1

    def schedule(self, item: DueItem) -> None:
        # Plan days are walked in order by `replay`.
        if item.name != "plan":
            self.timers[item.id] = item
            heapq.heappush(self.queue, (item.due_at, item.id))

    def cancel(self, due_id: str) -> None:
        self.timers.pop(due_id, None)

    def next_before(self, instant: datetime) -> DueItem | None:
        """Take the next timer that is due before the instant."""
        while self.queue and self.queue[0][0] < instant:
            due_at, due_id = heapq.heappop(self.queue)
            item = self.timers.get(due_id)
            if item is not None and item.due_at == due_at:
                return self.timers.pop(due_id)
        return None


def replay(doc: ClaimDoc, setup: Setup, until: date) -> tuple[ClaimDoc, int]:
    """(the claim as the rule set would have left it at the end of that London day, number of evaluations)."""
    if doc.claim is None or doc.erased:
        return doc, 0
    now = start_of(until)
    work = _Nowhere(cause=_CAUSE, now=now, as_of=now, load=lambda _: None, locked=lambda _: True, source="what-if")
    desk = Desk(work, doc.claim_id, setup)
    # What was known before the first snapshot came is not on record: the claim was open, or nothing would have come.
    first = _as_it_stood(doc.claim, Standing(since=now, status="open", easements={})) if doc.standings else doc.claim
    desk.doc = replace(doc, claim=first, people={key: _facts_only(person) for key, person in doc.people.items()})
    courses = _courses(doc, doc.claim, work)
    for on, claimant_id, place in _plan(desk, doc.claim):
        if on > until:
            break
        _fire_until(desk, work, courses, start_of(on))
        work.now = work.as_of = start_of(on)
        judging.judge(desk, claimant_id, desk.history(claimant_id), place)
    _fire_until(desk, work, courses, start_of(until + timedelta(days=1)))
    return desk.doc, work.evaluations


def _courses(doc: ClaimDoc, claim: Claim, work: _Nowhere) -> dict[str, Claim]:
    """The claim as it stood, by the name of the timer that makes it so."""
    courses = {}
    for number, standing in enumerate(doc.standings):
        name = f"{_STANDING}-{number:05d}"
        courses[name] = _as_it_stood(claim, standing)
        work.schedule(DueItem(name, (KIND, doc.claim_id), standing.since, _STANDING))
    return courses


def _as_it_stood(claim: Claim, standing: Standing) -> Claim:
    people = tuple(_member(member, standing) for member in claim.claimants)
    return replace(claim, status=standing.status, claimants=people)


def _member(member: ClaimClaimant, standing: Standing) -> ClaimClaimant:
    known = member.easements if standing.easements is None else standing.easements.get(member.claimant_id, ())
    return replace(member, dead=member.claimant_id in standing.dead, easements=known)


def _facts_only(person: Person) -> Person:
    """The person without anything that an earlier rule set did."""
    return replace(person, flags={}, cases={}, settled={}, reviews=(), observed={})


def _plan(desk: Desk, claim: Claim) -> list[tuple[date, str, int]]:
    """(plan day, person, place of the period), in the order in which they come."""
    return sorted(
        (schedule.plan_on(ap.end, desk.setup.book_on(ap.end).parameters), member.claimant_id, place)
        for member in claim.claimants
        for place, ap in enumerate(desk.history(member.claimant_id))
        if not ap.carried
    )


def _fire_until(desk: Desk, work: _Nowhere, courses: Mapping[str, Claim], instant: datetime) -> None:
    while (item := work.next_before(instant)) is not None:
        work.now = work.as_of = item.due_at
        if item.name == _STANDING:
            before, desk.doc = desk.doc, replace(desk.doc, claim=courses[item.id])
            judging.judge_changes(desk, before)
        else:
            timers.fire_on(desk, Due(item.id, (KIND, desk.claim_id), item.due_at, item.name, item.payload, "", ""))
