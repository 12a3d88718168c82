"""F19: somebody holds rows that events need; consumers are slow."""

from __future__ import annotations

import time

import psycopg
from tests.faults.full.run import Run
from tests.faults.proxy import Weather

HELD_S = 10.0
ROWS = 20
SLOW = Weather(bytes_per_s=200_000, latency_s=0.01)


def test_f19_rows_are_locked_for_ten_seconds(run: Run) -> None:
    connections: list[psycopg.Connection[tuple[object, ...]]] = []

    def begin() -> None:
        for service in ("earnings", "referrals"):
            conn = psycopg.connect(run.theatre.stage.databases[service])
            connections.append(conn)
            held = conn.execute("SELECT key FROM document WHERE kind = 'claim' ORDER BY key LIMIT %s FOR UPDATE", (ROWS,))
            run.cell.faults.append(f"{held.rowcount} claims of {service} locked for {HELD_S:g} s")
        run.theatre.random.shuffle(connections)

    def end() -> None:
        time.sleep(HELD_S)
        for conn in connections:
            conn.rollback()
            conn.close()

    run.play(begin=begin, end=end)
    run.verify()


def test_f19_the_database_is_far_and_narrow(run: Run) -> None:
    def begin() -> None:
        run.site.database.weather = SLOW
        run.cell.faults.append(f"database at {SLOW.bytes_per_s:g} bytes/s")

    run.play(begin=begin, end=run.site.database.mend)
    run.verify()
