"""The claim as other services see it: one whole snapshot, and which event says what changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple, cast

import msgspec

from contracts import earnings as events
from contracts.vocabulary import AgeBand, ClaimStatus, LegalGroup
from earnings.model import Claim, Contract, Published
from earnings.rules.books import Member

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(events.Claim).decode


class Announcement(NamedTuple):
    """What is published from now on, and the events that say so, each with its own snapshot version."""

    published: Published | None
    events: list[msgspec.Struct]


def status(contract: Contract, today: date) -> ClaimStatus:
    """`closed` from the closed date on; `suspended` as soon as a suspension date is set, also one in the future."""
    if contract.closed_on is not None and contract.closed_on <= today:
        return "closed"
    return "open" if contract.suspended_on is None else "suspended"


def snapshot(claim_id: str, claim: Claim, contract: Contract, members: Sequence[Member], today: date) -> events.Claim:
    """The whole claim, version 0. A deleted person is left out."""
    self_employed = _self_employed(claim)
    return events.Claim(
        claim_id=claim_id,
        version=0,
        status=status(contract, today),
        couple=len(contract.people) == 2,
        entitlement_date=contract.entitlement,
        payment_day=contract.payment_day,
        closed_date=contract.closed_on,
        claimants=tuple(
            _person(member, self_employed) for member in members if member.claimant is None or not member.claimant.deleted
        ),
    )


def _self_employed(claim: Claim) -> bool:
    newest = max(claim.statements, key=lambda statement: (statement.end, statement.order), default=None)
    return newest is not None and newest.self_employed


def _person(member: Member, self_employed: bool) -> events.ClaimClaimant:
    claimant = member.claimant
    if claimant is None:
        return events.ClaimClaimant(claimant_id=member.claimant_id, self_employed=self_employed, dead=False, nino_known=False)
    easement = claimant.easement
    return events.ClaimClaimant(
        claimant_id=member.claimant_id,
        coach_id=claimant.coach_id,
        office_id=claimant.office_id,
        work_group=claimant.work_group,
        self_employed=self_employed,
        dead=claimant.dead,
        nino_known=claimant.person is not None,
        easements=()
        if easement is None
        else (
            events.Easement(
                from_=easement.starts,
                until=easement.until,
                no_contact_until=easement.no_contact_until,
                voluntary_only=easement.voluntary_only,
                review_on=easement.review_on,
            ),
        ),
        conditionality=tuple(
            events.Conditionality(
                from_=item.starts,
                age_band=cast(AgeBand, item.age_band),
                expected_hours=item.expected_hours,
                legal_group=cast("LegalGroup | None", item.legal_group),
                partner_ineligible=item.partner_ineligible,
            )
            for item in claimant.conditionality
        ),
    )


def announce(
    claim_id: str,
    claim: Claim,
    members: Sequence[Member],
    today: date,
    *,
    erased: Sequence[str] = (),
    moved: Sequence[tuple[str, str, str]] = (),
    backfill: bool = False,
) -> Announcement:
    """Compare with the last published snapshot. erased: persons deleted upstream who are or were on the claim. moved: (person,
    from claim, to claim).

    Where somebody went is said before anything else that names them as absent, so that their case goes along with them.
    """
    contract = claim.contract
    if contract is None:
        return Announcement(claim.published, [])
    now = snapshot(claim_id, claim, contract, members, today)
    encoded = _encode(now)
    before = None if claim.published is None or not claim.published.snapshot else _decode(claim.published.snapshot)
    version = 0 if claim.published is None else claim.published.version
    made: list[msgspec.Struct] = []

    def add(kind: type[Any], **extra: Any) -> None:
        nonlocal version
        version += 1
        full = msgspec.structs.replace(now, version=version)
        made.append(kind(claim_id=claim_id, claim=full, changed=changed, backfill=backfill, **extra))

    changed = _changed(before, now)
    gone = list(erased) if before is not None else []
    for person in gone:
        add(events.ClaimantErased, claimant_id=person)
    if before is None:
        add(events.ClaimOpened)
        if now.status == "closed":
            add(events.ClaimClosed)
        elif now.status == "suspended":
            add(events.ClaimSuspended)
    for person, origin, target in moved:
        add(events.ClaimantMoved, claimant_id=person, from_claim_id=origin, to_claim_id=target)
    if before is not None and claim.published is not None and encoded != claim.published.snapshot:
        for kind, extra in _kinds(before, now, {*gone, *(person for person, _, _ in moved)}):
            add(kind, **extra)
    if not made:
        return Announcement(claim.published, [])
    return Announcement(Published(version, encoded), made)


def _changed(before: events.Claim | None, now: events.Claim) -> tuple[str, ...]:
    names = [field for field in now.__struct_fields__ if field not in ("claim_id", "version", "claimants")]
    if before is None:
        return (*names, "claimants")
    changed = [name for name in names if getattr(before, name) != getattr(now, name)]
    old = {person.claimant_id: person for person in before.claimants}
    if old.keys() != {person.claimant_id for person in now.claimants}:
        changed.append("claimants")
    fields = {
        name
        for person in now.claimants
        if person.claimant_id in old
        for name in person.__struct_fields__
        if getattr(person, name) != getattr(old[person.claimant_id], name)
    }
    return (*changed, *sorted(fields))


def _kinds(before: events.Claim, now: events.Claim, told: set[str]) -> list[tuple[type[Any], dict[str, str]]]:
    """The events that name a difference between two snapshots. told: persons of whom an event already said that they came
    or went."""
    if before.status != now.status:
        kind = {"closed": events.ClaimClosed, "suspended": events.ClaimSuspended, "open": events.ClaimResumed}[now.status]
        return [(kind, {})]
    old = {person.claimant_id: person for person in before.claimants}
    same_people = old.keys() == {person.claimant_id for person in now.claimants}
    people = [person.claimant_id for person in now.claimants if person.claimant_id in old and old[person.claimant_id] != person]
    only_people = same_people and msgspec.structs.replace(before, claimants=()) == msgspec.structs.replace(now, claimants=())
    if only_people and people:
        return [(events.ClaimantChanged, {"claimant_id": person}) for person in people]
    if told and not people and old.keys() - told == {person.claimant_id for person in now.claimants} - told:
        return []
    return [(events.ClaimChanged, {})]
