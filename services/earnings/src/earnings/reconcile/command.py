"""The command `earnings reconcile` and what it prints."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from earnings.intake.prepare import DELETED, INTAKE_TOPICS, Intake
from earnings.reading import Reader
from earnings.reconcile import balance, holding
from earnings.reconcile.holding import Unexplained
from earnings.reconcile.looking import look
from earnings.store import OUTCOMES
from streaming.unit_of_work import UnitOfWork

SHOWN = 100
WIDE = 130
"""Characters that the tables need; in a log file every column would be cut."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """days: (topic, day, outcome, messages). claims: (claim id, outcome, messages). read: messages in the log."""

    read: int
    days: list[tuple[str, str, str, int]]
    claims: list[tuple[str, str, int]]
    unexplained: list[Unexplained]

    def topics(self) -> dict[str, Counter[str]]:
        """topic → outcome → messages."""
        found: dict[str, Counter[str]] = {topic: Counter() for topic in INTAKE_TOPICS}
        for topic, _, outcome, count in self.days:
            found[topic][outcome] += count
        return found

    def body(self) -> dict[str, Any]:
        """For JSON: every count and every finding; pseudonymous ids only."""
        by_claim: dict[str, dict[str, int]] = {}
        for claim, outcome, count in self.claims:
            by_claim.setdefault(claim, {})[outcome] = count
        return {
            "read": self.read,
            "topics": self.topics(),
            "days": [dict(zip(("topic", "day", "outcome", "messages"), row, strict=True)) for row in self.days],
            "claims": by_claim,
            "unexplained": [row._asdict() for row in self.unexplained],
        }


def reconcile(unit: UnitOfWork, intake: Intake, bootstrap: str, console: Console, *, decrypt: bool) -> Reconciled:
    """Read the topics from their beginning to their end of now, and hold every message against the ledger.

    Changes nothing. decrypt: also open the documents, which decides what is undecided between two encryptions of one
    version. Raises Infrastructure when broker, database or data key service is away.
    """
    reader = Reader(bootstrap, INTAKE_TOPICS)
    conn = unit.conn
    holding.prepare(conn)
    with _bar(console) as progress:
        task = progress.add_task("reading", total=reader.left)
        read = 0
        for chunks in reader.chunks(lambda passed: progress.advance(task, passed)):
            records = [record for chunk in chunks for record in chunk.records]
            holding.add(conn, look(records, intake, decrypt=decrypt))
            read += len(records)
    holding.limits(conn, reader.bounds, reader.reached)
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        found = holding.unexplained(conn, DELETED)
        named = {row[:3] for row in found}
        found += [row for row in balance.forgotten(conn, unit.spec) if row[:3] not in named]
        return Reconciled(read, balance.by_day(conn), balance.by_claim(conn, unit.spec), found)


def _bar(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console)


def show(console: Console, result: Reconciled) -> None:
    """One row a topic; then every message that is not explained."""
    wrong = Counter(row.topic for row in result.unexplained)
    table = Table("topic", "in the log", *OUTCOMES, "unexplained", title="what became of every message")
    for topic, counts in result.topics().items():
        numbers = [sum(counts.values()), *(counts[outcome] for outcome in OUTCOMES), wrong[topic]]
        table.add_row(topic, *(f"{number:,}" for number in numbers))
    console.print(table)
    days = {day for _, day, _, _ in result.days}
    claims = {claim for claim, _, _ in result.claims}
    console.print(f"{result.read:,} messages of {len(days)} days; {len(claims):,} claims are named by them")
    if not result.unexplained:
        console.print("every message is accounted for")
        return
    rows = Table("topic", "partition", "offset", "record", "ledger says", "finding", title="unexplained")
    for row in result.unexplained[:SHOWN]:
        said = "nothing" if row.outcome is None else f"{row.outcome}{f': {row.reason}' if row.reason else ''}"
        rows.add_row(row.topic, str(row.partition), str(row.offset), row.record_id or "–", said, row.finding)
    console.print(rows)
    more = len(result.unexplained) - SHOWN
    console.print(f"{len(result.unexplained):,} messages are unexplained{f'; {more:,} are not shown' if more > 0 else ''}")


def write(path: Path, result: Reconciled) -> None:
    """All counts and findings as JSON."""
    path.write_text(json.dumps(result.body(), indent=1) + "\n", encoding="utf-8")
