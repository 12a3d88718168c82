"""What a play ended with, without what may differ between two runs (times, versions, offsets, order of equal things)."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import httpx

from devstack.demo.recording import Recording
from devstack.platform import Platform

Digest = dict[str, Counter[str]]
"""Subject → each fact with how often it is there."""

FINAL = {
    "flags": ("FlagPlanned", "FlagRaised", "FlagShown", "FlagWithdrawn", "FlagClosed"),
    "cases": ("CaseOpened", "ContactRequested", "ContactRecorded", "CaseHeld", "CaseClosed", "CaseWithdrawn", "OutcomeMet"),
    "appointments": (
        "AppointmentOffered",
        "AppointmentBooked",
        "AppointmentDeclined",
        "AppointmentAttended",
        "AppointmentMissed",
    ),
    "messages": ("MessageRequested", "MessageSent", "MessageDelivered"),
    "engagements": (
        "ConsentGiven",
        "EngagementOpened",
        "EngagementShared",
        "EngagementAnswered",
        "PlanAgreed",
        "EngagementClosed",
    ),
}
"""Events whose business content must be there exactly as often as without faults."""

KEYS = (
    "claimant_id", "rule_id", "family", "purpose", "channel", "outcome", "code", "contact_basis", "minutes", "language", "party",
    "template", "answer", "ask", "why", "employer_id", "starts_at",
)  # fmt: skip


def take(recording: Recording, platform: Platform) -> Digest:
    """From the topics and from what the provider accepted."""
    found: Digest = {subject: Counter() for subject in FINAL}
    periods: dict[str, tuple[int, str]] = {}
    for event in recording.of("PeriodAssessed"):
        body = event.body
        if body["version"] > periods.get(body["period_id"], (0, ""))[0]:
            periods[body["period_id"]] = (body["version"], _period(body))
    found["periods"] = Counter(fact for _, fact in periods.values())
    for subject, types in FINAL.items():
        for event in recording.of(*types):
            found[subject][_fact(event.type, event.body)] += 1
    sends = httpx.get(f"{platform.notify}/sandbox/sends", timeout=30).json()
    found["sends"] = Counter(send["reference"] for send in sends["items"])
    return found


def differences(reference: Digest, actual: Digest) -> list[str]:
    """What one has and the other has not; and whatever the provider accepted twice."""
    wrong = [f"sent twice: {reference_id}" for reference_id, count in actual["sends"].items() if count > 1]
    if sum(actual["sends"].values()) != sum(reference["sends"].values()):
        wrong.append(f"{sum(actual['sends'].values())} messages accepted instead of {sum(reference['sends'].values())}")
    for subject in reference:
        if subject == "sends":
            continue
        for fact, count in (reference[subject] - actual[subject]).items():
            wrong.append(f"missing from {subject}: {count} x {fact}")
        for fact, count in (actual[subject] - reference[subject]).items():
            wrong.append(f"too much in {subject}: {count} x {fact}")
    return wrong


def _fact(name: str, body: dict[str, Any]) -> str:
    return json.dumps([name, {key: body[key] for key in KEYS if key in body}], sort_keys=True)


def _period(body: dict[str, Any]) -> str:
    people = [
        {
            key: person[key]
            for key in ("claimant_id", "gross_pence", "attributed_pence", "gross_monthly_average_pence", "basis", "quality")
        }
        for person in sorted(body["claimants"], key=lambda person: str(person["claimant_id"]))
    ]
    return json.dumps([body["claim_id"], body["start"], body["end"], body["status"], people], sort_keys=True)
