"""Queries on the worklist. Every one is limited to what its caller may see; values reach SQL as parameters only.

A page is read office by office along an index and merged, so that it costs the same on a long list as on a short one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.rows import dict_row

from referrals.rules.filters import Filter


class Reach(NamedTuple):
    """Whose cases the caller may see: those of these offices, and their own wherever they are."""

    offices: tuple[str, ...]
    own_coach: str | None = None


def clause_of(wanted: Filter, today: date) -> tuple[str, list[Any]]:
    """SQL condition and its parameters; office and coach are left to the query."""
    parts = ["state = %s" if wanted.state is not None else "state <> 'closed'"]
    values: list[Any] = [] if wanted.state is None else [wanted.state]
    plain: Sequence[tuple[str, Any]] = (
        ("due_on <= %s", wanted.due),
        ("%s = ANY(rules)", wanted.rule),
        ("waiting_on = %s", wanted.waiting_on),
        ("(coach_id IS NULL) = %s", wanted.unassigned),
        ("is_new = %s", wanted.new),
        ("unread = %s", wanted.unread),
        ("complex_needs = %s", wanted.complex_needs),
    )
    for text, value in plain:
        if value is not None:
            parts.append(text)
            values.append(value)
    if wanted.overdue is not None:
        parts.append("coalesce(due_on < %s, false) = %s")
        values += [today, wanted.overdue]
    if wanted.q is not None:
        parts.append("(starts_with(case_id, %s) OR starts_with(claimant_id, %s) OR starts_with(claim_id, %s))")
        values += [wanted.q] * 3
    return " AND ".join(parts), values


def within(reach: Reach, wanted: Filter) -> Reach:
    """The reach, narrowed to the wanted office."""
    if wanted.office is None:
        return reach
    return Reach(tuple(office for office in reach.offices if office == wanted.office))


def page(
    conn: Connection[Any], reach: Reach, wanted: Filter, today: date, after: tuple[Any, ...] | None, limit: int
) -> list[tuple[int, str, bytes]]:
    """(place, case_id, item as JSON) in list order."""
    reach = within(reach, wanted)
    query, values = page_query(reach, wanted, today, after, limit)
    return [(row[0], row[1], bytes(row[2])) for row in conn.execute(query, values)]


def page_query(reach: Reach, wanted: Filter, today: date, after: tuple[Any, ...] | None, limit: int) -> tuple[str, list[Any]]:
    """The page's SQL and parameters."""
    clause, values = clause_of(wanted, today)
    if after is not None:
        clause += " AND (place, case_id) > (%s, %s)"
        values = [*values, *after]
    tail = f"{clause} ORDER BY place, case_id LIMIT %s"
    rows = "SELECT place, case_id, item FROM worklist WHERE"
    parts, given = [], []
    if wanted.coach is not None:
        parts.append(f"({rows} coach_id = %s AND (office_id = ANY(%s) OR coach_id = %s) AND {tail})")
        given += [wanted.coach, list(reach.offices), reach.own_coach, *values, limit]
    else:
        of_office = f"({rows} office_id = o.office AND {tail}) w"
        parts.append(f"SELECT w.* FROM unnest(%s::text[]) AS o(office) CROSS JOIN LATERAL {of_office}")  # noqa: S608
        given += [list(reach.offices), *values, limit]
        if reach.own_coach is not None:
            parts.append(f"({rows} coach_id = %s AND (office_id IS NULL OR office_id <> ALL(%s)) AND {tail})")
            given += [reach.own_coach, list(reach.offices), *values, limit]
    merged = " UNION ALL ".join(parts)
    return f"SELECT * FROM ({merged}) AS listed ORDER BY place, case_id LIMIT %s", [*given, limit]  # noqa: S608


def counts(conn: Connection[Any], reach: Reach, wanted: Filter, today: date) -> dict[str, Any]:
    """Numbers over the filtered list."""
    query, values = counts_query(within(reach, wanted), wanted, today)
    by: dict[str, dict[str, int]] = {"state": {}, "waiting_on": {}, "rule": {}}
    totals: dict[str, int] = {}
    with conn.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(query, values):
            if row["kind"] == "total":
                totals[row["name"]] = row["n"]
            else:
                by[row["kind"]][row["name"]] = row["n"]
    return {**totals, **{f"by_{kind}": found for kind, found in by.items()}}


_TOTALS = (
    ("total", "true"),
    ("unassigned", "coach_id IS NULL"),
    ("unread", "unread"),
    ("new", "is_new"),
    ("complex_needs", "complex_needs"),
    ("due_today", "due_on = %s"),
    ("overdue", "due_on < %s"),
)


def counts_query(reach: Reach, wanted: Filter, today: date) -> tuple[str, list[Any]]:
    """One reading of the list, counted in every way."""
    clause, values = clause_of(wanted, today)
    seen = "(office_id = ANY(%s) OR coach_id = %s)"
    given: list[Any] = [list(reach.offices), reach.own_coach]
    if wanted.coach is not None:
        seen += " AND coach_id = %s"
        given.append(wanted.coach)
    columns = "coach_id, state, rules, due_on, waiting_on, unread, is_new, complex_needs"
    parts = [f"SELECT 'total' AS kind, '{name}' AS name, count(*) AS n FROM listed WHERE {met}" for name, met in _TOTALS]  # noqa: S608
    parts += [f"SELECT '{kind}', {kind}, count(*) FROM listed GROUP BY 2" for kind in ("state", "waiting_on")]  # noqa: S608
    parts.append("SELECT 'rule', r, count(*) FROM listed, unnest(rules) AS r GROUP BY 2")
    listed = f"SELECT {columns} FROM worklist WHERE {seen} AND {clause}"  # noqa: S608
    return f"WITH listed AS MATERIALIZED ({listed}) {' UNION ALL '.join(parts)}", [*given, *values, today, today]


def ahead(conn: Connection[Any], coach_id: str | None, office_id: str | None, place: int, case_id: str) -> int:
    """Open cases before this one on its coach's list, or among the unassigned of its office."""
    row = conn.execute(
        "SELECT count(*) FROM worklist WHERE state NOT IN ('closed', 'held') AND (place, case_id) < (%s, %s)"
        " AND (coach_id = %s OR (%s::text IS NULL AND coach_id IS NULL AND office_id = %s))",
        (place, case_id, coach_id, coach_id, office_id),
    ).fetchone()
    return 0 if row is None else int(row[0])
