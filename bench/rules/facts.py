"""What a contender wrote, as counts and digests: two that did the same work agree in every row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from psycopg import Connection

from bench.measure import WrongResult


class Fact(NamedTuple):
    """Rows, and a digest of all of them in no order."""

    rows: int
    digest: str


def read(conn: Connection[Any], queries: Mapping[str, str]) -> dict[str, Fact]:
    """Digests of the rows of each query. Raises WrongResult if anything was refused or parked."""
    left = conn.execute(
        "SELECT (SELECT count(*) FROM dead_letter), (SELECT count(*) FROM parked_root), (SELECT count(*) FROM parked_item)"
    ).fetchone()
    if left != (0, 0, 0):
        raise WrongResult(f"refused, parked, waiting: {left}")
    return {name: _read(conn, query) for name, query in queries.items()}


def _read(conn: Connection[Any], query: str) -> Fact:
    lines = f"SELECT md5(fact::text) AS line FROM ({query}) fact"  # noqa: S608 - the benchmark's own queries
    row = conn.execute(f"SELECT count(*), coalesce(md5(string_agg(line, '' ORDER BY line)), '') FROM ({lines}) l").fetchone()  # noqa: S608
    assert row is not None
    return Fact(*row)


def compare(who: str, found: Mapping[str, Fact], expected: Mapping[str, Fact]) -> None:
    """Raises WrongResult with the names of what differs."""
    wrong = [f"{name} ({found[name].rows:,} and {fact.rows:,} rows)" for name, fact in expected.items() if found[name] != fact]
    if wrong:
        raise WrongResult(f"{who} wrote other facts than the first to run: {', '.join(wrong)}")


def transactions(conn: Connection[Any]) -> int:
    """How many transactions wrote the outbox, which was empty before; every one of them has something to tell."""
    row = conn.execute("SELECT count(DISTINCT xmin::text) FROM outbox").fetchone()
    return 0 if row is None else int(row[0])
