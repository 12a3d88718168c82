"""Tables that people query, written in the transaction that changes the documents, and the queries on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.rows import dict_row

from referrals import ledger
from referrals.desk import KIND
from referrals.model import ClaimDoc, Person
from referrals.rules.evaluation import Book
from referrals.views import sort_place, worklist_item
from streaming.crypto import FieldCipher
from streaming.spec import Change

Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def projection(cipher: FieldCipher, book: Book) -> Callable[[Connection[Any], Sequence[Change], Rows], None]:
    """The service's `project` function."""
    known: set[str] = set()

    def project(conn: Connection[Any], changes: Sequence[Change], rows: Rows) -> None:
        for change in changes:
            if change.kind == KIND:
                _claim(conn, change.key, change.before, change.after)
        decisions = rows.get("decision", ())
        if decisions:
            if book.version not in known:
                ledger.keep_rule_set(conn, book)
            ledger.append(conn, cipher, decisions)
        erased = rows.get("erased_claimant", ())
        if erased:
            ledger.erase(conn, [(row["claim_id"], row["claimant_id"]) for row in erased])

    return project


def _claim(conn: Connection[Any], claim_id: str, before: ClaimDoc | None, after: ClaimDoc | None) -> None:
    _people(conn, claim_id, _members(before), _members(after))
    then = _cases(before)
    now = _cases(after)
    gone = sorted(then.keys() - now.keys())
    if gone:
        conn.execute("DELETE FROM worklist WHERE claim_id = %s AND case_id = ANY(%s)", (claim_id, gone))
    # Closed ones first: the one open case per claimant may have moved on to another in the same transaction.
    changed = [(case_id, person) for case_id, person in now.items() if _differs(then.get(case_id), person, case_id)]
    for case_id, person in sorted(changed, key=lambda entry: entry[1].cases[entry[0]].open):
        _case(conn, claim_id, person, case_id)


def _members(doc: ClaimDoc | None) -> dict[str, tuple[str | None, str | None]]:
    if doc is None or doc.claim is None or doc.erased:
        return {}
    return {m.claimant_id: (m.coach_id, m.office_id) for m in doc.claim.claimants}


def _people(
    conn: Connection[Any],
    claim_id: str,
    before: Mapping[str, tuple[str | None, str | None]],
    after: Mapping[str, tuple[str | None, str | None]],
) -> None:
    gone = sorted(before.keys() - after.keys())
    if gone:
        conn.execute("DELETE FROM person WHERE claim_id = %s AND claimant_id = ANY(%s)", (claim_id, gone))
    for claimant_id, (coach_id, office_id) in after.items():
        if before.get(claimant_id) != (coach_id, office_id):
            conn.execute(
                "INSERT INTO person VALUES (%s, %s, %s, %s) ON CONFLICT (claim_id, claimant_id)"
                " DO UPDATE SET coach_id = excluded.coach_id, office_id = excluded.office_id",
                (claim_id, claimant_id, coach_id, office_id),
            )


def _cases(doc: ClaimDoc | None) -> dict[str, Person]:
    people = doc.people.values() if doc is not None else ()
    return {case_id: person for person in people for case_id in person.cases}


def _differs(before: Person | None, after: Person, case_id: str) -> bool:
    if before is None or before.cases[case_id] != after.cases[case_id]:
        return True
    if before.queries != after.queries:
        return True
    return before.flags is not after.flags and any(
        before.flags.get(flag_id) != after.flags.get(flag_id) for flag_id in after.cases[case_id].flag_ids
    )


def _case(conn: Connection[Any], claim_id: str, person: Person, case_id: str) -> None:
    case = person.cases[case_id]
    item = worklist_item(claim_id, person, case)
    conn.execute(
        "INSERT INTO worklist (claim_id, case_id, claimant_id, coach_id, office_id, state, rules, place, due_on, waiting_on,"
        " unread, item) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (claim_id, case_id) DO UPDATE SET coach_id = excluded.coach_id, office_id = excluded.office_id,"
        " state = excluded.state, rules = excluded.rules, place = excluded.place, due_on = excluded.due_on,"
        " waiting_on = excluded.waiting_on, unread = excluded.unread, item = excluded.item",
        (
            claim_id,
            case_id,
            case.claimant_id,
            case.coach_id,
            case.office_id,
            case.state,
            item["rules"],
            sort_place(person, case),
            case.due_on,
            case.waiting_on,
            case.unread,
            msgspec.json.encode(item),
        ),
    )


