"""Tables that people query, written in the transaction that changes the documents, and the queries on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Literal

import msgspec
from psycopg import Connection

from contracts.reference import CoachChanged, OfficeChanged
from referrals import caseload, ledger, told_in_error
from referrals.breaker.holding import HOLD
from referrals.breaker.watch import Watch, close, forget
from referrals.desk import KIND
from referrals.model import Case, ClaimDoc, Person
from referrals.rules.evaluation import Book
from referrals.rules.support import Provider
from referrals.trials import store as trials
from referrals.views import sort_place, worklist_item
from referrals.whatif import store as whatif
from streaming.crypto import FieldCipher
from streaming.spec import Change

COACH_COLUMNS = ("coach_id", "active", "trained_in_work", "minutes_per_day", "max_cases")
OFFICE_COLUMNS = ("office_id", "district", "nation", "active")
PROVIDER_COLUMNS = ("provider_id", "open", "accredited_until")
Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def projection(
    cipher: FieldCipher, books: Sequence[Book], watch: Watch
) -> Callable[[Connection[Any], Sequence[Change], Rows], None]:
    """The service's `project` function."""

    def project(conn: Connection[Any], changes: Sequence[Change], rows: Rows) -> None:
        claims = [change for change in changes if change.kind == KIND]
        # What ends goes first: the one open case per claimant may have moved on to another in the same transaction.
        for change in claims:
            _gone(conn, change.key, change.before, change.after)
        for change in claims:
            _people(conn, change.key, _members(change.before), _members(change.after))
        _changed(conn, claims)
        _reference(conn, changes)
        for change in claims:
            trials.follow(conn, change.before, change.after)
        watch.follow(conn, [(change.before, change.after) for change in claims])
        for change in changes:
            if change.kind == HOLD:
                close(conn, change.after)
        decisions = rows.get("decision", ())
        if decisions:
            for book in books:
                if any(row["rule_set"] == book.version for row in decisions):
                    ledger.keep_rule_set(conn, book)
            ledger.append(conn, cipher, decisions)
        for grant in rows.get("grant", ()):
            _upsert(conn, "fund_grant", ("grant_id",), grant)
        told_in_error.write(conn, rows)
        erased = [(row["claim_id"], row["claimant_id"]) for row in rows.get("erased_claimant", ())]
        if erased:
            ledger.erase(conn, erased)
            told_in_error.erase(conn, erased)
            whatif.forget(conn, erased)
            forget(conn, erased)
            trials.forget(conn, erased)
        whatif.add(conn, rows.get("what_if", ()))

    return project


def _gone(conn: Connection[Any], claim_id: str, before: ClaimDoc | None, after: ClaimDoc | None) -> None:
    gone = sorted(_cases(before).keys() - _cases(after).keys())
    if gone:
        conn.execute("DELETE FROM worklist WHERE claim_id = %s AND case_id = ANY(%s)", (claim_id, gone))


def _changed(conn: Connection[Any], claims: Sequence[Change]) -> None:
    changed = []
    gained: Counter[str] = Counter()
    for change in claims:
        then = _cases(change.before)
        for case_id, person in _cases(change.after).items():
            if _differs(then.get(case_id), person, case_id):
                changed.append((change.key, person, case_id))
                gained.update(_gained(then.get(case_id), person, case_id))
    for claim_id, person, case_id in sorted(changed, key=lambda entry: entry[1].cases[entry[2]].open):
        _case(conn, claim_id, person, case_id)
    caseload.watch(conn, gained)


def _gained(before: Person | None, after: Person, case_id: str) -> list[str]:
    """The coach who has the open case now and did not before."""
    case, then = after.cases[case_id], before.cases[case_id] if before is not None else None
    had = then is not None and then.open and then.coach_id == case.coach_id
    return [case.coach_id] if case.open and case.coach_id is not None and not had else []


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
    if before.queries != after.queries or before.care is not after.care:
        return True
    return before.flags is not after.flags and any(
        before.flags.get(flag_id) != after.flags.get(flag_id) for flag_id in after.cases[case_id].flag_ids
    )


