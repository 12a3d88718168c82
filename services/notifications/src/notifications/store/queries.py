"""What the API asks: where something belongs, and lists."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection


class Whose(msgspec.Struct, frozen=True, kw_only=True):
    """Whose record something is, for the access check and for finding its document."""

    claim_id: str
    claimant_id: str
    coach_ids: tuple[str, ...]
    office_ids: tuple[str, ...]


_PLACE = (
    " p.coach_id, p.office_id, c.coach_id, c.office_id"
    " FROM {table} x LEFT JOIN person p ON p.claim_id = x.claim_id AND p.claimant_id = x.claimant_id"
    " LEFT JOIN case_ref c ON c.claim_id = x.claim_id AND c.claimant_id = x.claimant_id AND c.open"
)


def _whose(row: Any) -> Whose:
    claim_id, claimant_id, coach, office, *places = row
    coaches = (coach, *places[0::2])
    offices = (office, *places[1::2])
    return Whose(
        claim_id=claim_id,
        claimant_id=claimant_id,
        coach_ids=tuple(filter(None, coaches)),
        office_ids=tuple(filter(None, offices)),
    )


def of_appointment(conn: Connection[Any], appointment_id: str) -> Whose | None:
    """An appointment's people: its own coach and office, the claimant's, and the open case's."""
    query = "SELECT x.claim_id, x.claimant_id, x.coach_id, x.office_id," + _PLACE.format(table="appointment")
    row = conn.execute(query + " WHERE x.appointment_id = %s LIMIT 1", (appointment_id,)).fetchone()
    return _whose(row) if row else None


def of_case(conn: Connection[Any], case_id: str) -> Whose | None:
    """A case's people: of the claim that it is open on, and that its person is on, when it went along to another."""
    query = "SELECT x.claim_id, x.claimant_id, x.coach_id, x.office_id," + _PLACE.format(table="case_ref")
    order = " ORDER BY x.open DESC, p.claimant_id IS NOT NULL DESC LIMIT 1"
    row = conn.execute(query + " WHERE x.case_id = %s" + order, (case_id,)).fetchone()
    return _whose(row) if row else None


def of_claimant(conn: Connection[Any], claimant_id: str) -> list[Whose]:
    """A claimant's entries: one for each claim they are or were on."""
    query = "SELECT x.claim_id, x.claimant_id, x.coach_id, x.office_id," + _PLACE.format(table="person")
    return [_whose(row) for row in conn.execute(query + " WHERE x.claimant_id = %s ORDER BY x.claim_id", (claimant_id,))]


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller may list: everything, or what is of this coach, these offices, or this claimant."""

    everything: bool = False
    coach_id: str | None = None
    office_ids: tuple[str, ...] = ()
    claimant_id: str | None = None


APPOINTMENTS = """
SELECT x.claim_id, x.appointment_id, x.starts_at FROM appointment x
LEFT JOIN person p ON p.claim_id = x.claim_id AND p.claimant_id = x.claimant_id
WHERE (%(coach)s::text IS NULL OR x.coach_id = %(coach)s)
  AND (%(claimant)s::text IS NULL OR x.claimant_id = %(claimant)s)
  AND (%(first)s::timestamptz IS NULL OR (x.starts_at >= %(first)s AND x.starts_at < %(last)s))
  AND (%(everything)s OR x.coach_id = %(own_coach)s OR p.coach_id = %(own_coach)s OR x.claimant_id = %(own_claimant)s
       OR x.office_id = ANY(%(offices)s) OR p.office_id = ANY(%(offices)s))
  AND (%(after_at)s::timestamptz IS NULL OR (x.starts_at, x.appointment_id) > (%(after_at)s, %(after_id)s))
ORDER BY x.starts_at, x.appointment_id LIMIT %(limit)s
"""


def appointments(
    conn: Connection[Any],
    reach: Reach,
    *,
    coach: str | None,
    claimant: str | None,
    between: tuple[datetime, datetime] | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[tuple[str, str, datetime]]:
    """(claim, appointment, start) by start, of what the caller may see."""
    rows = conn.execute(
        APPOINTMENTS,
        {
            "coach": coach,
            "claimant": claimant,
            "first": between[0] if between else None,
            "last": between[1] if between else None,
            "everything": reach.everything,
            "own_coach": reach.coach_id,
            "own_claimant": reach.claimant_id,
            "offices": list(reach.office_ids),
            "after_at": after[0] if after else None,
            "after_id": after[1] if after else None,
            "limit": limit,
        },
    )
    return [(claim_id, appointment_id, starts_at) for claim_id, appointment_id, starts_at in rows]


def messages_of(
    conn: Connection[Any], claimant_id: str, *, after: tuple[datetime, str] | None, limit: int
) -> list[tuple[str, str, datetime]]:
    """(claim, message, requested at) of one claimant, newest first."""
    rows = conn.execute(
        "SELECT claim_id, message_id, requested_at FROM message WHERE claimant_id = %(claimant)s"
        " AND (%(at)s::timestamptz IS NULL OR (requested_at, message_id) < (%(at)s, %(id)s))"
        " ORDER BY requested_at DESC, message_id DESC LIMIT %(limit)s",
        {"claimant": claimant_id, "at": after[0] if after else None, "id": after[1] if after else None, "limit": limit},
    )
    return [(claim_id, message_id, requested_at) for claim_id, message_id, requested_at in rows]
