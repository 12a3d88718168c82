"""The changes that callers ask for, inside the transaction: find, match the ETag, decide, commit, show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from contracts.vocabulary import Ask
from employer_link import views
from employer_link.acts import commit, london_day
from employer_link.model import Claim, Claimant, Employer, Illegal, Office, OnBehalf, Policy
from employer_link.moves import Rule
from employer_link.rules import consents, engagements
from employer_link.rules.decision import Decision
from employer_link.rules.disclosure import visibility
from employer_link.webhooks import named
from streaming.errors import Refused
from streaming.work import Reply, Work
from web import etag

_INVALID = {
    "unknown-field": "fields: only names that the employer view has.",
    "no-fields": "fields: at least one of those that need consent.",
    "due-on-past": "due_on: today or later.",
    "expires-on-out-of-range": "expires_on: today or later, at most a year ahead.",
}
_REFUSED = {
    "illegal-move": "This move is not open to you now.",
    "coach-approves-last": "The claimant and the employer approve before the coach.",
    "employer-contact-forbidden": "The claimant said not to contact this employer.",
    "employer-contact-cap": "This employer was contacted as often as the cap allows.",
    "consent-ended": "The consent has ended.",
    "consent-does-not-match": "The consent is not this person's for this employer.",
    "case-not-open": "There is no such open case.",
    "claim-not-open": "The claim is not open.",
    "job-ended": "The person no longer works for this employer.",
    "engagement-exists": "There is an open engagement of this case with this employer.",
    "not-your-open-action": "There is no such open action of yours.",
    "reason-not-allowed": "The engagement cannot be closed for this reason now.",
}


def refusal(error: Illegal) -> Refused:
    """How a rule's refusal is answered: 422 for a value that is never right, else 409 with what is allowed."""
    if error.code in _INVALID:
        return Refused(422, error.code, _INVALID[error.code])
    extra = {} if error.next_allowed_on is None else {"next_allowed_on": error.next_allowed_on.isoformat()}
    return Refused(409, error.code, _REFUSED[error.code], allowed=error.allowed, extra=extra)


def not_found() -> Refused:
    """What must not be seen does not exist."""
    return Refused(404, "not-found")


def gone() -> Refused:
    """The ground for showing it has ended."""
    return Refused(410, "gone", "This engagement can no longer be seen.")


def shown(view: views.View, status: int = 200, location: str | None = None) -> Reply:
    """A reply with the view and its ETag."""
    headers = {"ETag": etag.of(view)}
    if location is not None:
        headers["Location"] = location
    return Reply(status, view, headers)


def _decided(work: Work, policy: Policy, rule: Callable[[], Decision]) -> Claim:
    try:
        decision = rule()
    except Illegal as error:
        raise refusal(error) from None
    return commit(work, decision, policy)


def _claim(work: Work, claim_id: str) -> Claim:
    claim: Claim | None = work.get("claim", claim_id)
    if claim is None or claim.status == "erased":
        raise not_found()
    return claim


# ---- the claimant, or a coach on their behalf ----


def give_consent(
    work: Work, claim_id: str, claimant_id: str, body: dict[str, Any], on_behalf: OnBehalf | None, policy: Policy
) -> Reply:
    """POST /v1/consents."""
    claim = _claim(work, claim_id)
    claimant = work.get("claimant", claimant_id) or Claimant(claimant_id=claimant_id)
    consent_id = work.next_id("consent")
    after = _decided(
        work,
        policy,
        lambda: consents.give(
            claim,
            claimant,
            consent_id=consent_id,
            on_behalf=on_behalf,
            now=work.now,
            today=london_day(work.now),
            policy=policy,
            **body,
        ),
    )
    return shown(views.consent_view(after.consents[consent_id]), 201, f"/v1/consents/{consent_id}")


