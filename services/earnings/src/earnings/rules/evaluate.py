"""A claim's whole timeline from all its facts, and what must be published because it changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from contracts.earnings import PeriodAssessed, PeriodClaimant
from contracts.ids import period_id
from contracts.vocabulary import PeriodCause, PeriodStatus
from earnings.model import Assessed, Claim, Contract, Query, Statement
from earnings.rules import surplus
from earnings.rules.assessment import assess
from earnings.rules.books import Books, Member, keep
from earnings.rules.calendar import DAY, Period, london_day, london_midnight, series
from earnings.rules.payments import payment_events
from earnings.rules.policy import Policy
from earnings.rules.quality import Doubts, doubts
from earnings.rules.queries import query_events, settled_by_people

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Context:
    """What an evaluation may know besides the facts.

    now: the platform clock. why: cause named in assessments that change. only_new: no evidence changed, only the calendar or
    circumstances did, so that periods assessed before stand. backfill: history is being loaded; written into every
    assessment.
    """

    now: datetime
    why: PeriodCause
    policy: Policy
    only_new: bool = False
    backfill: bool = False

    @property
    def today(self) -> date:
        """The London day of `now`."""
        return london_day(self.now)


class Timeline(NamedTuple):
    """Periods that have begun, the statement of each (None: none yet), and every person's books. cycle: the entitlement date
    determined first, where its cycle is kept although another is determined now. surplus: places of the periods into which
    surplus earnings are carried."""

    periods: tuple[Period, ...]
    statements: tuple[Statement | None, ...]
    books: tuple[Books, ...]
    cycle: date | None = None
    surplus: frozenset[int] = frozenset()


@dataclass(slots=True)
class Decision:
    """The claim as it is now, when its calendar next changes, and the events that follow: payments, then periods."""

    claim: Claim
    next_change: datetime | None = None
    payment_events: list[msgspec.Struct] = field(default_factory=list)
    period_events: list[PeriodAssessed] = field(default_factory=list)


def timeline(claim_id: str, claim: Claim, members: Sequence[Member], today: date, policy: Policy) -> Timeline:
    """Lay out the claim's periods up to today and everybody's pay in them."""
    contract = claim.contract
    if contract is None:
        return Timeline((), (), ())
    by_start: dict[date, Statement] = {}
    for statement in claim.statements:
        known = by_start.get(statement.start)
        if known is None or statement.order > known.order:
            by_start[statement.start] = statement
    explicit = [(statement.start, statement.end) for statement in by_start.values()]
    cycle = _kept_cycle(claim, contract, policy)
    periods = tuple(series(contract.entitlement, explicit, last_day(contract, today), cycle))
    statements = tuple(by_start.get(period.start) if period.explicit else None for period in periods)
    books = tuple(keep(member, periods, claim.determinations, policy) for member in members)
    return Timeline(periods, statements, books, cycle, _surplus(periods, statements, policy))


def _surplus(periods: Sequence[Period], statements: Sequence[Statement | None], policy: Policy) -> frozenset[int]:
    """Regulation 54A on what the statements show; a period without a complete one is not known."""
    known: list[surplus.Period | None] = []
    for period, statement in zip(periods, statements, strict=True):
        figures = policy.surplus_on(period.start)
        if statement is None or statement.net is None or statement.maximum is None or figures is None:
            known.append(None)
            continue
        allowance = figures.work_allowances.get(statement.allowance, 0) if statement.allowance is not None else 0
        known.append(surplus.Period(statement.maximum, allowance, surplus.Month(statement.net), figures))
    return surplus.carried_into(known)


def _kept_cycle(claim: Claim, contract: Contract, policy: Policy) -> date | None:
    """Regulation 21A: another entitlement date determined later does not change the cycle."""
    if claim.first is None or not policy.cycle_kept or claim.first.entitlement.day == contract.entitlement.day:
        return None
    return claim.first.entitlement


def last_day(contract: Contract, today: date) -> date:
    """No period begins on or after the day the claim closed."""
    return today if contract.closed_on is None else min(today, contract.closed_on - DAY)


def next_change(claim: Claim, contract: Contract, periods: Sequence[Period], now: datetime) -> datetime | None:
    """The next moment at which the calendar alone changes something: a period's end, the first start, the closed date."""
    starts = (contract.entitlement, *(statement.start for statement in claim.statements))
    days = [periods[-1].end + DAY] if periods else list(starts)
    if contract.closed_on is not None:
        days.append(contract.closed_on)
    later = [moment for day in days if (moment := london_midnight(day)) > now]
    return min(later, default=None)


def evaluate(claim_id: str, claim: Claim, members: Sequence[Member], context: Context) -> Decision:
    """Judge the claim anew from all stored facts; publish the differences to what was published before."""
    today, policy = context.today, context.policy
    line = timeline(claim_id, claim, members, today, policy)
    decision = Decision(claim)
    if claim.contract is not None:
        decision.next_change = next_change(claim, claim.contract, line.periods, context.now)
    attributed, jobs, decision.payment_events = payment_events(claim_id, claim, line.books, line.periods)
    claim = msgspec.structs.replace(claim, attributed=attributed, jobs=jobs)
    known = {item.start: item for item in claim.assessed if not item.gone}
    stale = [
        index
        for index, period in enumerate(line.periods)
        if (period.end < today or period.start in known) and not (context.only_new and _settled(known.get(period.start), period))
    ]
    vanished = set(known) - {period.start for period in line.periods}
    if stale or vanished:
        claim = _assess_all(claim_id, claim, line, stale, vanished, context, decision)
    decision.claim = claim
    return decision


def _settled(before: Assessed | None, period: Period) -> bool:
    """Already assessed as closed, with these dates."""
    return before is not None and before.closed and before.end == period.end