def _case(conn: Connection[Any], claim_id: str, person: Person, case_id: str) -> None:
    _upsert(conn, "worklist", ("claim_id", "case_id"), row_of(claim_id, person, person.cases[case_id]))


def row_of(claim_id: str, person: Person, case: Case) -> dict[str, Any]:
    """The case's row of the worklist."""
    item = worklist_item(claim_id, person, case)
    return {
        "claim_id": claim_id,
        "case_id": case.case_id,
        "claimant_id": case.claimant_id,
        "coach_id": case.coach_id,
        "office_id": case.office_id,
        "state": case.state,
        "rules": item["rules"],
        "place": sort_place(person, case),
        "due_on": case.due_on,
        "waiting_on": case.waiting_on,
        "unread": case.unread,
        "is_new": not case.seen,
        "complex_needs": item["complex_needs"],
        "item": msgspec.json.encode(item),
    }


def _upsert(conn: Connection[Any], table: str, key: tuple[str, ...], row: Mapping[str, Any]) -> None:
    """Insert, or replace the row of that key. Table and column names are the code's own."""
    names = ", ".join(row)
    values = ", ".join(f"%({name})s" for name in row)
    rest = ", ".join(f"{name} = excluded.{name}" for name in row if name not in key)
    conn.execute(
        f"INSERT INTO {table} ({names}) VALUES ({values}) ON CONFLICT ({', '.join(key)}) DO UPDATE SET {rest}",  # noqa: S608
        row,
    )


def _reference(conn: Connection[Any], changes: Sequence[Change]) -> None:
    """Offices and coaches as people search them."""
    for change in changes:
        match change.after:
            case CoachChanged() as coach:
                lists = {"offices": list(coach.offices), "specialisms": list(coach.specialisms)}
                _upsert(conn, "coach", ("coach_id",), {**{name: getattr(coach, name) for name in COACH_COLUMNS}, **lists})
            case OfficeChanged() as office:
                _upsert(conn, "office", ("office_id",), {name: getattr(office, name) for name in OFFICE_COLUMNS})
            case Provider() as provider:
                row = {name: getattr(provider, name) for name in PROVIDER_COLUMNS}
                lists = {"types": list(provider.types), "districts": list(provider.districts)}
                _upsert(conn, "provider", ("provider_id",), {**row, **lists, "view": msgspec.json.encode(provider)})
            case _:
                pass


# ---- queries ----


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


def open_cases_of(conn: Connection[Any], column: Literal["coach_id", "office_id"], key: str) -> list[tuple[str, str]]:
    """(claim, case) of the open cases of a coach or an office."""
    rows = conn.execute(
        f"SELECT claim_id, case_id FROM worklist WHERE {column} = %s AND state <> 'closed' ORDER BY claim_id",  # noqa: S608
        (key,),
    )
    return [(row[0], row[1]) for row in rows]


def providers(
    conn: Connection[Any], kind: str | None, district: str | None, is_open: bool | None, after: str, today: date, limit: int
) -> list[tuple[str, bytes]]:
    """(id, provider as JSON) by id. Open ones take referrals today and are accredited."""
    rows = conn.execute(
        "SELECT provider_id, view FROM provider WHERE provider_id > %s AND (%s::text IS NULL OR %s = ANY(types))"
        " AND (%s::text IS NULL OR districts = '{}' OR %s = ANY(districts))"
        " AND (%s::boolean IS NULL OR (open AND coalesce(accredited_until >= %s, true)) = %s) ORDER BY provider_id LIMIT %s",
        (after, kind, kind, district, district, is_open, today, is_open, limit),
    )
    return [(row[0], bytes(row[1])) for row in rows]


def fund_totals(conn: Connection[Any], office_id: str, first: date, last: date) -> list[dict[str, Any]]:
    """Grants and pence by purpose, from the first to the last day."""
    rows = conn.execute(
        "SELECT purpose, count(*), sum(amount_pence) FROM fund_grant WHERE office_id = %s AND made_on BETWEEN %s AND %s"
        " GROUP BY 1 ORDER BY 1",
        (office_id, first, last),
    )
    return [{"purpose": row[0], "grants": row[1], "amount_pence": int(row[2])} for row in rows]
