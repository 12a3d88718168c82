"""Other claimants are put between the real ones in every table and index, and change nothing about the real ones."""

from __future__ import annotations

import psycopg
import pytest
from bench.rules.grown import COPIED, MARK, Copied, copy
from tests.support.backends_plugin import FreshDatabase

DOCUMENTS, PERIODS, TIMERS = COPIED
WRITTEN = {
    "document": (
        "INSERT INTO document (kind, key, schema, version, state) VALUES ('claim', 'c1', 1, 3, %(long)s),"
        " ('claim', 'c2', 1, 1, %(long)s), ('payment', '9', 1, 1, %(long)s)"
    ),
    "period": (
        "INSERT INTO period (claim_id, period_id, version, starts, ends, why, assessed_at, body) VALUES"
        " ('c1', 'p1', 1, '2026-01-01', '2026-01-31', 'w', now(), '{\"a\": 1}'),"
        " ('c1', 'p2', 1, '2026-02-01', '2026-02-28', 'w', now(), '{\"a\": 2}')"
    ),
    "due": (
        "INSERT INTO due (key, kind, id, due_at, name, payload, revision, correlation_id)"
        " VALUES ('c1', 'claim', 'i1', now(), 'n', %(long)s, 'r', 'x')"
    ),
}


@pytest.mark.parametrize(("one", "real", "copied"), [(DOCUMENTS, 3, 2), (PERIODS, 2, 1), (TIMERS, 1, 1)])
def test_rows_have_copies_behind_them(one: Copied, real: int, copied: int, fresh_database: FreshDatabase) -> None:
    with psycopg.connect(fresh_database("earnings"), autocommit=True) as conn:
        conn.execute(WRITTEN[one.table], {"long": b"x" * 100})
        rows = f"SELECT * FROM {one.table}"  # noqa: S608
        indexes = f"SELECT indexdef FROM pg_indexes WHERE tablename = '{one.table}'"  # noqa: S608
        key = one.keys[0]
        mine = f"{rows} WHERE {key} NOT LIKE '%{MARK}%' ORDER BY 1, 2"
        before, kept = conn.execute(mine).fetchall(), sorted(conn.execute(indexes).fetchall())
        with conn.transaction():
            copy(conn, one, 4)
        assert conn.execute(mine).fetchall() == before
        assert len(before) == real
        assert sorted(conn.execute(indexes).fetchall()) == kept
        others = conn.execute(f"{rows} WHERE {key} LIKE 'c1{MARK}%' ORDER BY {key}").fetchall()
        assert len(conn.execute(rows).fetchall()) == real + 4 * copied
        assert len(others) == 4
        assert all(len(value) <= 32 for row in others for value in row if isinstance(value, bytes))
