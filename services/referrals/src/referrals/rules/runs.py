"""Families of rules: once per run, the stronger first, one contact flag per person and period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from referrals.rules.contact_rules import STAGNATION, grew
from referrals.rules.history import Ap, History
from referrals.rules.rule_set import Parameters

Settled = Mapping[str, Sequence[str]]
"""period_id → contact rules raised there, or outranked there (which counts as raised)."""


def already_raised(
    rule_id: str, family: str, stronger_first: Sequence[str], history: History, settled: Settled, parameters: Parameters
) -> bool:
    """The rule, or a stronger one of its family, was raised earlier in the run that the judged period belongs to."""
    stronger = list(stronger_first[: stronger_first.index(rule_id)]) if rule_id in stronger_first else []
    for candidate in (rule_id, *stronger):
        for ap in _run(candidate, family, history, parameters):
            if candidate in settled.get(ap.period_id, ()):
                return True
    return False


def _run(rule_id: str, family: str, history: History, parameters: Parameters) -> list[Ap]:
    """Earlier periods of the rule's run, latest first."""
    run: list[Ap] = []
    for place in range(len(history) - 2, -1, -1):
        ap = history[place]
        if _ends_run(rule_id, family, history[: place + 1], parameters):
            break
        run.append(ap)
    return run


def _ends_run(rule_id: str, family: str, history: History, parameters: Parameters) -> bool:
    ap = history[-1]
    match family:
        case "fall":
            return ap.status in ("LT", "WE")
        case "start":
            return ap.own_known and not ap.paid
        case "end":
            return ap.own_known and ap.paid
        case "stagnation":
            if ap.status is None:
                return False
            return ap.status != "LT" or not ap.amount or (rule_id in STAGNATION and grew(rule_id, history, parameters))
        case _:
            return False


def in_order(rules: Sequence[str], precedence: Sequence[str]) -> list[str]:
    """Contact rules by precedence: the first is kept, the others are recorded as reasons."""
    return sorted(rules, key=precedence.index)
