"""The query tables: the intake ledger, published assessments, earnings queries. Plain SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from contracts.ids import period_id
from earnings.model import Claim, Query
from streaming.spec import Change

Rows = Mapping[str, Sequence[Mapping[str, Any]]]
OUTCOMES = ("applied", "superseded", "duplicate", "pending", "quarantined", "ignored")


def project(conn: Connection[Any], changes: Sequence[Change], rows: Rows) -> None:
    """Write the query tables in the transaction that changed the documents."""
    _ledger(conn, rows.get("ledger", ()), rows.get("ledger_outcome", ()))
    _periods(conn, rows.get("period", ()))
    for row in rows.get("erased_periods", ()):
        held = Jsonb({"claimants": [{"claimant_id": row["claimant_id"]}]})
        conn.execute("DELETE FROM period WHERE claim_id = %s AND body @> %s", (row["claim_id"], held))
    _queries(conn, rows.get("query", ()), changes)
    for row in rows.get("erased_claim", ()):
        conn.execute("DELETE FROM period WHERE claim_id = %(claim_id)s", row)
        conn.execute("DELETE FROM query WHERE claim_id = %(claim_id)s", row)
    for row in rows.get("erased_record", ()):
        # The letter stays, so that the ledger balances; what it held goes.
        conn.execute("UPDATE dead_letter SET record = '' WHERE topic = %(topic)s AND record_id = %(record_id)s", row)


def _ledger(conn: Connection[Any], new: Sequence[Mapping[str, Any]], settled: Sequence[Mapping[str, Any]]) -> None:
    """One row a message. A message may be settled in the same transaction that brought it.

    A message that is read a second time keeps its answer: it is no duplicate of itself. Only what had no answer gets one.
    """
    fresh = {(row["topic"], row["part"], row["offset"]): dict(row) for row in new}
    later: dict[tuple[str, int, int], Mapping[str, Any]] = {}
    for row in settled:
        place = (row["topic"], row["part"], row["offset"])
        if place in fresh:
            fresh[place].update(outcome=row["outcome"], reason=row["reason"])
        else:
            later[place] = row
    if fresh:
        columns = ("topic", "part", "offset", "record_id", "received_at", "outcome", "reason")
        conn.execute(
            'INSERT INTO ledger (topic, part, "offset", record_id, received_at, outcome, reason)'
            " SELECT * FROM unnest(%s::text[], %s::int[], %s::bigint[], %s::text[], %s::timestamptz[], %s::text[], %s::text[])"
            ' ON CONFLICT (topic, part, "offset") DO UPDATE SET outcome = excluded.outcome, reason = excluded.reason,'
            " record_id = coalesce(excluded.record_id, ledger.record_id)"
            " WHERE 'quarantined' IN (ledger.outcome, excluded.outcome) OR ledger.reason IN ('parked', 'unknown_type')"
            " OR ledger.record_id IS DISTINCT FROM excluded.record_id",
            [[row[column] for row in fresh.values()] for column in columns],
        )
    if later:
        settled_columns = ("topic", "part", "offset", "outcome", "reason")
        conn.execute(
            "UPDATE ledger l SET outcome = u.outcome, reason = u.reason"
            " FROM unnest(%s::text[], %s::int[], %s::bigint[], %s::text[], %s::text[]) AS u(topic, part, place, outcome, reason)"
            ' WHERE l.topic = u.topic AND l.part = u.part AND l."offset" = u.place',
            [[row[column] for row in later.values()] for column in settled_columns],
        )


def _periods(conn: Connection[Any], rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        columns = ("claim_id", "period_id", "version", "starts", "ends", "why", "assessed_at", "take_home_pay", "body")
        conn.execute(
            "INSERT INTO period (claim_id, period_id, version, starts, ends, why, assessed_at, take_home_pay, body)"
            " SELECT * FROM unnest(%s::text[], %s::text[], %s::int[], %s::date[], %s::date[], %s::text[], %s::timestamptz[],"
            " %s::text[], %s::text[]::jsonb[])",
            [[row[column] for row in rows] for column in columns],
        )


def _queries(conn: Connection[Any], rows: Sequence[Mapping[str, Any]], changes: Sequence[Change]) -> None:
    """Queries as their claim has them; those of erased people go."""
    gone = [
        query.query_id
        for change in changes
        if isinstance(change.before, Claim) and isinstance(change.after, Claim) and change.before.queries != change.after.queries
        for query in change.before.queries
        if query.query_id not in {kept.query_id for kept in change.after.queries}
    ]
    if gone:
        conn.execute("DELETE FROM query WHERE query_id = ANY(%s)", (gone,))
    newest = {row["query"].query_id: row for row in rows}
    if newest:
        conn.execute(
            "INSERT INTO query (query_id, claim_id, claimant_id, period_id, cause, blocking, raised_by, state, raised_at,"
            " resolved_at, resolution, office_id)"
            " SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::boolean[], %s::text[],"
            " %s::text[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::text[])"
            " ON CONFLICT (query_id) DO UPDATE SET state = excluded.state, resolved_at = excluded.resolved_at,"
            " resolution = excluded.resolution, raised_at = excluded.raised_at, blocking = excluded.blocking,"
            " raised_by = excluded.raised_by, office_id = excluded.office_id",
            [list(column) for column in zip(*(_query_row(row) for row in newest.values()), strict=True)],
        )


def _query_row(row: Mapping[str, Any]) -> tuple[Any, ...]:
    query: Query = row["query"]
    return (
        query.query_id,
        row["claim_id"],
        query.claimant_id,
        period_id(row["claim_id"], query.start),
        query.cause,
        query.blocking,
        query.by,
        "open" if query.resolved_at is None else "resolved",
        query.raised_at,
        query.resolved_at,
        query.resolution,
        row["office_id"],
    )


LEDGER_COLUMNS = 'topic, part, "offset", record_id, received_at, outcome, reason'


def ledger_of(
    conn: Connection[Any], records: Mapping[str, Sequence[str]], after: tuple[datetime, str, int, int] | None, limit: int
) -> list[tuple[Any, ...]]:
    """Ledger rows of the given records (topic → record ids), oldest first. after: sort key of the row before."""
    topics = [topic for topic, ids in records.items() for _ in ids]
    ids = [record_id for found in records.values() for record_id in found]
    return conn.execute(
        f"SELECT {LEDGER_COLUMNS} FROM ledger WHERE (topic, record_id) IN (SELECT * FROM unnest(%s::text[], %s::text[]))"  # noqa: S608
        ' AND (%s::timestamptz IS NULL OR (received_at, topic, part, "offset") > (%s, %s, %s, %s))'
        ' ORDER BY received_at, topic, part, "offset" LIMIT %s',
        (topics, ids, after and after[0], *(after or (None, None, None, None)), limit),
    ).fetchall()


def messages(
    conn: Connection[Any],
    filters: Mapping[str, Any],
    after: tuple[datetime, str, int, int] | None,
    limit: int,
) -> list[tuple[Any, ...]]:
    """Ledger rows by topic, partition, offset, record_id, outcome (each optional), oldest first."""
    names = {"topic": "topic", "partition": "part", "offset": '"offset"', "record_id": "record_id", "outcome": "outcome"}
    given = {name: value for name, value in filters.items() if value is not None}
    clauses = [f"{names[name]} = %s" for name in given]
    values: list[Any] = list(given.values())
    if after is not None:
        clauses.append('(received_at, topic, part, "offset") > (%s, %s, %s, %s)')
        values.extend(after)
    where = f" WHERE {' AND '.join(clauses)}" if clauses else ""
    return conn.execute(
        f'SELECT {LEDGER_COLUMNS} FROM ledger{where} ORDER BY received_at, topic, part, "offset" LIMIT %s',  # noqa: S608
        (*values, limit),
    ).fetchall()


def summary(conn: Connection[Any], since: datetime | None, until: datetime | None) -> dict[str, dict[str, int]]:
    """topic → outcome → number of messages received in [since, until)."""
    found: dict[str, dict[str, int]] = {}
    for topic, outcome, count in conn.execute(
        "SELECT topic, outcome, count(*) FROM ledger WHERE (%s::timestamptz IS NULL OR received_at >= %s)"
        " AND (%s::timestamptz IS NULL OR received_at < %s) GROUP BY topic, outcome",
        (since, since, until, until),
    ):
        found.setdefault(topic, {})[outcome] = count
    return found


def periods_of(conn: Connection[Any], claim_id: str, ids: Sequence[str]) -> list[tuple[str, Any, str | None]]:
    """(period id, newest body, take-home text) of these periods."""
    return conn.execute(
        "SELECT DISTINCT ON (period_id) period_id, body, take_home_pay FROM period WHERE claim_id = %s AND period_id = ANY(%s)"
        " ORDER BY period_id, version DESC",
        (claim_id, list(ids)),
    ).fetchall()


def versions_of(conn: Connection[Any], claim_id: str, ids: Sequence[str]) -> dict[str, list[tuple[int, str, datetime]]]:
    """period id → (version, why, assessed_at), oldest first."""
    found: dict[str, list[tuple[int, str, datetime]]] = {}
    for key, version, why, at in conn.execute(
        "SELECT period_id, version, why, assessed_at FROM period WHERE claim_id = %s AND period_id = ANY(%s)"
        " ORDER BY period_id, version",
        (claim_id, list(ids)),
    ):
        found.setdefault(key, []).append((version, why, at))
    return found


QUERY_COLUMNS = (
    "query_id, claim_id, claimant_id, period_id, cause, blocking, raised_by, state, raised_at, resolved_at, resolution, office_id"
)


def queries(
    conn: Connection[Any],
    state: str | None,
    offices: Sequence[str] | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[tuple[Any, ...]]:
    """Earnings queries, oldest first; offices None: all."""
    return conn.execute(
        f"SELECT {QUERY_COLUMNS} FROM query WHERE (%s::text IS NULL OR state = %s)"  # noqa: S608
        " AND (%s::text[] IS NULL OR office_id = ANY(%s))"
        " AND (%s::timestamptz IS NULL OR (raised_at, query_id) > (%s, %s)) ORDER BY raised_at, query_id LIMIT %s",
        (
            state,
            state,
            None if offices is None else list(offices),
            None if offices is None else list(offices),
            after and after[0],
            *(after or (None, None)),
            limit,
        ),
    ).fetchall()


def query(conn: Connection[Any], query_id: str) -> tuple[Any, ...] | None:
    """One query's row."""
    return conn.execute(f"SELECT {QUERY_COLUMNS} FROM query WHERE query_id = %s", (query_id,)).fetchone()  # noqa: S608
