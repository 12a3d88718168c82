"""Consents and the hard stop: acts of the claimant, or of a coach on their behalf with reason and evidence."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

import msgspec

from contracts.employer_link import ConsentGiven, ConsentWithdrawn, EmployerContactAllowed, EmployerContactForbidden
from employer_link.model import CONSENTABLE, EMPLOYER_FIELDS, Claim, Claimant, Consent, Illegal, OnBehalf, Policy
from employer_link.rules.decision import Decision, Event, code, person_lost, with_consent


def known_fields(fields: Iterable[str]) -> tuple[str, ...]:
    """The fields in the employer view's order, each once. Illegal("unknown-field") for any other name."""
    wanted = set(fields)
    if not wanted <= set(EMPLOYER_FIELDS):
        raise Illegal("unknown-field")
    if not wanted & set(CONSENTABLE):
        raise Illegal("no-fields")
    return tuple(name for name in EMPLOYER_FIELDS if name in wanted)


def give(
    claim: Claim,
    claimant: Claimant,
    *,
    consent_id: str,
    employer_id: str,
    fields: Iterable[str],
    purpose: str,
    expires_on: date,
    wording_version: str,
    on_behalf: OnBehalf | None,
    now: datetime,
    today: date,
    policy: Policy,
) -> Decision:
    """A new consent. Illegal when the person said that this employer must not be contacted, or is no longer on the claim."""
    if person_lost(claim, claimant.claimant_id):
        raise Illegal("claim-not-open")
    if claimant.forbids(employer_id):
        raise Illegal("employer-contact-forbidden")
    if not today <= expires_on <= today + timedelta(days=policy.consent_max_days):
        raise Illegal("expires-on-out-of-range")
    consent = Consent(
        consent_id=consent_id,
        claimant_id=claimant.claimant_id,
        employer_id=employer_id,
        fields=known_fields(fields),
        purpose=purpose,
        expires_on=expires_on,
        wording_version=wording_version,
        given_at=now,
        on_behalf=on_behalf,
    )
    event = ConsentGiven(
        consent_id=consent_id,
        claim_id=claim.claim_id,
        claimant_id=claimant.claimant_id,
        employer_id=employer_id,
        fields=consent.fields,
        purpose=code(purpose),
        expires_on=expires_on,
        wording_version=wording_version,
        given_by="claimant" if on_behalf is None else "on_behalf",
    )
    return Decision(with_consent(claim, consent), (event,))


def withdraw(claim: Claim, consent: Consent, *, on_behalf: OnBehalf | None, now: datetime) -> Decision:
    """The claimant takes it back; `settle` then closes what rested on it. Illegal when it is over already."""
    if consent.state != "live":
        raise Illegal("consent-ended")
    event = ConsentWithdrawn(
        consent_id=consent.consent_id,
        claim_id=claim.claim_id,
        claimant_id=consent.claimant_id,
        employer_id=consent.employer_id,
    )
    ended = msgspec.structs.replace(consent, state="withdrawn", ended_at=now, ended_on_behalf=on_behalf)
    return Decision(with_consent(claim, ended), (event,))


def set_contact(
    claim: Claim, claimant: Claimant, *, employer_id: str | None, allowed: bool, on_behalf: OnBehalf | None
) -> Decision:
    """Set or lift "do not contact my employer"; employer_id None means every employer.

    Lifting the general stop keeps those for single employers, and the other way round. Saying the same again changes nothing.
    """
    if employer_id is None:
        after = msgspec.structs.replace(claimant, nobody=not allowed)
    elif allowed:
        after = msgspec.structs.replace(claimant, forbidden=claimant.forbidden - {employer_id})
    else:
        after = msgspec.structs.replace(claimant, forbidden=claimant.forbidden | {employer_id})
    if after == claimant:
        return Decision(claim)
    after = msgspec.structs.replace(after, on_behalf=on_behalf)
    kind: type[EmployerContactForbidden] = EmployerContactAllowed if allowed else EmployerContactForbidden
    event: Event = kind(claim_id=claim.claim_id, claimant_id=claimant.claimant_id, employer_id=employer_id)
    return Decision(claim, (event,), claimant=after)
