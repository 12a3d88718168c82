"""Reads of the query tables: from an id to its claim, and the rows of lists. No locks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row, dict_row

FAR = date(9999, 12, 31)
"""Sorts engagements without a due day last."""


@dataclass(frozen=True, slots=True)
class EngagementRow:
    """One engagement as lists find it. claimant_id None: erased. due_on: FAR when closed."""

    engagement_id: str
    claim_id: str
    claimant_id: str | None
    employer_id: str
    shared: bool
    due_on: date


_COLUMNS = "engagement_id, claim_id, claimant_id, employer_id, shared, coalesce(due_on, '9999-12-31'::date) AS due_on"


def claim_of(conn: Connection[Any], claimant_id: str) -> str | None:
    """The claim a person is on: an open one before others, else the newest."""
    row = conn.execute(
        "SELECT claim_id FROM person WHERE claimant_id = %s"
        " ORDER BY status = 'open' DESC, status = 'suspended' DESC, version DESC, claim_id LIMIT 1",
        (claimant_id,),
    ).fetchone()
    return None if row is None else str(row[0])


def claims_of(conn: Connection[Any], claimant_id: str) -> list[str]:
    """Every claim that holds something of this person: where they are now, and where they consented."""
    rows = conn.execute(
        "SELECT claim_id FROM person WHERE claimant_id = %(id)s UNION SELECT claim_id FROM consent WHERE claimant_id = %(id)s"
        " ORDER BY claim_id",
        {"id": claimant_id},
    )
    return [str(row[0]) for row in rows]


def claim_of_consent(conn: Connection[Any], consent_id: str) -> str | None:
    """The claim that holds this consent."""
    row = conn.execute("SELECT claim_id FROM consent WHERE consent_id = %s", (consent_id,)).fetchone()
    return None if row is None else str(row[0])


def engagement(conn: Connection[Any], engagement_id: str) -> EngagementRow | None:
    """Where an engagement is kept."""
    query = f"SELECT {_COLUMNS} FROM engagement WHERE engagement_id = %s"  # noqa: S608 - a constant
    with conn.cursor(row_factory=class_row(EngagementRow)) as cursor:
        return cursor.execute(query, (engagement_id,)).fetchone()


def engagements(
    conn: Connection[Any],
    *,
    claimant_id: str | None = None,
    coach_id: str | None = None,
    office_ids: Sequence[str] = (),
    employer_ids: Sequence[str] | None = None,
    states: Sequence[str] | None = None,
    next_mover: str | None = None,
    after: tuple[date, str] | None = None,
    limit: int,
) -> list[EngagementRow]:
    """A page, soonest due first, of a claimant, or of employers (shared ones with a live consent), or of a coach and offices."""
    if employer_ids is not None:
        whose = (
            "shared AND employer_id = ANY(%(employers)s) AND EXISTS"
            " (SELECT 1 FROM consent c WHERE c.consent_id = engagement.consent_id AND c.state = 'live')"
        )
    elif claimant_id is not None:
        whose = "claimant_id = %(claimant)s"
    else:
        whose = "claimant_id IS NOT NULL AND (coach_id = %(coach)s OR office_id = ANY(%(offices)s))"
    query = (
        f"SELECT {_COLUMNS} FROM engagement WHERE {whose}"  # noqa: S608 - constants; values are parameters
        " AND (%(states)s::text[] IS NULL OR state = ANY(%(states)s))"
        " AND (%(mover)s::text IS NULL OR next_mover = %(mover)s)"
        " AND (coalesce(due_on, '9999-12-31'::date), engagement_id) > (%(day)s::date, %(id)s)"
        " ORDER BY coalesce(due_on, '9999-12-31'::date), engagement_id LIMIT %(limit)s"
    )
    day, last = after or (date(1, 1, 1), "")
    values = {
        "claimant": claimant_id,
        "coach": coach_id,
        "offices": list(office_ids),
        "employers": list(employer_ids or ()),
        "states": None if states is None else list(states),
        "mover": next_mover,
        "day": day,
        "id": last,
        "limit": limit,
    }
    with conn.cursor(row_factory=class_row(EngagementRow)) as cursor:
        return cursor.execute(query, values).fetchall()


def consents_of(conn: Connection[Any], claimant_id: str, *, after: str, limit: int) -> list[tuple[str, str]]:
    """(consent_id, claim_id) of a person, by id."""
    rows = conn.execute(
        "SELECT consent_id, claim_id FROM consent WHERE claimant_id = %s AND consent_id > %s ORDER BY consent_id LIMIT %s",
        (claimant_id, after, limit),
    )
    return [(str(row[0]), str(row[1])) for row in rows]


def employers(
    conn: Connection[Any], q: str, also: str | None, *, after: tuple[str, str] | None, limit: int
) -> list[dict[str, Any]]:
    """Employers whose name contains `q` (any case), and the one with id `also`; by name, then id."""
    pattern = "%" + q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    name, last = after or ("", "")
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "SELECT employer_id, name, paye_reference FROM employer"
            " WHERE (name ILIKE %(pattern)s OR employer_id = %(also)s OR paye_reference = %(q)s)"
            " AND (coalesce(name, ''), employer_id) > (%(name)s, %(id)s)"
            " ORDER BY coalesce(name, ''), employer_id LIMIT %(limit)s",
            {"pattern": pattern, "also": also, "q": q, "name": name, "id": last, "limit": limit},
        ).fetchall()


def feed(conn: Connection[Any], positions: dict[str, int], limit: int) -> list[dict[str, Any]]:
    """Feed entries after these positions (employer id → number of the last entry seen), oldest first for each employer."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "SELECT e.employer_id, e.seq, e.event_id, e.type, e.engagement_id, e.at FROM employer_event e"
            " JOIN unnest(%s::text[], %s::bigint[]) AS p(employer_id, seq)"
            " ON e.employer_id = p.employer_id AND e.seq > p.seq ORDER BY e.employer_id, e.seq LIMIT %s",
            (list(positions), list(positions.values()), limit),
        ).fetchall()