# ---- queries ----


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """The worklist's filters; offices None: every office. due: due on or before that day."""

    offices: tuple[str, ...] | None = None
    own_coach: str | None = None
    coach: str | None = None
    state: str | None = None
    due: date | None = None
    rule: str | None = None
    waiting_on: str | None = None
    unassigned: bool | None = None

    def clause(self) -> tuple[str, list[Any]]:
        """SQL condition and its parameters."""
        parts: list[str] = []
        values: list[Any] = []

        def add(text: str, *given: Any) -> None:
            parts.append(text)
            values.extend(given)

        if self.offices is not None:
            add("(office_id = ANY(%s) OR (office_id IS NULL AND coach_id = %s))", list(self.offices), self.own_coach)
        if self.coach is not None:
            add("coach_id = %s", self.coach)
        if self.state is not None:
            add("state = %s", self.state)
        else:
            add("state <> 'closed'")
        if self.due is not None:
            add("due_on <= %s", self.due)
        if self.rule is not None:
            add("%s = ANY(rules)", self.rule)
        if self.waiting_on is not None:
            add("waiting_on = %s", self.waiting_on)
        if self.unassigned is not None:
            add("(coach_id IS NULL) = %s", self.unassigned)
        return " AND ".join(parts), values


def worklist(conn: Connection[Any], chosen: Filter, after: tuple[Any, ...] | None, limit: int) -> list[tuple[int, str, bytes]]:
    """(place, case_id, item as JSON) in list order."""
    clause, values = chosen.clause()
    if after is not None:
        clause += " AND (place, case_id) > (%s, %s)"
        values += list(after)
    query = f"SELECT place, case_id, item FROM worklist WHERE {clause} ORDER BY place, case_id LIMIT %s"  # noqa: S608
    return [(row[0], row[1], bytes(row[2])) for row in conn.execute(query, [*values, limit])]


def counts(conn: Connection[Any], chosen: Filter, today: date) -> dict[str, Any]:
    """Numbers over the filtered list."""
    clause, values = chosen.clause()
    with conn.cursor(row_factory=dict_row) as cursor:
        totals = cursor.execute(
            "SELECT count(*) AS total, count(*) FILTER (WHERE coach_id IS NULL) AS unassigned,"  # noqa: S608
            " count(*) FILTER (WHERE unread) AS unread, count(*) FILTER (WHERE due_on = %s) AS due_today,"
            f" count(*) FILTER (WHERE due_on < %s) AS overdue FROM worklist WHERE {clause}",
            [today, today, *values],
        ).fetchone()
        by: dict[str, Any] = {}
        for column in ("state", "waiting_on"):
            rows = cursor.execute(
                f"SELECT {column} AS name, count(*) AS n FROM worklist WHERE {clause} GROUP BY 1 ORDER BY 1",  # noqa: S608
                values,
            )
            by[f"by_{column}"] = {row["name"]: row["n"] for row in rows}
        rows = cursor.execute(
            f"SELECT r AS name, count(*) AS n FROM worklist, unnest(rules) AS r WHERE {clause} GROUP BY 1 ORDER BY 1",  # noqa: S608
            values,
        )
        by["by_rule"] = {row["name"]: row["n"] for row in rows}
    return {**(totals or {}), **by}


def claim_of_case(conn: Connection[Any], case_id: str) -> str | None:
    """The claim under whose lock a case lives."""
    row = conn.execute("SELECT claim_id FROM worklist WHERE case_id = %s", (case_id,)).fetchone()
    return None if row is None else str(row[0])


def claims_of_claimant(conn: Connection[Any], claimant_id: str) -> list[tuple[str, str | None, str | None]]:
    """(claim, coach, office) of every claim the person is on."""
    rows = conn.execute(
        "SELECT claim_id, coach_id, office_id FROM person WHERE claimant_id = %s ORDER BY claim_id", (claimant_id,)
    )
    return [(row[0], row[1], row[2]) for row in rows]
