"""What a person's easements allow on a day. D is the first day contact is allowed when an easement says "no contact until D"."""

from __future__ import annotations

from datetime import date, timedelta

from contracts.earnings import ClaimClaimant, Easement
from notifications.rules.slots import NoContact


def _runs(easement: Easement, day: date) -> bool:
    return easement.from_ <= day and (easement.until is None or day <= easement.until)


def contact_allowed_from(person: ClaimClaimant, day: date) -> date | None:
    """None: contact is allowed on that day. Otherwise the first day on which it is."""
    ends = [
        easement.no_contact_until
        for easement in person.easements
        if easement.no_contact_until is not None and easement.from_ <= day < easement.no_contact_until
    ]
    return max(ends, default=None)


def voluntary_only(person: ClaimClaimant, day: date) -> bool:
    """Whether a voluntary_only easement is active."""
    return any(easement.voluntary_only and _runs(easement, day) for easement in person.easements)


def no_contact_spans(person: ClaimClaimant) -> tuple[NoContact, ...]:
    """Every stretch of days without contact, for judging slots."""
    return tuple(
        NoContact(first=easement.from_, last=easement.no_contact_until - timedelta(days=1))
        for easement in person.easements
        if easement.no_contact_until is not None and easement.no_contact_until > easement.from_
    )
