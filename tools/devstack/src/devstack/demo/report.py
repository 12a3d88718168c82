"""`var/demo/report.json` and the summary that people read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from devstack.demo.earned import Accounts
from devstack.demo.judging import Flags, engagement_states
from devstack.demo.latency import latencies
from devstack.demo.recomputed import Recomputed
from devstack.demo.recording import Recording
from devstack.platform import Platform
from world.scoring import Score


@dataclass(frozen=True, slots=True)
class Facts:
    """What the report is made of."""

    platform: Platform
    recording: Recording
    flags: Flags
    scores: dict[str, Score]
    summary: dict[str, Any]
    accounts: Accounts
    recomputed: Recomputed
    expected_dead_letters: int
    elapsed_s: float


def build(facts: Facts) -> dict[str, Any]:
    """All fields of the report, from what was published and stored."""
    recording = facts.recording
    quarantined = sum(topic["quarantined"] for topic in facts.summary["topics"])
    others = sorted((set(facts.flags.raised) | set(facts.flags.withdrawn)) - set(facts.scores))
    return {
        "facts_in": sum(topic["received"] for topic in facts.summary["topics"]),
        "messages_by_topic": dict(sorted(recording.messages.items())),
        "dead_letters": quarantined,
        "dead_letters_expected": facts.expected_dead_letters,
        "periods_assessed": sum(1 for event in recording.of("PeriodAssessed") if event.body["status"] == "closed"),
        "decisions": _count(facts.platform.databases["referrals"], "SELECT count(*) FROM decision"),
        "decisions_recomputed_alike": facts.recomputed.alike,
        "decisions_erased": facts.recomputed.erased,
        "flags": {rule: _flags(facts.scores[rule], rule, facts) for rule in sorted(facts.scores)},
        "flags_without_truth": {rule: _counts(rule, facts) for rule in others},
        "cases": sum(1 for _ in recording.of("CaseOpened")),
        "appointments_booked": sum(1 for _ in recording.of("AppointmentBooked")),
        "messages_delivered": sum(1 for _ in recording.of("MessageDelivered")),
        "engagements": engagement_states(recording),
        "plans_agreed": sum(1 for _ in recording.of("PlanAgreed")),
        "outcomes_met": sum(1 for _ in recording.of("OutcomeMet")),
        "earnings": facts.accounts.body(),
        "elapsed_s": round(facts.elapsed_s, 1),
        "latency_ms": latencies(recording),
        "backends": facts.platform.backends.kinds(),
    }


def _counts(rule: str, facts: Facts) -> dict[str, int]:
    return {"raised": facts.flags.raised[rule], "withdrawn": facts.flags.withdrawn[rule]}


def _flags(score: Score, rule: str, facts: Facts) -> dict[str, Any]:
    return {**_counts(rule, facts), "precision": round(score.precision, 4), "recall": round(score.recall, 4)}


def _count(url: str, query: str) -> int:
    with psycopg.connect(url) as conn:
        row = conn.execute(query).fetchone()
        return int(row[0]) if row else 0


def write(path: Path, report: dict[str, Any]) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps(report, indent=2) + "\n")
    draft.replace(path)


def show(console: Console, report: dict[str, Any], scores: dict[str, Score], story: list[str]) -> None:
    """The summary, each rule's agreement with the truth, and one claimant's story."""
    console.print()
    for name, key in (
        ("messages taken in", "facts_in"), ("periods assessed", "periods_assessed"), ("decisions recorded", "decisions"),
        ("cases opened", "cases"), ("appointments booked", "appointments_booked"), ("messages delivered", "messages_delivered"),
        ("outcomes met", "outcomes_met"), ("plans agreed", "plans_agreed"),
    ):  # fmt: skip
        console.print(f"  {name:<22}{report[key]:>8,}")
    console.print(f"  {'dead letters':<22}{report['dead_letters']:>8,}   ({report['dead_letters_expected']} broken on purpose)")
    pay = report["earnings"]
    console.print(f"  {'payments':<22}{pay['payments']:>8,}   ({pay['in_their_period']:.2%} in the period where they belong)")
    console.print(f"  {'messages reconciled':<22}{pay['messages_reconciled']:>8,}   ({pay['unexplained']} unexplained; "
                  f"facts {'equal' if pay['rebuild_equal'] else 'NOT EQUAL'} when judged again)")  # fmt: skip
    console.print(
        f"  {'recomputed alike':<22}{report['decisions_recomputed_alike']:>8,}   of {report['decisions']:,} decisions, "
        f"{report['decisions_erased']} of erased people"
    )
    states = ", ".join(f"{state} {count}" for state, count in report["engagements"].items())
    console.print(f"  {'engagements':<22}        {states}")
    table = Table(title="Flags against the world's truth: agreement with the specification, not usefulness", title_justify="left")
    for column in ("rule", "raised", "withdrawn", "precision", "recall"):
        table.add_column(column, justify="left" if column == "rule" else "right")
    for rule, row in report["flags"].items():
        table.add_row(rule, str(row["raised"]), str(row["withdrawn"]), f"{row['precision']:.3f}", f"{row['recall']:.3f}")
    for rule, row in report["flags_without_truth"].items():
        table.add_row(f"{rule} (no labels)", str(row["raised"]), str(row["withdrawn"]), "", "")
    console.print(table)
    for score in scores.values():
        for difference in score.differences:
            why = ", ".join(difference.causes) or "NOT EXPLAINED"
            console.print(f"  {difference.kind} {difference.flag.rule} {difference.flag.period_start}: {why}", highlight=False)
    latency = Table(title="Latency, milliseconds", title_justify="left")
    for column in ("", "p50", "p95", "p99"):
        latency.add_column(column, justify="left" if not column else "right")
    for name, values in report["latency_ms"].items():
        latency.add_row(name.replace("_", " "), *(f"{values[p]:,.0f}" for p in ("p50", "p95", "p99")))
    console.print(latency)
    console.print("\nOne claimant's story", style="bold")
    for line in story:
        console.print(f"  {line}", highlight=False)
