"""Ids that several services must derive alike (uuid5 of business keys, so that a replay gives the same ones).

Upstream ids (claim, claimant, payment) are opaque strings and are used as they come.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID, uuid5

NAMESPACE = UUID("6f1d2f0e-8f5c-5c7e-9d2b-3a4f6b7c8d90")
"""Namespace of every id the platform derives. Never change it: ids are for ever."""

_SEPARATOR = "\x1f"


def _derive(*parts: str) -> str:
    return str(uuid5(NAMESPACE, _SEPARATOR.join(parts)))


def period_id(claim_id: str, start: date) -> str:
    """Assessment period: pure function of the claim and the period's first day."""
    return _derive(claim_id, start.isoformat())


def employer_id(paye_reference: str) -> str:
    """Payroll scheme, from the PAYE reference `123/A246` exactly as received."""
    return _derive(paye_reference)


def employment_id(claimant_id: str, employer_id: str, sequence_or_payroll_id: str) -> str:
    """One person's job with one payroll scheme; the last part is the employment sequence number or payroll id."""
    return _derive(claimant_id, employer_id, sequence_or_payroll_id)


def flag_id(claimant_id: str, rule_id: str, period_id: str) -> str:
    """Business key of a flag: never two flags with one key, whatever is replayed."""
    return _derive(claimant_id, rule_id, period_id)
