"""What the recording says about the platform: flags against the world's truth, and what became of everything."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

from devstack.demo.recording import Recording
from world.scoring import Flag, Score, score
from world.truth.judge import RULES


@dataclass(frozen=True, slots=True)
class Flags:
    """By rule: flags raised (each counted once, however often its revision rose), withdrawn after all, and standing."""

    raised: Counter[str]
    withdrawn: Counter[str]
    standing: set[Flag]


def flags(recording: Recording) -> Flags:
    """A flag stands if it was raised, not withdrawn since, and its reason was not reported gone after contact."""
    starts = {event.body["period_id"]: date.fromisoformat(event.body["start"]) for event in recording.of("PeriodAssessed")}
    subject: dict[str, tuple[str, str, str]] = {}
    up: set[str] = set()
    raised: set[str] = set()
    withdrawn: set[str] = set()
    for event in recording.of("FlagRaised", "FlagWithdrawn", "ReasonChanged"):
        flag_id = event.body["flag_id"]
        if event.type == "FlagRaised":
            subject[flag_id] = (event.body["rule_id"], event.body["claimant_id"], event.body["period_id"])
            up.add(flag_id)
            raised.add(flag_id)
        else:
            up.discard(flag_id)
            if event.type == "FlagWithdrawn":
                withdrawn.add(flag_id)
    planned = {event.body["flag_id"]: event.body["rule_id"] for event in recording.of("FlagPlanned")}
    rule_of = planned | {flag_id: rule for flag_id, (rule, _, _) in subject.items()}
    return Flags(
        Counter(rule_of[flag_id] for flag_id in raised),
        Counter(rule_of[flag_id] for flag_id in withdrawn if flag_id in rule_of),
        {
            Flag(rule, claimant, starts[period])
            for rule, claimant, period in (subject[flag_id] for flag_id in up)
            if rule in RULES
        },
    )


def agreement(truth: dict[str, Any], found: Flags) -> dict[str, Score]:
    """Precision and recall of each rule: agreement with the specification, not usefulness."""
    return score(truth, found.standing)


def unexplained(scores: dict[str, Score]) -> list[str]:
    """Differences for which the world knows no cause."""
    return [
        f"{found.kind} {found.flag.rule} {found.flag.claimant_id} {found.flag.period_start} ({found.story})"
        for result in scores.values()
        for found in result.differences
        if not found.causes
    ]


def engagement_states(recording: Recording) -> dict[str, int]:
    """Last state of every engagement, from its events."""
    after = {
        "EngagementOpened": "draft",
        "EngagementShared": "shared",
        "EngagementAnswered": "answered",
        "PlanAgreed": "agreed",
        "ActionDone": "following_up",
        "ActionDue": "following_up",
        "ApprovalsRevoked": "answered",
        "EngagementClosed": "closed",
    }
    states: dict[str, str] = {}
    for event in recording.of(*after):
        states[event.body["engagement_id"]] = after[event.type]
    counts = Counter(states.values())
    return {state: counts[state] for state in ("draft", "shared", "answered", "agreed", "following_up", "closed")}
