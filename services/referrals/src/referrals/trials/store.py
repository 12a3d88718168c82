"""Arms and outcomes as analysts read them: kept beside the documents, exported without anybody's id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from psycopg import Connection

from referrals.london import day_of
from referrals.model import ClaimDoc, Person


def follow(conn: Connection[Any], before: ClaimDoc | None, after: ClaimDoc | None) -> None:
    """Note what is new about the people of a claim."""
    for person in after.people.values() if after is not None else ():
        then = before.people.get(person.claimant_id) if before is not None else None
        if after is None or then is person:
            continue
        _arms(conn, after.claim_id, person, then)
        _outcomes(conn, after, person, then)


def _arms(conn: Connection[Any], claim_id: str, person: Person, then: Person | None) -> None:
    for made in person.allotments:
        if then is not None and made in then.allotments:
            continue
        conn.execute(
            "INSERT INTO allotment VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (claim_id, claimant_id, experiment)"
            " DO UPDATE SET arm = excluded.arm, stratum = excluded.stratum, assigned_on = excluded.assigned_on,"
            " exposed_on = excluded.exposed_on",
            (
                claim_id,
                person.claimant_id,
                made.experiment,
                made.arm,
                made.stratum,
                made.on,
                None if made.exposed_at is None else day_of(made.exposed_at),
            ),
        )


def _outcomes(conn: Connection[Any], doc: ClaimDoc, person: Person, then: Person | None) -> None:
    known = then.observed if then is not None else {}
    fresh = [
        (period, seen)
        for period_id, seen in person.observed.items()
        if known.get(period_id) != seen and (period := doc.periods.get(period_id)) is not None
    ]
    if fresh:
        conn.execute(
            "INSERT INTO outcome (claim_id, claimant_id, period_id, period_start, period_end, version, gross_change_pence,"
            " in_work, arm) SELECT %s, %s, * FROM unnest(%s::text[], %s::date[], %s::date[], %s::bigint[], %s::bigint[],"
            " %s::bool[], %s::text[]) ON CONFLICT (claim_id, claimant_id, period_id) DO UPDATE SET version = excluded.version,"
            " gross_change_pence = excluded.gross_change_pence, in_work = excluded.in_work, arm = excluded.arm",
            (
                doc.claim_id,
                person.claimant_id,
                [period.period_id for period, _ in fresh],
                [period.start for period, _ in fresh],
                [period.end for period, _ in fresh],
                [seen.version for _, seen in fresh],
                [seen.gross_change_pence for _, seen in fresh],
                [seen.in_work for _, seen in fresh],
                [seen.arm for _, seen in fresh],
            ),
        )


def forget(conn: Connection[Any], people: Sequence[tuple[str, str]]) -> None:
    """Erasure."""
    columns = ([claim for claim, _ in people], [person for _, person in people])
    for table in ("allotment", "outcome"):
        conn.execute(
            f"DELETE FROM {table} t USING unnest(%s::text[], %s::text[]) AS u(c, p)"  # noqa: S608
            " WHERE t.claim_id = u.c AND t.claimant_id = u.p",
            columns,
        )


def outcomes(
    conn: Connection[Any], experiment: str | None, span: tuple[date | None, date | None], after: int | None, limit: int
) -> Iterable[Mapping[str, Any]]:
    """Outcomes of periods that end within the span, with the person's arm of the experiment, in order of their numbers."""
    first, last = span
    cursor = conn.execute(
        "SELECT o.seq, o.claimant_id, o.period_start, o.period_end, o.version, o.gross_change_pence, o.in_work, o.arm,"
        " a.experiment, a.arm, a.stratum, a.assigned_on, a.exposed_on FROM outcome o LEFT JOIN LATERAL (SELECT * FROM allotment x"
        " WHERE x.claimant_id = o.claimant_id AND x.experiment = %s ORDER BY x.assigned_on, x.claim_id LIMIT 1) a ON true"
        " WHERE o.seq > %s AND (%s::date IS NULL OR o.period_end >= %s) AND (%s::date IS NULL OR o.period_end <= %s)"
        " AND (%s::text IS NULL OR a.experiment IS NOT NULL) ORDER BY o.seq LIMIT %s",
        (experiment, -1 if after is None else after, first, first, last, last, experiment, limit),
    )
    names = (
        "seq", "claimant_id", "period_start", "period_end", "version", "gross_change_pence", "in_work", "arm",
        "experiment", "arm_drawn", "stratum", "assigned_on", "exposed_on",
    )  # fmt: skip
    return [dict(zip(names, row, strict=True)) for row in cursor]
