"""Reads what other services publish: decodes before the transaction, keeps the facts inside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, assert_never

import msgspec

from contracts import earnings, reference, referrals, topics
from contracts.envelope import Envelope, decode, parse
from contracts.errors import ContractError
from employer_link.acts import commit
from employer_link.model import Claim, Claimant, Coach, Employer, Office, Policy
from employer_link.rules import facts
from employer_link.rules.decision import Decision
from streaming.records import Bad, Cause, Ignored, Item, Prepared, Record, Root
from streaming.work import Work

Snapshot: TypeAlias = (
    earnings.ClaimOpened
    | earnings.ClaimChanged
    | earnings.ClaimSuspended
    | earnings.ClaimResumed
    | earnings.ClaimClosed
    | earnings.ClaimantChanged
    | earnings.ClaimantErased
    | earnings.ClaimantMoved
)
Heard: TypeAlias = (
    Snapshot
    | earnings.ClaimErased
    | earnings.EmploymentStarted
    | earnings.EmploymentEnded
    | referrals.CaseOpened
    | referrals.CaseReassigned
    | referrals.CaseClosed
    | referrals.CaseReopened
    | reference.OfficeChanged
    | reference.CoachChanged
)
HANDLED: dict[str, tuple[type[msgspec.Struct], ...]] = {
    topics.EARNINGS_CIRCUMSTANCES: (*Snapshot.__args__, earnings.ClaimErased),
    topics.EARNINGS_PAYMENT: (earnings.EmploymentStarted, earnings.EmploymentEnded),
    topics.PROGRESSION_CASE: (referrals.CaseOpened, referrals.CaseReassigned, referrals.CaseClosed, referrals.CaseReopened),
    topics.PROGRESSION_REFERENCE: (reference.OfficeChanged, reference.CoachChanged),
}
"""What this service listens to; every other type of these topics is ignored."""

_NAMES = {topic: {kind.__name__ for kind in kinds} for topic, kinds in HANDLED.items()}


def prepare(records: Sequence[Record]) -> list[Prepared]:
    """One entry for each record: usable, broken (dead letter) or not for this service."""
    return [_prepare(record) for record in records]


def _prepare(record: Record) -> Prepared:
    if record.value is None:
        return Ignored(record, "tombstone")
    try:
        envelope = parse(record.headers)
        if envelope.type not in _NAMES[record.topic]:
            return Ignored(record, "unknown_type")
        body = decode(envelope.type, record.value, topic=record.topic)
    except ContractError as error:
        return Bad(record, str(error))
    if body is None:
        return Ignored(record, "unknown_type")
    return _item(record, envelope, body)


def _item(record: Record, envelope: Envelope, body: msgspec.Struct) -> Prepared:
    key, roots = _roots(body)
    if record.key != key.encode():
        return Bad(record, "key_mismatch")
    if any("\x00" in name for _, name in roots):
        return Bad(record, "id_invalid")
    cause = Cause(envelope.id, envelope.correlation_id or envelope.id, envelope.traceparent)
    versioned = isinstance(body, (*Snapshot.__args__, reference.OfficeChanged, reference.CoachChanged))
    return Item(record, cause, roots, body, None if versioned else envelope.id)


def _roots(body: msgspec.Struct) -> tuple[str, tuple[Root, ...]]:
    """The partition key that the event must have, and the documents it is about."""
    if isinstance(body, reference.OfficeChanged):
        return f"office:{body.office_id}", (("office", body.office_id),)
    if isinstance(body, reference.CoachChanged):
        return f"coach:{body.coach_id}", (("coach", body.coach_id),)
    claim_id: str = body.claim_id  # type: ignore[attr-defined]  # every other event of these topics has one
    if isinstance(body, earnings.EmploymentStarted):
        return claim_id, (("claim", claim_id), ("employer", body.employer_id))
    if isinstance(body, Snapshot):
        return claim_id, (("claim", claim_id), *(("claimant", person.claimant_id) for person in body.claim.claimants))
    return claim_id, (("claim", claim_id),)


def handle(work: Work, item: Item, policy: Policy) -> None:
    """Keep one fact and settle the claim."""
    event: Heard = item.body
    if isinstance(event, reference.OfficeChanged):
        _office(work, event)
        return
    if isinstance(event, reference.CoachChanged):
        _coach(work, event)
        return
    claim: Claim = work.get("claim", event.claim_id) or Claim(claim_id=event.claim_id)
    if _forgotten(claim, event):
        work.outcome = "superseded"
        return
    match event:
        case earnings.ClaimErased():
            erased = msgspec.structs.replace(claim, status="erased")
            _follow_people(work, claim, commit(work, Decision(erased), policy, finish=facts.erase))
        case earnings.ClaimantErased():
            _claimant_erased(work, claim, event, policy)
        case (
            earnings.ClaimOpened()
            | earnings.ClaimChanged()
            | earnings.ClaimSuspended()
            | earnings.ClaimResumed()
            | earnings.ClaimClosed()
            | earnings.ClaimantChanged()
            | earnings.ClaimantMoved()
        ):
            newer = facts.snapshot(claim, event.claim)
            if newer is None:
                work.outcome = "superseded"
            else:
                _follow_people(work, claim, commit(work, Decision(newer), policy))
        case earnings.EmploymentStarted():
            _name_employer(work, event)
            commit(work, Decision(facts.employment_started(claim, event)), policy)
        case earnings.EmploymentEnded():
            commit(work, Decision(facts.employment_ended(claim, event)), policy)
        case referrals.CaseOpened():
            commit(work, Decision(facts.case_opened(claim, event)), policy)
        case referrals.CaseReassigned():
            commit(work, Decision(facts.case_reassigned(claim, event)), policy)
        case referrals.CaseClosed():
            commit(work, Decision(facts.case_ended(claim, event.case_id, event.claimant_id, open_=False)), policy)
        case referrals.CaseReopened():
            commit(work, Decision(facts.case_ended(claim, event.case_id, event.claimant_id, open_=True)), policy)
        case _:
            assert_never(event)


def _forgotten(claim: Claim, event: Heard) -> bool:
    """The claim or the person was erased: nothing that comes later is kept about them, unless upstream has the claim again."""
    if isinstance(event, Snapshot):
        return claim.status == "erased" and event.claim.version <= claim.version
    return claim.status == "erased" or getattr(event, "claimant_id", None) in claim.erased_people


def _claimant_erased(work: Work, claim: Claim, event: earnings.ClaimantErased, policy: Policy) -> None:
    """Also when the snapshot is old: what was told with it, to forget this person, still holds."""
    newer = facts.snapshot(claim, event.claim) or claim
    people = {key: person for key, person in newer.people.items() if key != event.claimant_id}
    without = msgspec.structs.replace(newer, people=people, version=max(newer.version, 1))
    after = commit(work, Decision(without), policy, finish=lambda settled: facts.forget_person(settled, event.claimant_id))
    _follow_people(work, claim, after)
    if work.get("claimant", event.claimant_id) is not None:
        work.put("claimant", event.claimant_id, None)


def _follow_people(work: Work, before: Claim, after: Claim) -> None:
    """Each person's document says which claims name them. Whoever leaves takes their hard stop along; an erased claim takes it
    with it when no other names them."""
    for claimant_id in sorted({*before.people, *after.people}):
        known: Claimant | None = work.get("claimant", claimant_id)
        person = known or Claimant(claimant_id=claimant_id)
        others = person.claims - {after.claim_id}
        claims = others | {after.claim_id} if claimant_id in after.people else others
        person = msgspec.structs.replace(person, claims=claims)
        stays = bool(claims) or (person.has_stop and after.status != "erased")
        if stays and person != known:
            work.put("claimant", claimant_id, person)
        elif not stays and known is not None:
            work.put("claimant", claimant_id, None)


def _name_employer(work: Work, event: earnings.EmploymentStarted) -> None:
    employer: Employer | None = work.get("employer", event.employer_id)
    known = employer or Employer(employer_id=event.employer_id)
    named = msgspec.structs.replace(known, name=event.employer_name or known.name)
    if named != employer:
        work.put("employer", event.employer_id, named)


def _office(work: Work, event: reference.OfficeChanged) -> None:
    known: Office | None = work.get("office", event.office_id)
    if known is not None and known.version >= event.version:
        work.outcome = "superseded"
        return
    work.put("office", event.office_id, Office(office_id=event.office_id, version=event.version, name=event.name))


def _coach(work: Work, event: reference.CoachChanged) -> None:
    known: Coach | None = work.get("coach", event.coach_id)
    if known is not None and known.version >= event.version:
        work.outcome = "superseded"
        return
    coach = Coach(coach_id=event.coach_id, version=event.version, offices=event.offices, active=event.active)
    work.put("coach", event.coach_id, coach)