def webhook_owners(conn: Connection[Any], webhook_id: str, employer_ids: Iterable[str]) -> list[str]:
    """Which of these employers have this webhook."""
    rows = conn.execute(
        "SELECT employer_id FROM webhook WHERE webhook_id = %s AND employer_id = ANY(%s) ORDER BY employer_id",
        (webhook_id, list(employer_ids)),
    )
    return [str(row[0]) for row in rows]


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A webhook message to send, and the documents that decide whether it may go."""

    delivery_id: str
    claim_id: str
    employer_id: str


_DUE = (
    "FROM delivery d WHERE state = 'queued' AND next_at <= %s AND NOT EXISTS (SELECT 1 FROM parked_root p"
    " WHERE (p.kind, p.key) IN (('claim', d.claim_id), ('employer', d.employer_id), ('delivery', d.delivery_id),"
    " ('claimant', (SELECT e.claimant_id FROM engagement e WHERE e.engagement_id = d.engagement_id))))"
)
"""Queued, and none of the documents that decide whether it may go is parked: those messages wait for an operator."""


def deliveries_due(conn: Connection[Any], now: datetime, *, shard: int, shards: int, limit: int) -> list[DueDelivery]:
    """Messages to send now, oldest first, parked ones aside; a webhook always falls to the same one of `shards` threads."""
    query = (
        f"SELECT delivery_id, claim_id, employer_id {_DUE}"
        " AND abs(hashtext(webhook_id)::bigint) %% %s = %s ORDER BY next_at, delivery_id LIMIT %s"
    )
    with conn.cursor(row_factory=class_row(DueDelivery)) as cursor:
        return cursor.execute(query, (now, shards, shard, limit)).fetchall()


def pending(conn: Connection[Any], now: datetime) -> int:
    """Webhook messages that should have gone out by now, parked ones aside."""
    row = conn.execute(f"SELECT count(*) {_DUE}", (now,)).fetchone()
    return int(row[0]) if row else 0
