"""Who is responsible for whom, from the newest facts: access ends when a coach moves or stops, whatever the token says."""

from __future__ import annotations

from dataclasses import replace

from employer_link.model import Claim, Coach
from web.access import Subject
from web.principal import Principal

STAFF = ("coach", "team-leader")
PARTIES = ("claimant", *STAFF)


def current(principal: Principal, coach: Coach | None) -> Principal:
    """The caller with what reference data says about them now: the offices of today, nothing at all once inactive."""
    if coach is None:
        return principal
    if not coach.active:
        return replace(principal, scopes=principal.scopes - set(STAFF), office_ids=(), coach_id=None)
    return replace(principal, office_ids=coach.offices)


def subject(claim: Claim, claimant_id: str) -> Subject:
    """The person, and the coaches and offices that look after them: upstream's, and those of their open cases."""
    person = claim.people.get(claimant_id)
    places = [] if person is None else [(person.coach_id, person.office_id)]
    places += [(case.coach_id, case.office_id) for case in claim.cases.values() if case.claimant_id == claimant_id and case.open]
    return Subject(
        claimant_ids=(claimant_id,),
        coach_ids=tuple(coach_id for coach_id, _ in places if coach_id is not None),
        office_ids=tuple(office_id for _, office_id in places if office_id is not None),
    )
