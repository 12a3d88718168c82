"""Facts about people and claims: who is on a claim, where they are looked after, what is expected of them."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from contracts import topics
from contracts.earnings import ClaimErased
from contracts.reference import CoachChanged
from contracts.vocabulary import PeriodCause
from earnings.intake.facts import ClaimantFact, CoachFact, ConditionalityFact, ContestFact, ContractFact, EasementFact
from earnings.kinds import CLAIM, CLAIMANT, COACH
from earnings.model import Attributed, Claim, Claimant, Membership, Published
from earnings.payment_facts import forget_person, payments_arrive
from earnings.refresh import CALENDAR, Judge, rank, settle
from earnings.rules.calendar import london_day
from earnings.rules.contests import apply_contest
from earnings.rules.evaluate import timeline
from earnings.rules.payments import LEFT
from earnings.rules.versions import first_determined, judge, judge_numbered
from streaming.work import Work, derive_id


def claimant(work: Work, fact: ClaimantFact, rules: Judge) -> None:
    """A person came, changed or was deleted. A changed NINO moves their pay with them."""
    known: Claimant = work.get(CLAIMANT, fact.record_id) or Claimant()
    verdict = judge(known.order, known.content, fact.order, fact.content)
    if verdict != "applied":
        work.outcome = verdict
        return
    if fact.document is None:
        now = Claimant(order=fact.order, content=fact.content, deleted=True, claims=known.claims)
    else:
        now = replace(
            fact.document,
            content=fact.content,
            easement=known.easement,
            conditionality=known.conditionality,
            claims=known.claims,
            past_claims=known.past_claims,
        )
    work.put(CLAIMANT, fact.record_id, now)
    if known.person != now.person:
        if known.person is not None:
            forget_person(work, known.person, fact.record_id, erase=now.deleted)
        if now.person is not None:
            payments_arrive(work, now.person, fact.record_id)
    if now.deleted:
        for topic in (topics.UCFS_CLAIMANT, topics.CLAIMANT_EASEMENT, topics.CLAIMANT_CONDITIONALITY):
            work.append("erased_record", topic=topic, record_id=fact.record_id)
        for claim_id in (*(membership.claim_id for membership in known.claims), *known.past_claims):
            _forget_in(work, claim_id, fact.record_id)
    for membership in now.claims:
        rules.refresh(
            work,
            membership.claim_id,
            "identity",
            only_new=known.person == now.person and known.deleted == now.deleted,
            erased=[fact.record_id] if now.deleted else (),
        )
    for claim_id in known.past_claims if now.deleted else ():
        rules.refresh(work, claim_id, "identity", only_new=True, erased=[fact.record_id])


def _forget_in(work: Work, claim_id: str, person: str) -> None:
    """Drop what the claim keeps about a deleted person, and every assessment that holds figures of theirs."""
    claim: Claim | None = work.get(CLAIM, claim_id)
    if claim is None:
        return
    paid = {payment_id for payment_id, placed in claim.attributed.items() if placed.claimant_id == person}
    now = replace(
        claim,
        attributed={payment_id: placed for payment_id, placed in claim.attributed.items() if payment_id not in paid},
        determinations=tuple(decision for decision in claim.determinations if decision.payment_id not in paid),
        queries=tuple(query for query in claim.queries if query.claimant_id != person),
        contests=tuple(known for known in claim.contests if known.claimant_id != person),
        jobs={key: job for key, job in claim.jobs.items() if job.claimant_id != person},
    )
    work.put(CLAIM, claim_id, now)
    work.append("erased_periods", claim_id=claim_id, claimant_id=person)


def contract(work: Work, fact: ContractFact, rules: Judge) -> None:
    """A claim came, changed or was deleted."""
    known: Claim = work.get(CLAIM, fact.record_id) or Claim()
    verdict = judge(known.order, known.content, fact.order, fact.content)
    first = known.first if fact.document is None else first_determined(known.first, fact.order, fact.document.entitlement)
    if verdict != "applied":
        work.outcome = verdict
        if known.contract is not None and first != known.first:  # an earlier version that came late names the cycle
            work.put(CLAIM, fact.record_id, replace(known, first=first))
            rules.refresh(work, fact.record_id, "boundary")
        return
    if fact.document is None:
        _erase(work, fact, known, rules)
        return
    now = replace(
        known,
        first=first,
        contract=replace(fact.document, updated_at=work.now),
        order=fact.order,
        content=fact.content,
        deleted=False,
        statements=tuple(replace(statement, waiting=False) for statement in known.statements),
    )
    for statement in known.statements:
        if statement.waiting:
            settle(work, statement.source, "applied")
    work.put(CLAIM, fact.record_id, now)
    old = known.contract
    moved: dict[str, list[tuple[str, str, str]]] = {fact.record_id: []}
    for person in sorted({*(() if old is None else old.people), *fact.document.people}):
        membership = Membership(fact.record_id, fact.document.entitlement) if person in fact.document.people else None
        _join(work, person, fact.record_id, membership, moved)
    only_new = old is not None and (old.people, old.entitlement, old.closed_on) == (
        fact.document.people,
        fact.document.entitlement,
        fact.document.closed_on,
    )
    same_people = old is not None and old.people == fact.document.people
    for claim_id, moves in moved.items():
        own = claim_id == fact.record_id
        why: PeriodCause = "boundary" if own and same_people else "identity"
        rules.refresh(work, claim_id, why, only_new=own and only_new, moved=moves)


def _join(
    work: Work, person: str, claim_id: str, membership: Membership | None, moved: dict[str, list[tuple[str, str, str]]]
) -> None:
    """Write on the person which claims name them. Adds to `moved` every claim of theirs that must be judged again, with
    (person, from, to) for the two between which they moved."""
    claimant: Claimant = work.get(CLAIMANT, person) or Claimant()
    others = tuple(other for other in claimant.claims if other.claim_id != claim_id)
    claims = others if membership is None else tuple(sorted((*others, membership), key=rank))
    if claims == claimant.claims:
        return
    past = tuple(other for other in claimant.past_claims if other != claim_id)
    work.put(CLAIMANT, person, replace(claimant, claims=claims, past_claims=past if membership else (*past, claim_id)))
    for other in others:
        moved.setdefault(other.claim_id, [])
    origin = max(claimant.claims, key=rank).claim_id if claimant.claims else _left_last(work, past)
    if origin is not None and claims:
        target = max(claims, key=rank).claim_id
        if origin != target:
            for one in (origin, target):
                moved.setdefault(one, []).append((person, origin, target))


def _left_last(work: Work, past: Sequence[str]) -> str | None:
    """The claim that somebody on none had left last, unless it is forgotten: their new one may be known only later."""
    claim: Claim | None = work.get(CLAIM, past[-1]) if past else None
    return past[-1] if claim is not None and claim.contract is not None else None


def _erase(work: Work, fact: ContractFact, known: Claim, rules: Judge) -> None:
    """Forget the claim. A tombstone stays, so that an older insert does not bring it back and that versions go on rising
    should a newer one do so."""
    for statement in known.statements:
        if statement.waiting:
            settle(work, statement.source, "ignored", "claim_deleted")
    published = None if known.published is None else Published(known.published.version, b"")
    tombstone = Claim(
        order=fact.order,
        content=fact.content,
        deleted=True,
        published=published,
        assessed=tuple(replace(item, content=b"", gone=True) for item in known.assessed),
        attributed={key: Attributed(item.start, 0, LEFT, item.version, invalid=True) for key, item in known.attributed.items()},
    )
    work.put(CLAIM, fact.record_id, tombstone)
    moved: dict[str, list[tuple[str, str, str]]] = {}
    for person in () if known.contract is None else known.contract.people:
        _join(work, person, fact.record_id, None, moved)
    if known.published is not None and known.published.snapshot:
        work.emit(topics.EARNINGS_CIRCUMSTANCES, fact.record_id, ClaimErased(claim_id=fact.record_id))
    if known.next_change is not None:
        work.cancel(derive_id(CALENDAR, fact.record_id))
    work.append("erased_claim", claim_id=fact.record_id)
    work.append("erased_record", topic=topics.UCFS_CONTRACT, record_id=fact.record_id)
    for statement_id in (*(statement.statement_id for statement in known.statements), *known.past_statements):
        work.append("erased_record", topic=topics.UCFS_STATEMENT, record_id=statement_id)
    for claim_id in moved.keys() - {fact.record_id}:
        rules.refresh(work, claim_id, "identity")


def easement(work: Work, fact: EasementFact, rules: Judge) -> None:
    """The effect of an easement; it replaces the earlier one."""
    known: Claimant = work.get(CLAIMANT, fact.record_id) or Claimant()
    before = known.easement
    verdict = judge_numbered(None if before is None else before.version, fact.document.version, before == fact.document)
    _circumstance(work, fact.record_id, known, verdict, replace(known, easement=fact.document), rules)


def conditionality(work: Work, fact: ConditionalityFact, rules: Judge) -> None:
    """What is expected from a day on; replaces an entry that begins on the same day."""
    known: Claimant = work.get(CLAIMANT, fact.record_id) or Claimant()
    newest = max(known.conditionality, key=lambda item: item.version, default=None)
    verdict = judge_numbered(None if newest is None else newest.version, fact.document.version, newest == fact.document)
    kept = [item for item in known.conditionality if item.starts != fact.document.starts]
    listed = tuple(sorted([*kept, fact.document], key=lambda item: item.starts))
    _circumstance(work, fact.record_id, known, verdict, replace(known, conditionality=listed), rules)


def _circumstance(work: Work, person: str, known: Claimant, verdict: str, now: Claimant, rules: Judge) -> None:
    if known.deleted:
        work.outcome, work.reason = "ignored", "claimant_deleted"
        return
    work.outcome = verdict
    if verdict != "applied":
        return
    work.put(CLAIMANT, person, now)
    for membership in now.claims:
        rules.refresh(work, membership.claim_id, "identity", only_new=True)


def contest(work: Work, fact: ContestFact, rules: Judge) -> None:
    """Earnings are in dispute, or no longer: marks the period, or the newest closed one and those that follow."""
    claim: Claim = work.get(CLAIM, fact.claim_id) or Claim()
    periods = timeline(fact.claim_id, claim, (), london_day(work.now), rules.policy).periods
    contests = apply_contest(
        claim, fact.claim_id, fact.record_id, fact.period_id, periods, london_day(work.now), opened=fact.opened
    )
    if contests == claim.contests:
        work.outcome = "ignored"
        return
    work.put(CLAIM, fact.claim_id, replace(claim, contests=contests))
    rules.refresh(work, fact.claim_id, "determination")


def coach(work: Work, fact: CoachFact) -> None:
    """Where a coach works now, which outranks a token issued earlier. Nothing about claims depends on it."""
    known: CoachChanged | None = work.get(COACH, fact.record_id)
    if known is not None and fact.document.version <= known.version:
        work.outcome = "superseded"
        return
    work.put(COACH, fact.record_id, fact.document)
