"""The query tables: what lists, searches and the sender read. Written from documents, in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import Connection

from employer_link.model import Claim, Delivery, Employer
from employer_link.rules.decision import responsible
from streaming.spec import Change

Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def project(conn: Connection[Any], changes: Sequence[Change], rows: Rows) -> None:
    """Bring the query tables in line with the changed documents."""
    for change in changes:
        match change.kind:
            case "claim":
                _claim(conn, change.before, change.after)
            case "employer":
                _employer(conn, change.before, change.after)
            case "delivery":
                _delivery(conn, change.key, change.after)
            case _:
                pass
    for row in rows.get("employer_event", ()):
        conn.execute(
            "INSERT INTO employer_event (employer_id, seq, event_id, type, engagement_id, at)"
            " VALUES (%(employer_id)s, %(seq)s, %(event_id)s, %(type)s, %(engagement_id)s, %(at)s)",
            row,
        )
    for row in rows.get("delivery_end", ()):
        conn.execute(
            "UPDATE delivery SET state = %(state)s, attempts = %(attempts)s, last_result = %(last_result)s, ended_at = %(at)s"
            " WHERE delivery_id = %(delivery_id)s",
            row,
        )


def _claim(conn: Connection[Any], before: Claim | None, after: Claim) -> None:
    old = before or Claim(claim_id=after.claim_id)
    _people(conn, old, after)
    for consent_id, consent in after.consents.items():
        if old.consents.get(consent_id) == consent:
            continue
        conn.execute(
            "INSERT INTO consent (consent_id, claim_id, claimant_id, employer_id, state, expires_on)"
            " VALUES (%s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (consent_id) DO UPDATE SET state = excluded.state",
            (consent_id, after.claim_id, consent.claimant_id, consent.employer_id, consent.state, consent.expires_on),
        )
    for engagement_id, one in after.engagements.items():
        coach_id, office_id = responsible(after, one)
        known = old.engagements.get(engagement_id)
        if known == one and responsible(old, one) == (coach_id, office_id):
            continue
        conn.execute(
            "INSERT INTO engagement (engagement_id, claim_id, claimant_id, case_id, employer_id, state, next_mover, due_on,"
            " shared, opened_at, coach_id, office_id, consent_id)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (engagement_id) DO UPDATE SET state = excluded.state, next_mover = excluded.next_mover,"
            " due_on = excluded.due_on, shared = excluded.shared, coach_id = excluded.coach_id, office_id = excluded.office_id",
            (
                engagement_id,
                after.claim_id,
                one.claimant_id,
                one.case_id,
                one.employer_id,
                one.state,
                one.next_mover,
                one.due_on,
                one.shared_on is not None,
                one.opened_at,
                coach_id,
                office_id,
                one.consent_id,
            ),
        )
    _forget(conn, old, after)


def _people(conn: Connection[Any], old: Claim, after: Claim) -> None:
    gone = [key for key in old.people if key not in after.people]
    if gone:
        conn.execute("DELETE FROM person WHERE claim_id = %s AND claimant_id = ANY(%s)", (after.claim_id, gone))
    for claimant_id, person in after.people.items():
        if old.people.get(claimant_id) != person or old.status != after.status:
            conn.execute(
                "INSERT INTO person (claim_id, claimant_id, coach_id, office_id, status, version)"
                " VALUES (%s, %s, %s, %s, %s, %s)"
                " ON CONFLICT (claim_id, claimant_id) DO UPDATE SET coach_id = excluded.coach_id,"
                " office_id = excluded.office_id, status = excluded.status, version = excluded.version",
                (after.claim_id, claimant_id, person.coach_id, person.office_id, after.status, after.version),
            )


def _forget(conn: Connection[Any], old: Claim, after: Claim) -> None:
    """Erased: no row about the person stays. A shared engagement leaves its id, so that its employer is told 410."""
    consents = [key for key in old.consents if key not in after.consents]
    engagements = [key for key in old.engagements if key not in after.engagements]
    if consents:
        conn.execute("DELETE FROM consent WHERE consent_id = ANY(%s)", (consents,))
    if engagements:
        conn.execute("DELETE FROM engagement WHERE engagement_id = ANY(%s) AND NOT shared", (engagements,))
        conn.execute(
            "UPDATE engagement SET claimant_id = NULL, case_id = NULL, next_mover = NULL, due_on = NULL,"
            " coach_id = NULL, office_id = NULL, state = 'closed'"
            " WHERE engagement_id = ANY(%s)",
            (engagements,),
        )


def _employer(conn: Connection[Any], before: Employer | None, after: Employer) -> None:
    if before is None or (before.name, before.paye_reference) != (after.name, after.paye_reference):
        conn.execute(
            "INSERT INTO employer (employer_id, name, paye_reference) VALUES (%s, %s, %s)"
            " ON CONFLICT (employer_id) DO UPDATE SET name = excluded.name, paye_reference = excluded.paye_reference",
            (after.employer_id, after.name, after.paye_reference),
        )
    if before is not None and before.webhooks == after.webhooks:
        return
    conn.execute("DELETE FROM webhook WHERE employer_id = %s", (after.employer_id,))
    for webhook in after.webhooks:
        conn.execute(
            "INSERT INTO webhook (employer_id, webhook_id, created_at) VALUES (%s, %s, %s)",
            (after.employer_id, webhook.webhook_id, webhook.created_at),
        )


def _delivery(conn: Connection[Any], delivery_id: str, after: Delivery | None) -> None:
    if after is None:
        return  # the `delivery_end` row says how it ended
    conn.execute(
        "INSERT INTO delivery (delivery_id, webhook_id, employer_id, claim_id, engagement_id, state, attempts, next_at)"
        " VALUES (%s, %s, %s, %s, %s, 'queued', %s, %s)"
        " ON CONFLICT (delivery_id) DO UPDATE SET attempts = excluded.attempts, next_at = excluded.next_at",
        (
            delivery_id,
            after.webhook_id,
            after.employer_id,
            after.claim_id,
            after.engagement_id,
            after.attempts,
            after.next_at,
        ),
    )