def _assess_all(
    claim_id: str, claim: Claim, line: Timeline, stale: list[int], vanished: set[date], context: Context, decision: Decision
) -> Claim:
    settled = settled_by_people(claim.queries, line.periods)
    found = [doubts(books, line.periods, context.policy, settled.get(books.member.claimant_id, ())) for books in line.books]
    assessed = {item.start: item for item in claim.assessed}
    for index in stale:
        event, content = _assess(claim_id, claim, line, found, index, context)
        before = assessed.get(event.start)
        if before is not None and not before.gone and before.content == content:
            continue
        event = _versioned(event, before, vanished, context.why)
        assessed[event.start] = Assessed(event.start, event.end, event.version, content, event.status == "closed")
        decision.period_events.append(event)
    for start in vanished:
        assessed[start] = msgspec.structs.replace(assessed[start], gone=True)
    claim = msgspec.structs.replace(claim, assessed=tuple(assessed[start] for start in sorted(assessed)))
    closed = {line.periods[index].start for index in stale if line.periods[index].end < context.today}
    causes = {
        (books.member.claimant_id, line.periods[index].start, cause)
        for books, doubt in zip(line.books, found, strict=True)
        for index in stale
        if line.periods[index].start in closed
        for cause in doubt.causes.get(index, ())
    }
    looked_at = {line.periods[index].start for index in stale} | vanished
    queries, events = query_events(claim_id, claim, causes, looked_at, context.now, context.policy)
    decision.payment_events.extend(events)
    return msgspec.structs.replace(claim, queries=queries)


def _versioned(event: PeriodAssessed, before: Assessed | None, vanished: set[date], why: PeriodCause) -> PeriodAssessed:
    """Version, what it supersedes, and why. A period that takes over from vanished ones says `boundary`."""
    if before is None:
        overlaps = any(abs((start - event.start).days) < 31 for start in vanished)
        return msgspec.structs.replace(event, version=1, why="boundary" if overlaps else "closed")
    moved = before.gone or before.end != event.end
    if not before.closed and event.status == "closed":
        cause: PeriodCause = "closed"
    else:
        cause = "boundary" if moved else why
    return msgspec.structs.replace(event, version=before.version + 1, supersedes=before.version, why=cause)


def _assess(
    claim_id: str, claim: Claim, line: Timeline, found: Sequence[Doubts], index: int, context: Context
) -> tuple[PeriodAssessed, bytes]:
    period, statement = line.periods[index], line.statements[index]
    alone = claim.contract is not None and len(claim.contract.people) == 1
    extra = _from_people(claim, period)
    if statement is None and _self_employed_before(line, index):
        for markers in extra.values():
            markers.add("self_employed")
    if index in line.surplus:
        for markers in extra.values():
            markers.add("surplus")
    household_rti = sum(max(0, book.total(index)) for books in line.books for book in books.jobs)
    entries: list[PeriodClaimant] = []
    evidence: list[str] = []
    for books, doubt in zip(line.books, found, strict=True):
        markers = set(doubt.markers.get(index, ())) | extra.get(books.member.claimant_id, set())
        entries.append(
            assess(
                books, line.periods, index, statement, markers,
                alone=alone, household_gross=household_rti, policy=context.policy,
            )
        )  # fmt: skip
        evidence.extend(payment for payment, (home, _) in books.homes.items() if home == index)
    if statement is not None:
        evidence.append(statement.statement_id)
    amounts = [entry.attributed_pence for entry in entries]
    status: PeriodStatus = "closed" if period.end < context.today else "open"
    event = PeriodAssessed(
        claim_id=claim_id,
        period_id=period_id(claim_id, period.start),
        upstream_period_id=None if statement is None else statement.upstream_period_id,
        start=period.start,
        end=period.end,
        version=0,
        why="closed",
        status=status,
        claimants=tuple(entries),
        household_net_pence=None if statement is None else statement.net,
        household_gross_pence=None if None in amounts or not amounts else sum(amount or 0 for amount in amounts),
        statement_id=None if statement is None else statement.statement_id,
        assessed_at=context.now,
        evidence=tuple(sorted(evidence)),
        backfill=context.backfill,
    )
    return event, blake2b(_encode(msgspec.structs.replace(event, assessed_at=_EPOCH, backfill=False)), digest_size=16).digest()


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def open_period(claim_id: str, claim: Claim, members: Sequence[Member], context: Context) -> PeriodAssessed | None:
    """The period in progress as today's evidence shows it; version 0, because it was never published."""
    line = timeline(claim_id, claim, members, context.today, context.policy)
    if not line.periods or line.periods[-1].end < context.today:
        return None
    settled = settled_by_people(claim.queries, line.periods)
    found = [doubts(books, line.periods, context.policy, settled.get(books.member.claimant_id, ())) for books in line.books]
    return _assess(claim_id, claim, line, found, len(line.periods) - 1, context)[0]


def _from_people(claim: Claim, period: Period) -> Mapping[str, set[str]]:
    """Markers that people set: disputes, and queries they raised."""
    people = () if claim.contract is None else claim.contract.people
    marks: dict[str, set[str]] = {person: set() for person in people}
    for contest in claim.contests:
        if contest.claimant_id in marks and (
            contest.start == period.start or (contest.onwards and period.start >= contest.start)
        ):
            marks[contest.claimant_id].add("disputed")
    for query in claim.queries:
        if _open_by_person(query) and query.start == period.start and query.claimant_id in marks:
            marks[query.claimant_id].add(query.cause)
    return marks


def _open_by_person(query: Query) -> bool:
    return query.by == "person" and query.resolved_at is None


def _self_employed_before(line: Timeline, index: int) -> bool:
    for statement in reversed(line.statements[:index]):
        if statement is not None:
            return statement.self_employed
    return False