def withdraw_consent(work: Work, claim_id: str, consent_id: str, on_behalf: OnBehalf | None, policy: Policy) -> Reply:
    """DELETE /v1/consents/{id}."""
    claim = _claim(work, claim_id)
    consent = claim.consents.get(consent_id)
    if consent is None:
        raise not_found()
    work.require_match(etag.of(views.consent_view(consent)))
    after = _decided(work, policy, lambda: consents.withdraw(claim, consent, on_behalf=on_behalf, now=work.now))
    return shown(views.consent_view(after.consents[consent_id]))


def set_contact(
    work: Work,
    claim_id: str,
    others: list[str],
    claimant_id: str,
    employer_id: str | None,
    allowed: bool,
    on_behalf: OnBehalf | None,
    policy: Policy,
) -> Reply:
    """PUT /v1/claimants/{id}/employer-contact. others: further claims that hold something of this person."""
    claim = _claim(work, claim_id)
    if claimant_id not in claim.people:  # gone, perhaps erased, since the claim was looked up
        raise not_found()
    claimant = work.get("claimant", claimant_id)
    work.require_match(etag.of(views.contact_view(claimant_id, claimant)))
    known = claimant or Claimant(claimant_id=claimant_id)
    _decided(
        work,
        policy,
        lambda: consents.set_contact(claim, known, employer_id=employer_id, allowed=allowed, on_behalf=on_behalf),
    )
    for other in others:
        elsewhere: Claim | None = work.get("claim", other)
        if other != claim_id and elsewhere is not None:
            commit(work, Decision(elsewhere), policy)  # settled against the new word
    return shown(views.contact_view(claimant_id, work.get("claimant", claimant_id)))


# ---- engagements ----


def open_engagement(
    work: Work, claim_id: str, *, case_id: str, employer_id: str, consent_id: str, ask: Ask, policy: Policy
) -> Reply:
    """POST /v1/engagements."""
    claim = _claim(work, claim_id)
    consent = claim.consents.get(consent_id)
    claimant = work.get("claimant", consent.claimant_id) if consent is not None else None
    engagement_id = work.next_id("engagement")
    after = _decided(
        work,
        policy,
        lambda: engagements.open_engagement(
            claim,
            claimant,
            engagement_id=engagement_id,
            case_id=case_id,
            employer_id=employer_id,
            consent_id=consent_id,
            ask=ask,
            now=work.now,
            today=london_day(work.now),
            policy=policy,
        ),
    )
    view = views.engagement_view(after, after.engagements[engagement_id], "coach")
    return shown(view, 201, f"/v1/engagements/{engagement_id}")


def move(work: Work, claim_id: str, engagement_id: str, party: Literal["coach", "claimant"], rule: Rule, policy: Policy) -> Reply:
    """A move of the coach or the claimant on one engagement."""
    claim = _claim(work, claim_id)
    engagement = claim.engagements.get(engagement_id)
    if engagement is None:
        raise not_found()
    work.require_match(etag.of(views.engagement_view(claim, engagement, party)))
    after = _decided(work, policy, lambda: rule(work, claim, engagement, london_day(work.now)))
    return shown(views.engagement_view(after, after.engagements[engagement_id], party))


def employer_move(
    work: Work,
    claim_id: str,
    engagement_id: str,
    rule: Rule,
    office: Office | None,
    references: Mapping[str, str],
    policy: Policy,
) -> Reply:
    """A move of the employer. The reply holds what is stored here of the employer's view, never a name."""
    claim = _claim(work, claim_id)
    engagement = claim.engagements.get(engagement_id)
    if engagement is None:
        raise gone()
    claimant = work.get("claimant", engagement.claimant_id)
    today = london_day(work.now)
    match visibility(claim, claimant, engagement, today):
        case "hidden":
            raise not_found()
        case "gone":
            raise gone()
        case "visible":
            pass
    work.require_match(etag.of(views.employer_view(claim, claimant, engagement, office, today)))
    employer: Employer | None = work.get("employer", engagement.employer_id)
    if employer is not None:
        work.put("employer", employer.employer_id, named(employer, references))
    after = _decided(work, policy, lambda: rule(work, claim, engagement, today))
    return shown(views.employer_view(after, claimant, after.engagements[engagement_id], office, today))
