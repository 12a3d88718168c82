"""What coaches do about what holds somebody back, and the claimant's answer. Each is one person's act, kept with its author."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from contracts import referrals as events
from contracts.reference import OfficeChanged
from referrals import cases
from referrals.desk import OFFICE, PROVIDER, Desk
from referrals.model import Case, Person
from referrals.moves import Turn, illegal, require_basis, require_move
from referrals.rules import support
from referrals.rules.support import Assessment, Barrier, Care, Commitment, Grant, Level, Mandation, OnwardReferral, Promise
from streaming.errors import Refused

replace = msgspec.structs.replace

REFUSALS = {
    "closed-to-referrals": "This support takes no new referrals on this day.",
    "not-in-this-nation": "This support does not exist where the claim is.",
    "alternatives-first": "Say which alternatives were considered first.",
    "mandation-not-allowed": "This support is never mandatory.",
}


def nation_of(desk: Desk, office_id: str | None) -> str | None:
    """Where the claim is: its jurisdiction, else its office's nation; None: not known."""
    if desk.doc.claim is not None and desk.doc.claim.jurisdiction is not None:
        return desk.doc.claim.jurisdiction
    office: OfficeChanged | None = desk.work.get(OFFICE, office_id) if office_id is not None else None
    return office.nation if office is not None else None


def _keep(at: Turn, care: Care, event: str, event_id: str | None = None, **details: Any) -> None:
    desk, person, case, by = at
    person = desk.keep(replace(person, care=care))
    cases.keep(desk, person, cases.note(desk, case, event, by.role, by.name, event_id, **details))


def note_barrier(at: Turn, code: str, level: Level, *, resolved: bool = False) -> None:
    """Something holds the claimant back, weighs differently, or is gone."""
    require_move(at.case, "barriers")
    if code not in at.desk.setup.support.barriers:
        raise Refused(422, "unknown-barrier", "See the list of barriers.", extra={"known": list(at.desk.setup.support.barriers)})
    today, known = at.desk.today, at.person.care.barriers
    same = next((barrier for barrier in known if barrier.code == code and barrier.resolved_on is None), None)
    if resolved and same is None:
        raise Refused(404, "not-found")
    kept = tuple(barrier for barrier in known if barrier is not same)
    noted = Barrier(code=code, level=level, on=today, by=at.by.name)
    if resolved and same is not None:
        noted = replace(same, resolved_on=today)
    _keep(at, replace(at.person.care, barriers=(*kept, noted)), "BarrierResolved" if resolved else "BarrierNoted", barrier=code)


def segment(at: Turn, kind: str) -> None:
    """Which kind of claimant this is, so that the conversation suits them."""
    require_move(at.case, "segment")
    if kind not in at.desk.setup.support.kinds:
        raise Refused(422, "unknown-kind", "See the kinds of claimant.", extra={"known": list(at.desk.setup.support.kinds)})
    _keep(at, replace(at.person.care, kind=kind), "KindNoted", kind=kind)


def assess(at: Turn, skill: support.Skill, grade: support.Grade) -> None:
    """How somebody gets on with digital services or basic skills. Poor skills are a barrier until better ones are found."""
    require_move(at.case, "assessments")
    made = Assessment(skill=skill, grade=grade, on=at.desk.today, by=at.by.name)
    care = replace(at.person.care, assessments=(*at.person.care.assessments, made))
    others = tuple(barrier for barrier in care.barriers if barrier.code != skill or barrier.resolved_on is not None)
    if grade != "confident":
        level: Level = "high" if grade == "none" else "medium"
        others = (*others, Barrier(code=skill, level=level, on=at.desk.today, by=at.by.name))
    _keep(at, replace(care, barriers=others), "SkillAssessed", skill=skill, grade=grade)


def refer(at: Turn, kind: str, provider_id: str, alternatives: Sequence[str], mandation: Mandation) -> str:
    """Refer the claimant onward. Returns the referral's id. Refused 409 where the type's policy or the provider says no."""
    desk, person, case, by = at
    require_move(case, "referrals")
    kind = kind.lower().replace("-", "_")
    type_ = desk.setup.support.types.get(kind)
    code = support.refusal(type_, nation_of(desk, case.office_id), desk.today, mandation, alternatives)
    if code is not None:
        raise illegal(case, REFUSALS[code], code)
    if mandation == "mandatory":
        require_basis(at, "mandatory")
    provider: support.Provider | None = desk.work.get(PROVIDER, provider_id)
    office: OfficeChanged | None = desk.work.get(OFFICE, case.office_id) if case.office_id is not None else None
    if provider is not None and not provider.offers(kind, office.district if office is not None else None, desk.today):
        raise illegal(case, "The provider does not take such referrals from here now.", "provider-not-available")
    referral_id = desk.work.next_id("referral")
    event_id = cases.emit(desk, case, events.ReferralMade, referral_id=referral_id, type=kind, mandation=mandation)
    made = OnwardReferral(
        referral_id=referral_id,
        type=kind,
        provider_id=provider_id,
        alternatives_considered=tuple(alternatives),
        mandation=mandation,
        status="made",
        on=desk.today,
        by=by.name,
        by_role=by.role,
    )
    care = replace(person.care, referrals=(*person.care.referrals, made))
    _keep(at, care, "ReferralMade", event_id, referral_id=referral_id, type=kind, mandation=mandation)
    return referral_id


