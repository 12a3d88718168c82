"""The truth about a world as one JSON document, for a file beside the platform, never for a topic."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from world import broken
from world.model import Claim, Job, LatentEvent, Payslip, Report, World
from world.truth.amounts import evidence_of, periods_of
from world.truth.contactable import DUE_DAYS, PLAN_DAYS, SHOWN_DAYS
from world.truth.judge import Findings, Note, judge
from world.truth.payments import payment_labels

FORMAT = "world-truth/1"


def findings(world: World) -> list[Findings]:
    """Labels, notes and true periods of every claim."""
    return _judged(world, world.slips, world.reports, list(world.jobs.values()), by_event=True)


def truth(world: World) -> dict[str, Any]:
    """Everything `tools/world/README.md` describes, ready for JSON."""
    found = findings(world)
    notes = [note for one in found for note in one.notes]
    notes.extend(_corrections(world))
    notes.extend(_passing(world, found))
    events = {event.event_id: event for event in world.events}
    return {
        "format": FORMAT,
        "seed": world.seed,
        "start": world.start.isoformat(),
        "end": world.end.isoformat(),
        "labels": [_label(label, events) for one in found for label in one.labels],
        "notes": [_plain(asdict(note)) for note in notes],
        "events": [_plain(asdict(event)) for event in world.events],
        "employments": [_employment(job) for job in world.jobs.values()],
        "true_periods": [row for claim, one in zip(world.claims, found, strict=True) for row in _periods(claim, one)],
        "payments": [_plain(asdict(label)) for label in payment_labels(world)],
        "expected_dead_letters": broken.expected_dead_letters(world),
        "strangers": list(broken.STRANGER_IDS) if world.broken else [],
        "stories": {who: person.story for who, person in world.persons.items()},
    }


def write(world: World, path: Path) -> dict[str, Any]:
    """Writes the document and returns it."""
    document = truth(world)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    return document


def _judged(
    world: World, slips: Mapping[str, Payslip], reports: Sequence[Report], jobs: Sequence[Job], *, by_event: bool
) -> list[Findings]:
    by_person: dict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        by_person[job.person_id].append(job)
    events: dict[str, list[LatentEvent]] = defaultdict(list)
    for event in world.events:
        events[event.person_id].append(event)
    evidence = evidence_of(slips, reports, {job.job_id: job for job in jobs})
    return [judge(claim, world.persons, by_person, evidence, events if by_event else None, world.end) for claim in world.claims]


def _corrections(world: World) -> list[Note]:
    """One note per submission that was put right after its period closed, with the step it came before."""
    first = {report.slip_id: report for report in world.reports if report.kind == "original"}
    notes = []
    for report in world.reports:
        if report.kind not in ("correction", "invalidation"):
            continue
        slip = world.slips[report.slip_id]
        claim = world.claim_of[slip.person_id]
        period = next((p for p in periods_of(claim, world.end) if p.holds(max(slip.payday, first[slip.slip_id].on))), None)
        if period is None or report.on <= period.end:
            continue
        detail = {
            "payment_id": first[slip.slip_id].unique_id,
            "first_pence": first[slip.slip_id].gross_pence,
            "true_pence": slip.gross_pence,
            "on": report.on,
            "stage": _stage(period.end, report.on),
        }
        notes.append(
            Note(
                claimant_id=slip.person_id,
                claim_id=claim.claim_id,
                start=period.start,
                rule=None,
                cause="corrected",
                detail=detail,
            )
        )
    return notes


def _stage(end: date, on: date) -> str:
    for days, name in ((PLAN_DAYS, "before_plan"), (DUE_DAYS, "before_due"), (SHOWN_DAYS, "before_shown")):
        if on < end + timedelta(days=days):
            return name
    return "after_shown"


def _passing(world: World, true: list[Findings]) -> list[Note]:
    """Labels that hold on first reports only: whoever believes them must take the flag back when they are put right."""
    first = {report.slip_id: report.gross_pence for report in world.reports if report.kind == "original"}
    put_right = {r.slip_id: r.on for r in world.reports if r.kind in ("correction", "invalidation")}
    slips = {
        slip_id: replace(slip, gross_pence=first[slip_id]) if slip_id in put_right else slip
        for slip_id, slip in world.slips.items()
    }
    believed = _judged(world, slips, world.reports, [replace(job, real=True) for job in world.jobs.values()], by_event=False)
    held = {(label.rule, label.claimant_id, label.start) for one in true for label in one.labels}
    return [
        Note(
            claimant_id=label.claimant_id,
            claim_id=label.claim_id,
            start=label.start,
            rule=label.rule,
            cause="on_first_reports_only",
            detail={},
        )
        for one in believed
        for label in one.labels
        if (label.rule, label.claimant_id, label.start) not in held
    ]


def _label(label: Any, events: Mapping[str, LatentEvent]) -> dict[str, Any]:
    row: dict[str, Any] = _plain(asdict(label))
    row["because"]["events"] = [_plain(asdict(events[event_id])) for event_id in row["because"]["events"]]
    return row


def _employment(job: Job) -> dict[str, Any]:
    return {
        "claimant_id": job.person_id,
        "paye_reference": job.employer,
        "payroll_id": job.payroll_id,
        "sequence": job.sequence,
        "frequency": job.frequency,
        "started_on": job.started_on.isoformat(),
        "ended_on": None if job.ended_on is None else job.ended_on.isoformat(),
        "real": job.real,
    }


def _periods(claim: Claim, found: Findings) -> list[dict[str, Any]]:
    return [
        {
            "claim_id": claim.claim_id,
            "claimant_id": who,
            "start": true.period.start.isoformat(),
            "end": true.period.end.isoformat(),
            "pay_pence": true.pay_pence,
            "amount_pence": true.amount_pence,
            "status": status,
            "withheld": true.withheld,
        }
        for who, periods in found.periods.items()
        for true, status in periods
    ]


def _plain(value: Any) -> Any:
    """Dates as ISO strings, tuples as lists."""
    match value:
        case date():
            return value.isoformat()
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return value
