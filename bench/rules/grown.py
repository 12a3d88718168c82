"""What a payment costs the earnings service when its tables hold a thousand times as many claimants.

The real rules in the service's own worker. Everybody who is paid is known with a real past; all others are copies of their rows
under other keys, put between them in every table and index that a payment is looked up in, with short contents: the documents
of ten million real claimants would need more than a hundred gigabytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import Connection, sql
from rich.console import Console

from bench import measure
from bench.measure import Result
from bench.rules import facts
from bench.rules.feed import NOW, publish
from bench.rules.run import SHELL_NAME, contender, template
from bench.rules.services import EARNINGS
from bench.workload import PARTITIONS
from devstack import topics
from devstack.backends import Backends
from streaming.clock import advance

WAGES = 4
"""Of each claim, over all turns."""
MARK = "~"
"""In the keys of copies, and of nobody else."""


@dataclass(frozen=True, slots=True)
class Copied:
    """A table whose rows are copied. keys: columns that get another value in each copy. short: column → what copies hold.

    where: which rows are copied.
    """

    table: str
    keys: tuple[str, ...]
    short: dict[str, str]
    where: str = "true"


LAST = "(claim_id, starts) IN (SELECT claim_id, max(starts) FROM period GROUP BY 1)"
COPIED = (
    Copied("document", ("key",), {"state": "substr(state, 1, 32)"}, "kind IN ('claim', 'claimant', 'person')"),
    Copied("period", ("claim_id",), {"body": "'{}'"}, LAST),
    Copied("due", ("key", "id"), {"payload": "substr(payload, 1, 32)"}),
)
FACTS = {
    "documents": f"SELECT kind, key, schema, state FROM document WHERE key NOT LIKE '%{MARK}%'",  # noqa: S608
    "outbox": EARNINGS.facts["outbox"],
    "ledger": EARNINGS.facts["ledger"],
    "periods": f"{EARNINGS.facts['periods']} WHERE claim_id NOT LIKE '%{MARK}%'",
}


def run(found: Backends, sizes: Sequence[int], repeats: int, console: Console) -> dict[int, list[Result]]:
    """Claimants in the tables → a result for each turn. Sizes take turns. Raises WrongResult when their facts differ."""
    topics.create(found.kafka.bootstrap, PARTITIONS)
    advance(found.kafka.bootstrap, NOW)
    wages = sizes[0] * WAGES
    made = template(found, EARNINGS, wages)
    urls = {size: _filled(found, made, size, size // sizes[0] - 1, console) for size in sizes}
    feed, each = list(EARNINGS.measured(wages)), wages // repeats
    results: dict[int, list[Result]] = {size: [] for size in sizes}
    for turn in range(repeats):
        publish(found.kafka.bootstrap, EARNINGS.topic, feed[turn * each : (turn + 1) * each])
        written = {}
        for size, url in urls.items():
            one = _turn(found, url, size, turn * each, (turn + 1) * each)
            cpu = ", ".join(f"{who} {spent:.1f}" for who, spent in one.cpu_us.items())
            console.print(f"  {size:<12,} claimants {one.events_s:>17,.0f} events/s   CPU µs an event: {cpu}", highlight=False)
            results[size].append(one)
            with psycopg.connect(url, autocommit=True, options="-c timezone=UTC") as conn:
                written[size] = facts.read(conn, FACTS)
            facts.compare(f"{size:,} claimants", written[size], written[sizes[0]])
    for size in sizes:
        found.postgres.drop_database(f"bench_grown_{size}")
    return results


def _turn(found: Backends, url: str, size: int, base: int, until: int) -> Result:
    env = {**EARNINGS.environment(found.kafka.bootstrap, url, PARTITIONS), "BENCH_SERVICE": EARNINGS.name}
    shell = contender(EARNINGS, SHELL_NAME, env)
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("CHECKPOINT")
    return measure.once(shell, "grown", EARNINGS.topic, lambda _: until, found, url, f"grown-{size}", base=base)


def _filled(found: Backends, made: str, size: int, copies: int, console: Console) -> str:
    url = found.postgres.create_database(f"bench_grown_{size}", made, replace=True)
    with psycopg.connect(url, autocommit=True) as conn:
        if copies:
            for one in COPIED:
                with conn.transaction():
                    copy(conn, one, copies)
            conn.execute("VACUUM ANALYZE")
        row = conn.execute("SELECT pg_database_size(current_database()) >> 20, (SELECT count(*) FROM document)").fetchone()
    console.print(f"  {size:,} claimants: %d MiB, %d documents" % (row or (0, 0)), highlight=False)
    return url


def copy(conn: Connection[tuple[object, ...]], one: Copied, copies: int) -> None:
    """Write the table again, each row with its copies behind it; indexes are made when all is there."""
    table = sql.Identifier(one.table)
    keys = "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'p'"
    primary = conn.execute(keys, (one.table,)).fetchall()
    others = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND indexname <> ALL(%s)"
    indexes = conn.execute(others, (one.table, [name for name, _ in primary])).fetchall()
    for name, _ in primary:
        conn.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(table, sql.Identifier(str(name))))
    for name, _ in indexes:
        conn.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(str(name))))
    conn.execute(
        sql.SQL("CREATE TEMP TABLE real ON COMMIT DROP AS SELECT *, {} AS copied FROM {}").format(sql.SQL(one.where), table)
    )
    conn.execute(sql.SQL("TRUNCATE {}").format(table))
    names = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    columns = [str(name) for (name,) in conn.execute(names, (one.table,)).fetchall()]
    conn.execute(
        sql.SQL("INSERT INTO {} SELECT {} FROM real, generate_series(0, {}) n WHERE copied OR n = 0").format(
            table, sql.SQL(", ").join(_value(one, column) for column in columns), copies
        )
    )
    for _, definition in primary:
        conn.execute(sql.SQL("ALTER TABLE {} ADD {}").format(table, sql.SQL(str(definition))))
    for _, definition in indexes:
        conn.execute(sql.SQL(str(definition)))
    conn.execute("DROP TABLE real")


def _value(one: Copied, column: str) -> sql.Composable:
    name = sql.Identifier(column)
    if column in one.keys:
        other: sql.Composable = sql.SQL("{} || {} || n").format(name, MARK)
    elif column in one.short:
        other = sql.SQL(one.short[column])
    else:
        return name
    return sql.SQL("CASE n WHEN 0 THEN {} ELSE {} END").format(name, other)