def update_referral(at: Turn, referral_id: str, status: support.ReferralStatus) -> None:
    """The referral moved on. Refused 404, and 409 with the statuses that can follow."""
    desk, person, case, _ = at
    known = next((one for one in person.care.referrals if one.referral_id == referral_id), None)
    if known is None:
        raise Refused(404, "not-found")
    if status not in support.NEXT[known.status]:
        raise Refused(409, "illegal-move", "The referral cannot go there.", allowed=support.NEXT[known.status])
    fields = {"referral_id": referral_id, "type": known.type, "mandation": known.mandation, "status": status}
    event_id = cases.emit(desk, case, events.ReferralUpdated, **fields)
    moved = tuple(replace(one, status=status) if one is known else one for one in person.care.referrals)
    _keep(at, replace(person.care, referrals=moved), "ReferralUpdated", event_id, **fields)


def grant(at: Turn, purpose: str, amount_pence: int) -> str:
    """Money from the Flexible Support Fund, for the case's office. Returns the grant's id."""
    desk, person, case, by = at
    require_move(case, "support-fund")
    if purpose not in desk.setup.support.funds:
        raise Refused(422, "unknown-purpose", "See the fund's purposes.", extra={"known": list(desk.setup.support.funds)})
    grant_id = desk.work.next_id("grant")
    made = Grant(
        grant_id=grant_id, purpose=purpose, amount_pence=amount_pence, office_id=case.office_id, on=desk.today, by=by.name
    )
    desk.work.append(
        "grant", grant_id=grant_id, office_id=case.office_id, purpose=purpose, amount_pence=amount_pence, made_on=desk.today
    )
    _keep(at, replace(person.care, grants=(*person.care.grants, made)), "SupportFundGranted", grant_id=grant_id, purpose=purpose)
    return grant_id


def write_commitment(at: Turn, items: Sequence[Promise], goal_pence: int | None, review_on: date | None) -> str:
    """A new version of the claimant's commitment, which counts once they accept it. Returns its id."""
    desk, person, case, by = at
    require_move(case, "commitments")
    if review_on is not None and review_on <= desk.today:
        raise Refused(422, "date-not-in-future", "review_on must be a later day than today.")
    if any(item.mandatory for item in items):
        require_basis(at, "mandatory")
    written = Commitment(
        commitment_id=desk.work.next_id("commitment"),
        version=len(person.care.commitments) + 1,
        items=tuple(items),
        state="offered",
        on=desk.today,
        by=by.name,
        by_role=by.role,
        goal_pence=goal_pence,
        review_on=review_on,
    )
    if review_on is not None:
        set_review(desk, person.claimant_id, review_on)
    care = support.offered(person.care, written)
    _keep(at, care, "CommitmentOffered", commitment_id=written.commitment_id, version=written.version)
    return written.commitment_id


def answer_commitment(desk: Desk, claimant_id: str, commitment_id: str, accepts: bool, by_role: str, actor: str) -> Person:
    """The claimant's answer; their coach is told. Refused 404 or 409."""
    person = desk.person(claimant_id)
    if all(one.commitment_id != commitment_id for one in person.care.commitments):
        raise Refused(404, "not-found")
    after = support.answered(person.care, commitment_id, accepts, desk.today)
    if after is None:
        raise Refused(409, "illegal-move", "This version is not waiting for an answer.", allowed=())
    person = desk.keep(replace(person, care=after))
    event = "CommitmentAccepted" if accepts else "CommitmentDeclined"
    return tell_coach(desk, person, event, by_role, actor, commitment_id=commitment_id)


def set_review(desk: Desk, claimant_id: str, on: date) -> None:
    """Set or move the day on which this claim's coach is told to review the commitment."""
    desk.at("review", f"{desk.claim_id}/{claimant_id}", on, claimant_id=claimant_id)


def take_review_along(desk: Desk, person: Person) -> None:
    """The person came to this claim with a commitment whose review is still to come."""
    agreed = [one.review_on for one in person.care.commitments if one.review_on is not None]
    if agreed and agreed[-1] > desk.today:
        set_review(desk, person.claimant_id, agreed[-1])


def review_due(desk: Desk, claimant_id: str) -> None:
    """The commitment's review day has come, or what it rests on changed."""
    person = desk.person(claimant_id)
    if person.care.accepted is not None:
        tell_coach(desk, person, "CommitmentReviewDue", commitment_id=person.care.accepted.commitment_id)


def tell_coach(
    desk: Desk, person: Person, event: str, by_role: str = "system", actor: str | None = None, **details: Any
) -> Person:
    """A line on the claimant's open case, if they have one."""
    case: Case | None = person.open_case()
    if case is None:
        return person
    noted = cases.note(desk, replace(case, unread=True), event, by_role, actor, **details)
    return cases.keep(desk, person, noted)
