"""Who may see one person's record: object-level access, audited, break-glass included.

Scopes say which routes a caller may use (`web.auth.require`); this says on whom.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import structlog
from fastapi import Request
from psycopg import Connection

from streaming.errors import Refused
from web import audit, metrics
from web.principal import Principal

log = structlog.get_logger()

WHOLE_PLATFORM = ("upstream:read", "claims:read", "profiles:read", "decision-maker", "operator", "analyst")
"""Scopes not bound to an office, person or employer; what they may call is said by each route."""

BREAK_GLASS_HEADER = "x-break-glass-reason"
_REASON_LENGTH = range(10, 501)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose record it is: the person, where they are looked after, and the employer where one is part of it."""

    claimant_ids: tuple[str, ...] = ()
    coach_ids: tuple[str, ...] = ()
    office_ids: tuple[str, ...] = ()
    employer_id: str | None = None


def as_of_now(principal: Principal, *, active: bool, offices: Iterable[str]) -> Principal:
    """The principal with what the platform knows of the coach today, which outranks a token issued earlier.

    A coach who was moved keeps only the new offices; one who was disabled is a coach no more.
    """
    if not active:
        return replace(principal, scopes=principal.scopes - {"coach", "team-leader"}, office_ids=())
    return replace(principal, office_ids=tuple(offices))


def may_see(principal: Principal, subject: Subject, scopes: frozenset[str] | tuple[str, ...]) -> bool:
    """Whether one of the caller's scopes, among those that the route accepts, reaches this record."""
    held = principal.scopes & frozenset(scopes)
    if held & frozenset(WHOLE_PLATFORM):
        return True
    if "claimant" in held and principal.claimant_id is not None and principal.claimant_id in subject.claimant_ids:
        return True
    if "coach" in held and (
        (principal.coach_id is not None and principal.coach_id in subject.coach_ids) or _shares_office(principal, subject)
    ):
        return True
    if "team-leader" in held and _shares_office(principal, subject):
        return True
    return "employer" in held and subject.employer_id is not None and subject.employer_id in principal.employers


def _shares_office(principal: Principal, subject: Subject) -> bool:
    return not frozenset(principal.office_ids).isdisjoint(subject.office_ids)


def break_glass_reason(request: Request) -> str | None:
    """The coach's stated reason to open a record of another office, or None. Raises Refused (422) for an empty phrase."""
    reason = request.headers.get(BREAK_GLASS_HEADER)
    if reason is None:
        return None
    reason = reason.strip()
    if len(reason) not in _REASON_LENGTH:
        raise Refused(422, "break-glass-reason", "X-Break-Glass-Reason: 10 to 500 characters.")
    return reason


def check(
    conn: Connection[Any],
    request: Request,
    principal: Principal,
    resource: str,
    subject: Subject | None,
    *,
    scopes: tuple[str, ...],
    **ids: str | None,
) -> None:
    """Let the caller see the record or answer 404, and write the audit row either way.

    subject: None when there is no such record: the same 404, also audited. Break-glass is for coaches only, is counted
    and logged as an alert, and its reason goes to the audit.
    """
    if subject is not None and may_see(principal, subject, scopes):
        audit.read(conn, request, principal, resource, ids=ids)
        return
    reason = break_glass_reason(request) if subject is not None and "coach" in principal.scopes & set(scopes) else None
    if reason is not None:
        metrics.BREAK_GLASS.inc()
        log.warning("access.break_glass", actor=principal.actor, resource=resource, **ids)
        audit.read(conn, request, principal, resource, reason=f"break-glass: {reason}", ids=ids)
        return
    audit.read(conn, request, principal, resource, granted=False, reason="absent" if subject is None else "not_theirs", ids=ids)
    raise Refused(404, "not-found")
