"""What other services told us, put into the claim. Only facts change here; `settle` then draws the consequences.

Facts of different topics come in any order; each function keeps whatever is known already.
"""

from __future__ import annotations

import msgspec

from contracts import earnings, referrals
from employer_link.model import Case, Claim, Employment, Person

_replace = msgspec.structs.replace


def snapshot(claim: Claim, news: earnings.Claim) -> Claim | None:
    """The claim with the newest snapshot, or None when it is not newer. A newer one also brings an erased claim again."""
    if news.version <= claim.version:
        return None
    people = {
        person.claimant_id: Person(coach_id=person.coach_id, office_id=person.office_id, dead=person.dead)
        for person in news.claimants
        if person.claimant_id not in claim.erased_people
    }
    return _replace(claim, version=news.version, status=news.status, people=people)


def forget_person(claim: Claim, claimant_id: str) -> Claim:
    """Everything of one person goes: facts, consents, engagements. Their id stays, so that late events bring nothing back."""
    return _replace(
        claim,
        erased_people=claim.erased_people | {claimant_id},
        people={key: value for key, value in claim.people.items() if key != claimant_id},
        cases={key: value for key, value in claim.cases.items() if value.claimant_id != claimant_id},
        employments={key: value for key, value in claim.employments.items() if value.claimant_id != claimant_id},
        consents={key: value for key, value in claim.consents.items() if value.claimant_id != claimant_id},
        engagements={key: value for key, value in claim.engagements.items() if value.claimant_id != claimant_id},
    )


def erase(claim: Claim) -> Claim:
    """Only the fact of the erasure and the version known then stay, so that late events bring nothing back."""
    return Claim(claim_id=claim.claim_id, version=claim.version, status="erased")


def employment_started(claim: Claim, event: earnings.EmploymentStarted) -> Claim:
    """A job is known. An end heard of earlier stays, unless the new start lies after it."""
    known = claim.employments.get(event.employment_id)
    ended_on = known.ended_on if known is not None else None
    if ended_on is not None and event.started_on > ended_on:
        ended_on = None
    job = Employment(claimant_id=event.claimant_id, employer_id=event.employer_id, started_on=event.started_on, ended_on=ended_on)
    return _replace(claim, employments={**claim.employments, event.employment_id: job})


def employment_ended(claim: Claim, event: earnings.EmploymentEnded) -> Claim:
    """The last day of a job is known; it may lie ahead."""
    known = claim.employments.get(event.employment_id)
    job = Employment(
        claimant_id=event.claimant_id,
        employer_id=event.employer_id,
        started_on=known.started_on if known is not None else None,
        ended_on=event.ended_on,
    )
    return _replace(claim, employments={**claim.employments, event.employment_id: job})


def case_opened(claim: Claim, event: referrals.CaseOpened) -> Claim:
    """A case is known, with its coach and office."""
    case = Case(claimant_id=event.claimant_id, coach_id=event.coach_id, office_id=event.office_id)
    return _with_case(claim, event.case_id, case)


def case_reassigned(claim: Claim, event: referrals.CaseReassigned) -> Claim:
    """Another coach has the case; another office too, where one is named. The old office sees nothing from then on."""
    case = claim.cases.get(event.case_id) or Case(claimant_id=event.claimant_id)
    return _with_case(claim, event.case_id, _replace(case, coach_id=event.to, office_id=event.office_id or case.office_id))


def case_ended(claim: Claim, case_id: str, claimant_id: str, *, open_: bool) -> Claim:
    """The case closed or opened again. Running engagements go on: following up may outlast the case."""
    case = claim.cases.get(case_id) or Case(claimant_id=claimant_id)
    return _with_case(claim, case_id, _replace(case, open=open_))


def _with_case(claim: Claim, case_id: str, case: Case) -> Claim:
    return _replace(claim, cases={**claim.cases, case_id: case})
