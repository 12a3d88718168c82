"""Ids that several services must derive alike (uuid5 of business keys, so that a replay gives the same ones).

Upstream ids (claim, claimant, payment) are opaque strings and are used as they come.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from hashlib import sha1
from uuid import UUID

NAMESPACE = UUID("6f1d2f0e-8f5c-5c7e-9d2b-3a4f6b7c8d90")
"""Namespace of every id the platform derives. Never change it: ids are for ever."""

_SEPARATOR = "\x1f"


_SEEDED = sha1(NAMESPACE.bytes, usedforsecurity=False)
_VARIANT, _VERSION = 0xC000 << 48, 0xF000 << 64
_UUID5 = 0x8000 << 48 | 0x5000 << 64
_RECENT = 4096
"""Derived again and again while one claim is judged."""


def derive(*parts: str) -> str:
    """uuid5 of the parts, joined by a separator that no id may contain.

    Written out: a quarter of a claim's judging went into `uuid.uuid5`, whose object nobody needs.
    """
    digest = _SEEDED.copy()
    digest.update(_SEPARATOR.join(parts).encode())
    number = int.from_bytes(digest.digest()[:16], "big") & ~(_VARIANT | _VERSION) | _UUID5
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@lru_cache(_RECENT)
def period_id(claim_id: str, start: date) -> str:
    """Assessment period: pure function of the claim and the period's first day."""
    return derive(claim_id, start.isoformat())


@lru_cache(_RECENT)
def employer_id(paye_reference: str) -> str:
    """Payroll scheme, from the PAYE reference `123/A246` exactly as received."""
    return derive(paye_reference)


@lru_cache(_RECENT)
def employment_id(claimant_id: str, employer_id: str, sequence_or_payroll_id: str) -> str:
    """One person's job with one payroll scheme; the last part is the employment sequence number or payroll id."""
    return derive(claimant_id, employer_id, sequence_or_payroll_id)


def flag_id(claimant_id: str, rule_id: str, period_id: str) -> str:
    """Business key of a flag: never two flags with one key, whatever is replayed."""
    return derive(claimant_id, rule_id, period_id)
