"""People who were contacted for a reason that later turned out not to be so: who they are, and what they were told.

A row is written when the reason goes, and marked when the claimant has had a corrected explanation, or the reason came back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from referrals.desk import Desk
from referrals.model import Case, Flag
from referrals.worklist import Reach

FOUND, EXPLAINED, RESTORED = "told_in_error", "told_in_error_explained", "told_in_error_restored"
CONTACTS = frozenset({"ContactRequested", "MessageSent", "ContactRecorded", "AppointmentBooked", "AppointmentAttended"})
COLUMNS = (
    "claim_id", "claimant_id", "case_id", "flag_id", "rule_id", "period_id", "office_id", "coach_id", "contacted_at",
    "found_at", "told", "explained_at", "restored_at",
)  # fmt: skip


def found(desk: Desk, case: Case, flag: Flag) -> None:
    """The reason has gone after contact. told: the reasons as they were given, and every contact since."""
    contacts = [
        {"at": entry.at.isoformat(), "event": entry.event, **_known(entry.details)}
        for entry in case.history
        if entry.event in CONTACTS and entry.undone_by is None
    ]
    desk.work.append(
        FOUND,
        claim_id=desk.claim_id,
        claimant_id=case.claimant_id,
        case_id=case.case_id,
        flag_id=flag.flag_id,
        rule_id=flag.rule_id,
        period_id=flag.period_id,
        office_id=case.office_id,
        coach_id=case.coach_id,
        contacted_at=case.contacted_at,
        found_at=desk.work.now,
        told={"reasons": [msgspec.to_builtins(reason) for reason in flag.reasons], "contacts": contacts},
    )


def explained(desk: Desk, case: Case) -> None:
    """The claimant has had a corrected explanation of everything on this case."""
    desk.work.append(EXPLAINED, claimant_id=case.claimant_id, case_id=case.case_id, at=desk.work.now)


def restored(desk: Desk, claimant_id: str, flag: Flag) -> None:
    """The reason holds again: what was said is so after all."""
    desk.work.append(RESTORED, claimant_id=claimant_id, flag_id=flag.flag_id, at=desk.work.now)


def _known(details: Mapping[str, Any]) -> dict[str, Any]:
    return {name: details[name] for name in ("channel", "outcome", "purpose", "message_id", "appointment_id") if name in details}


# ---- at rest ----


def write(conn: Connection[Any], rows: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
    """In the transaction that changes the documents, in the order in which one transaction can bring them.

    Corrections are matched by person: the case may have gone along to another claim since.
    """
    names = COLUMNS[:11]
    insert = f"INSERT INTO told_in_error ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})"  # noqa: S608 - constants
    for row in rows.get(FOUND, ()):
        conn.execute(insert, [Jsonb(row[name]) if name == "told" else row[name] for name in names])
    for row in rows.get(RESTORED, ()):
        conn.execute(
            "UPDATE told_in_error SET restored_at = %(at)s"
            " WHERE claimant_id = %(claimant_id)s AND flag_id = %(flag_id)s AND restored_at IS NULL",
            row,
        )
    for row in rows.get(EXPLAINED, ()):
        conn.execute(
            "UPDATE told_in_error SET explained_at = %(at)s"
            " WHERE claimant_id = %(claimant_id)s AND case_id = %(case_id)s AND explained_at IS NULL",
            row,
        )


def erase(conn: Connection[Any], people: Iterable[tuple[str, str]]) -> None:
    """Forget these (claim, person) pairs."""
    conn.cursor().executemany("DELETE FROM told_in_error WHERE claim_id = %s AND claimant_id = %s", list(people))


def page(
    conn: Connection[Any],
    reach: Reach | None,
    *,
    office: str | None,
    due: bool | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Newest first. reach None: everybody's. due: an explanation is still owed, or not."""
    parts, values = ["true"], list[Any]()
    if reach is not None:
        parts.append("(office_id = ANY(%s) OR coach_id = %s)")
        values += [list(reach.offices), reach.own_coach]
    if office is not None:
        parts.append("office_id = %s")
        values.append(office)
    if due is not None:
        parts.append("(explained_at IS NULL AND restored_at IS NULL) = %s")
        values.append(due)
    if after is not None:
        parts.append("(found_at, flag_id) < (%s, %s)")
        values += after
    query = f"SELECT {', '.join(COLUMNS)} FROM told_in_error WHERE {' AND '.join(parts)}"  # noqa: S608 - names are constants
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(f"{query} ORDER BY found_at DESC, flag_id DESC LIMIT %s", [*values, limit]).fetchall()
