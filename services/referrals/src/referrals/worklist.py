"""Queries on the worklist. Every one is limited to what its caller may see; values reach SQL as parameters only.

A page is read office by office along an index and merged, so that it costs the same on a long list as on a short one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from psycopg import Connection

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
    totals: Counter[str] = Counter(dict.fromkeys(TOTALS, 0))
    by: dict[str, Counter[str]] = {"state": Counter(), "waiting_on": Counter(), "rule": Counter()}
    for state, waiting_on, rules, *marks, number in conn.execute(query, values):
        totals.update({name: number for name, met in zip(TOTALS, (True, *marks), strict=True) if met})
        by["state"][state] += number
        by["waiting_on"][waiting_on] += number
        by["rule"].update(dict.fromkeys(rules, number))
    return {**totals, **{f"by_{kind}": dict(sorted(found.items())) for kind, found in by.items()}}


TOTALS = ("total", "unassigned", "unread", "new", "complex_needs", "due_today", "overdue")
_MARKS = "coach_id IS NULL, unread, is_new, complex_needs, coalesce(due_on = %s, false), coalesce(due_on < %s, false)"


def counts_query(reach: Reach, wanted: Filter, today: date) -> tuple[str, list[Any]]:
    """One reading of the list, grouped by everything that is counted; an index holds all of it for open cases."""
    clause, values = clause_of(wanted, today)
    rows = f"SELECT state, waiting_on, rules, {_MARKS} FROM worklist WHERE"  # noqa: S608
    offices = list(reach.offices)
    if wanted.coach is not None:
        parts = [f"{rows} coach_id = %s AND (office_id = ANY(%s) OR coach_id = %s) AND {clause}"]
        given = [today, today, wanted.coach, offices, reach.own_coach, *values]
    else:
        parts, given = [f"{rows} office_id = ANY(%s) AND {clause}"], [today, today, offices, *values]
        if reach.own_coach is not None:
            parts.append(f"{rows} coach_id = %s AND (office_id IS NULL OR office_id <> ALL(%s)) AND {clause}")
            given += [today, today, reach.own_coach, offices, *values]
    listed = " UNION ALL ".join(parts)
    columns = "state, waiting_on, rules, unassigned, unread, is_new, complex_needs, due_today, overdue"
    return f"SELECT {columns}, count(*) FROM ({listed}) AS listed ({columns}) GROUP BY {columns}", given  # noqa: S608


def ahead(conn: Connection[Any], coach_id: str | None, office_id: str | None, place: int, case_id: str) -> int:
    """Open cases before this one on its coach's list, or among the unassigned of its office."""
    row = conn.execute(
        "SELECT count(*) FROM worklist WHERE state NOT IN ('closed', 'held') AND (place, case_id) < (%s, %s)"
        " AND (coach_id = %s OR (%s::text IS NULL AND coach_id IS NULL AND office_id = %s))",
        (place, case_id, coach_id, coach_id, office_id),
    ).fetchone()
    return 0 if row is None else int(row[0])
