"""The plans behind every question to the worklist, written down as the database explains them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import psycopg

from bench.worklist.filling import coach, office
from referrals import worklist
from referrals.rules.filters import Filter
from referrals.worklist import Reach

LIMIT = 51
MANY = tuple(office(number) for number in range(20))


def questions(today: date, after: tuple[int, str]) -> dict[str, tuple[str, list[Any]]]:
    """Heading → the query as the service sends it."""
    one = Reach((office(7),), coach(7, 3))
    pages: dict[str, tuple[Reach, Filter, tuple[int, str] | None]] = {
        "First page of an office": (one, Filter(), None),
        "A later page": (one, Filter(), after),
        "One coach": (one, Filter(coach=coach(7, 3)), None),
        "Unassigned in an office": (one, Filter(unassigned=True), None),
        "Overdue, one rule, waiting on us": (one, Filter(overdue=True, rule="fell-below-aet", waiting_on="us"), None),
        "A search that finds nothing": (one, Filter(q="no-such-case"), None),
        "First page of twenty offices": (Reach(MANY), Filter(), None),
    }
    found = {name: worklist.page_query(reach, wanted, today, start, LIMIT) for name, (reach, wanted, start) in pages.items()}
    found["Counts of an office"] = worklist.counts_query(one, Filter(), today)
    found["Counts of twenty offices"] = worklist.counts_query(Reach(MANY), Filter(), today)
    return found


def write(url: str, cases: int, today: date, path: Path) -> None:
    """EXPLAIN (ANALYZE, BUFFERS) of each question after it ran once."""
    parts = [
        "# Plans of the worklist's queries",
        "",
        f"Written by `python -m bench.worklist --cases {cases} --plans docs/worklist-plans.md` on {cases:,} cases in 634",
        "offices, each query run once before. A page reads its office's index in list order and stops after its rows; several",
        "offices are merged. Times depend on the machine; what matters is that no plan reads the whole table.",
    ]  # fmt: skip
    with psycopg.connect(url, autocommit=True) as conn:
        for heading, (query, values) in questions(today, (today.toordinal() - 60, "")).items():
            conn.execute(query, values)
            lines = [row[0] for row in conn.execute(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) {query}", values)]
            assert not any("Seq Scan on worklist" in line for line in lines), f"{heading}: the whole table is read"
            parts += ["", f"## {heading}", "```", *lines, "```"]
    path.write_text("\n".join(parts) + "\n")
