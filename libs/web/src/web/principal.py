"""Who calls: the identities that an access token carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts.ids import employer_id

ROLES = ("decision-maker", "team-leader", "coach", "claimant", "employer", "operator", "analyst")
"""Scopes that are a person's or organisation's role, most senior first."""

SCOPES = frozenset({*ROLES, "upstream:read", "claims:read", "profiles:read"})


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller. client_id: the OAuth client. subject: the person behind it, if another."""

    client_id: str
    scopes: frozenset[str]
    subject: str | None = None
    coach_id: str | None = None
    office_ids: tuple[str, ...] = ()
    claimant_id: str | None = None
    employer_ids: tuple[str, ...] = ()
    employer_paye_references: tuple[str, ...] = ()

    @property
    def actor(self) -> str:
        """How the audit names the caller."""
        if self.subject is None or self.subject == self.client_id:
            return self.client_id
        return f"{self.client_id}/{self.subject}"

    @property
    def role(self) -> str:
        """The most senior role of the token, or the client's name for a machine."""
        return next((role for role in ROLES if role in self.scopes), "system")

    @property
    def employers(self) -> frozenset[str]:
        """Every payroll scheme the caller speaks for, by employer id."""
        return frozenset(self.employer_ids) | {employer_id(reference) for reference in self.employer_paye_references}

    def has(self, *scopes: str) -> bool:
        """The token has at least one of the scopes."""
        return not self.scopes.isdisjoint(scopes)


def _texts(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise ValueError("claim")


def _text(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and value):
        return value
    raise ValueError("claim")


def from_claims(claims: Mapping[str, Any]) -> Principal:
    """The principal of a verified access token. Raises ValueError when it is not an access token of ours."""
    if any(name in claims for name in ("nonce", "at_hash", "c_hash")):
        raise ValueError("id_token")
    client_id = _text(claims.get("client_id") or claims.get("azp"))
    scope = claims.get("scope", claims.get("scp"))
    if client_id is None or scope is None:
        raise ValueError("not_an_access_token")
    scopes = scope.split() if isinstance(scope, str) else _texts(scope)
    return Principal(
        client_id=client_id,
        scopes=frozenset(scopes),
        subject=_text(claims.get("sub")),
        coach_id=_text(claims.get("coach_id")),
        office_ids=_texts(claims.get("office_ids")),
        claimant_id=_text(claims.get("claimant_id")),
        employer_ids=_texts(claims.get("employer_ids")),
        employer_paye_references=_texts(claims.get("employer_paye_references")),
    )
