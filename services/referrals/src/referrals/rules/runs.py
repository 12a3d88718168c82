"""Families of rules: once per run, the stronger first, one contact flag per person and period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from referrals.rules.growth import grew_over
from referrals.rules.history import Ap, History, window
from referrals.rules.rule_set import Rule

Settled = Mapping[str, Sequence[str]]
"""period_id → contact rules raised there, or outranked there (which counts as raised)."""


def already_raised(
    rule: Rule, rules: Mapping[str, Rule], stronger_first: Sequence[str], history: History, settled: Settled
) -> bool:
    """The rule, or a stronger one of its family, was raised earlier in the run that the judged period belongs to."""
    stronger = stronger_first[: stronger_first.index(rule.id)] if rule.id in stronger_first else ()
    for candidate in (rule, *(rules[rule_id] for rule_id in stronger if rule_id in rules)):
        for ap in _run(candidate, history):
            if candidate.id in settled.get(ap.period_id, ()):
                return True
    return False


def _run(rule: Rule, history: History) -> list[Ap]:
    """Earlier periods of the rule's run, latest first."""
    run: list[Ap] = []
    for place in range(len(history) - 2, -1, -1):
        ap = history[place]
        if _ends_run(rule, history[: place + 1]):
            break
        run.append(ap)
    return run


def _ends_run(rule: Rule, history: History) -> bool:
    ap = history[-1]
    match rule.family:
        case "fall":
            return ap.status in ("LT", "WE")
        case "start":
            return ap.own_known and not ap.paid
        case "end":
            return ap.own_known and ap.paid
        case "stagnation":
            if ap.status is None:
                return False
            return ap.status != "LT" or not ap.amount or _grew(rule, history)
        case _:
            return False


def _grew(rule: Rule, history: History) -> bool:
    """The rule's window that ends with this history shows growth."""
    last = window(history, int(rule.numbers["periods"]))
    limits = (str(rule.numbers["min_growth_percent"]), str(rule.numbers["min_nlw_hours_gain"]))
    return last is not None and grew_over(last, *limits) is True


def in_order(rules: Sequence[str], precedence: Sequence[str]) -> list[str]:
    """Contact rules by precedence: the first is kept, the others are recorded as reasons."""
    return sorted(rules, key=precedence.index)
