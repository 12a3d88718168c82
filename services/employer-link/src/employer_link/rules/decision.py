"""What a rule answers, and the small steps that several rules share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import msgspec

from contracts.vocabulary import Party
from employer_link.model import Claim, Claimant, Consent, Employer, Engagement, Policy

Event = msgspec.Struct


_CODE = re.compile(r"[a-z][a-z0-9_-]{0,63}")


def code(text: str) -> str:
    """What topics carry of a caller's words: the text itself if it is a code, else `other`. Words stay in this service."""
    return text if _CODE.fullmatch(text) else "other"


@dataclass(frozen=True, slots=True)
class Decision:
    """New states and what is to be told, in order. None = that document is unchanged."""

    claim: Claim
    events: tuple[Event, ...] = ()
    employer: Employer | None = None
    claimant: Claimant | None = None


def ids(claim: Claim, engagement: Engagement) -> dict[str, Any]:
    """The ids that every engagement event carries."""
    return {
        "engagement_id": engagement.engagement_id,
        "case_id": engagement.case_id,
        "claim_id": claim.claim_id,
        "claimant_id": engagement.claimant_id,
        "employer_id": engagement.employer_id,
    }


def with_engagement(claim: Claim, engagement: Engagement) -> Claim:
    """The claim with this engagement in its new state."""
    return msgspec.structs.replace(claim, engagements={**claim.engagements, engagement.engagement_id: engagement})


def with_consent(claim: Claim, consent: Consent) -> Claim:
    """The claim with this consent in its new state."""
    return msgspec.structs.replace(claim, consents={**claim.consents, consent.consent_id: consent})


def live(consent: Consent | None, today: date) -> bool:
    """A consent counts up to and including its last day, whether or not its timer has run."""
    return consent is not None and consent.state == "live" and today <= consent.expires_on


def person_lost(claim: Claim, claimant_id: str) -> bool:
    """The claim is over, or the person is dead or no longer on it. Before the first snapshot nobody is lost."""
    if claim.status in ("closed", "erased"):
        return True
    if claim.version == 0:
        return False
    person = claim.people.get(claimant_id)
    return person is None or person.dead


def job_lost(claim: Claim, claimant_id: str, employer_id: str, today: date) -> bool:
    """Every known job of this person with this employer has ended. A job never heard of is not an ended one."""
    jobs = [job for job in claim.employments.values() if (job.claimant_id, job.employer_id) == (claimant_id, employer_id)]
    return bool(jobs) and all(job.ended_on is not None and job.ended_on < today for job in jobs)


def responsible(claim: Claim, engagement: Engagement) -> tuple[str | None, str | None]:
    """(coach, office) of the engagement's case, else of the person."""
    case = claim.cases.get(engagement.case_id)
    person = claim.people.get(engagement.claimant_id)
    coach_id = (case and case.coach_id) or (person and person.coach_id) or None
    office_id = (case and case.office_id) or (person and person.office_id) or None
    return coach_id, office_id


APPROVERS: tuple[Party, ...] = ("claimant", "employer", "coach")
"""The coach approves last; the other two in any order, the claimant being asked first."""


def awaited(engagement: Engagement, today: date, policy: Policy) -> tuple[Party, date]:
    """Who moves next in this state, and by when."""
    match engagement.state:
        case "draft":
            return "coach", today + timedelta(days=policy.share)
        case "shared":
            return "employer", today + timedelta(days=policy.answer)
        case "answered":
            missing = next(party for party in APPROVERS if party not in engagement.approvals)
            return missing, today + timedelta(days=policy.approve)
        case "agreed" | "following_up":
            undone = [action for action in engagement.actions if action.done_on is None]
            if undone:
                first = min(undone, key=lambda action: (action.due_on, action.action_id))
                return first.owner, first.due_on
            return "coach", today + timedelta(days=policy.finish)
        case "closed":
            raise ValueError("a closed engagement waits for nobody")


def moved(engagement: Engagement, today: date, policy: Policy, **changes: Any) -> Engagement:
    """The engagement after a move: changes applied, then exactly one next mover and a day, or none when closed."""
    after = msgspec.structs.replace(engagement, revision=engagement.revision + 1, **changes)
    if after.state == "closed":
        return msgspec.structs.replace(after, next_mover=None, due_on=None)
    if "next_mover" in changes:
        return after
    mover, due_on = awaited(after, today, policy)
    return msgspec.structs.replace(after, next_mover=mover, due_on=due_on)
