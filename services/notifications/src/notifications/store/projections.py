"""What people and the sender query, written in the transaction that changes the documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import Connection

from notifications.model import Appointment, Case, ClaimDoc, Message
from streaming.spec import Change

EMPTY = ClaimDoc(claim_id="")

SAVE_PERSON = (
    "INSERT INTO person (claim_id, claimant_id, coach_id, office_id) VALUES (%s, %s, %s, %s)"
    " ON CONFLICT (claim_id, claimant_id) DO UPDATE SET coach_id = excluded.coach_id, office_id = excluded.office_id"
)
SAVE_CASE = (
    "INSERT INTO case_ref (claim_id, case_id, claimant_id, coach_id, office_id, open) VALUES (%s, %s, %s, %s, %s, %s)"
    " ON CONFLICT (claim_id, case_id) DO UPDATE SET coach_id = excluded.coach_id, office_id = excluded.office_id,"
    " open = excluded.open"
)
SAVE_APPOINTMENT = (
    "INSERT INTO appointment (claim_id, appointment_id, case_id, claimant_id, coach_id, office_id, starts_at, state)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
    " ON CONFLICT (claim_id, appointment_id) DO UPDATE SET coach_id = excluded.coach_id, office_id = excluded.office_id,"
    " starts_at = excluded.starts_at, state = excluded.state"
)
SAVE_MESSAGE = (
    "INSERT INTO message (claim_id, message_id, claimant_id, requested_at, state, provider_id) VALUES (%s, %s, %s, %s, %s, %s)"
    " ON CONFLICT (claim_id, message_id) DO UPDATE SET state = excluded.state, provider_id = excluded.provider_id"
)
QUEUE = (
    "INSERT INTO send_queue (claim_id, message_id, due_at) VALUES (%s, %s, %s)"
    " ON CONFLICT (claim_id, message_id) DO UPDATE SET due_at = excluded.due_at"
)
UNQUEUE = "DELETE FROM send_queue WHERE claim_id = %s AND message_id = %s"
ATTEMPT = (
    "INSERT INTO attempt (claim_id, message_id, number, reference, started_at)"
    " VALUES (%(claim_id)s, %(message_id)s, %(number)s, %(reference)s, now())"
)
OUTCOME = (
    "UPDATE attempt SET outcome = %(outcome)s, finished_at = now()"
    " WHERE claim_id = %(claim_id)s AND message_id = %(message_id)s AND number = %(number)s"
)
NOT_BEFORE = (
    "UPDATE send_queue SET lease_until = now() + make_interval(secs => %(seconds)s)"
    " WHERE claim_id = %(claim_id)s AND message_id = %(message_id)s"
)
APPENDED = {"attempt": ATTEMPT, "attempt_outcome": OUTCOME, "not_before": NOT_BEFORE}
TABLES = ("person", "case_ref", "appointment", "message", "send_queue", "attempt")


def project(conn: Connection[Any], changes: Sequence[Change], rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Bring the query tables up to the changed claims, and write the appended rows."""
    for change in changes:
        if change.kind == "claim":
            _claim(conn, change.key, change.before or EMPTY, change.after or EMPTY)
    for table, appended in rows.items():
        conn.cursor().executemany(APPENDED[table], appended)


def _claim(conn: Connection[Any], claim_id: str, before: ClaimDoc, after: ClaimDoc) -> None:
    if after.erased and not before.erased:
        for table in TABLES:
            conn.execute(f"DELETE FROM {table} WHERE claim_id = %s", (claim_id,))  # noqa: S608 - names are constants
        return
    _people(conn, claim_id, before, after)
    _many(conn, SAVE_CASE, [_case(claim_id, case) for case in _changed(before.cases, after.cases)])
    appointments = _changed(before.appointments, after.appointments)
    _many(conn, SAVE_APPOINTMENT, [_appointment(claim_id, item) for item in appointments])
    messages = _changed(before.messages, after.messages)
    _many(conn, SAVE_MESSAGE, [_message(claim_id, item) for item in messages])
    _many(conn, QUEUE, [(claim_id, item.message_id, item.due_at) for item in messages if item.due_at is not None])
    _many(conn, UNQUEUE, [(claim_id, item.message_id) for item in messages if item.due_at is None])
    for claimant_id in set(after.erased_claimants) - set(before.erased_claimants):
        _forget(conn, claim_id, claimant_id, before)


def _people(conn: Connection[Any], claim_id: str, before: ClaimDoc, after: ClaimDoc) -> None:
    if after.snapshot is before.snapshot or after.snapshot is None:
        return
    known = (
        {person.claimant_id: (person.coach_id, person.office_id) for person in before.snapshot.claimants}
        if before.snapshot
        else {}
    )
    gone = sorted(known.keys() - {person.claimant_id for person in after.snapshot.claimants})
    if gone:
        conn.execute("DELETE FROM person WHERE claim_id = %s AND claimant_id = ANY(%s)", (claim_id, gone))
    people = [
        (claim_id, person.claimant_id, person.coach_id, person.office_id)
        for person in after.snapshot.claimants
        if known.get(person.claimant_id) != (person.coach_id, person.office_id)
    ]
    _many(conn, SAVE_PERSON, people)


def _forget(conn: Connection[Any], claim_id: str, claimant_id: str, before: ClaimDoc) -> None:
    mine = [name for name, item in before.messages.items() if item.claimant_id == claimant_id]
    for table in ("send_queue", "attempt"):
        query = f"DELETE FROM {table} WHERE claim_id = %s AND message_id = ANY(%s)"  # noqa: S608 - names are constants
        conn.execute(query, (claim_id, mine))
    for table in ("person", "case_ref", "appointment", "message"):
        query = f"DELETE FROM {table} WHERE claim_id = %s AND claimant_id = %s"  # noqa: S608 - names are constants
        conn.execute(query, (claim_id, claimant_id))


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Any]:
    return [item for name, item in after.items() if item is not before.get(name)]


def _many(conn: Connection[Any], query: str, values: list[tuple[Any, ...]]) -> None:
    if values:
        conn.cursor().executemany(query, values)


def _case(claim_id: str, case: Case) -> tuple[Any, ...]:
    return (claim_id, case.case_id, case.claimant_id, case.coach_id, case.office_id, case.ended is None)


def _appointment(claim_id: str, item: Appointment) -> tuple[Any, ...]:
    return (
        claim_id,
        item.appointment_id,
        item.case_id,
        item.claimant_id,
        item.coach_id,
        item.office_id,
        item.starts_at,
        item.state,
    )


def _message(claim_id: str, item: Message) -> tuple[Any, ...]:
    return (claim_id, item.message_id, item.claimant_id, item.requested_at, item.state, item.provider_id)
