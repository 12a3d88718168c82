"""One evaluation: every rule on one person's period at one step, from inputs that are recorded by value.

`evaluate` is a function of `Inputs` alone, so that a recorded decision can be recomputed identically for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import cached_property, lru_cache
from typing import Literal, NamedTuple

import msgspec

from referrals.rules import cadence, observing
from referrals.rules.cadence import Cadence
from referrals.rules.contact_limits import next_allowed
from referrals.rules.figures import FIGURES
from referrals.rules.findings import Finding, Predicate
from referrals.rules.guards import GuardFacts, first_stop
from referrals.rules.history import Ap, History, previous
from referrals.rules.observing import Observation, Query
from referrals.rules.predicates import PREDICATES, Test
from referrals.rules.rule_set import Guard, Parameters, Rule, Step
from referrals.rules.runs import already_raised, in_order
from referrals.rules.thresholds import Status

Judging = Literal["plan", "recheck", "display"]


class Condition(NamedTuple):
    """One predicate with one choice of parameters. place: the same in every rule that tests it so."""

    place: int
    test: Test


class Book(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The part of a rule set that an evaluation needs, by value."""

    version: str
    rules: dict[str, Rule]
    guards: dict[str, Guard]
    guard_order: tuple[str, ...]
    stronger_first: dict[str, tuple[str, ...]]
    precedence: tuple[str, ...]
    parameters: Parameters

    @cached_property
    def conditions(self) -> tuple[tuple[Rule, tuple[Condition, ...]], ...]:
        """The rules that judge periods, each with what it tests: worked out once per book."""
        places: dict[tuple[str | int, ...], int] = {}
        found = []
        for rule in self.rules.values():
            tests = []
            for name in rule.tests:
                predicate = PREDICATES[name]
                key = (name, *(rule.numbers[need] for need in predicate.needs))
                tests.append(Condition(places.setdefault(key, len(places)), predicate.test))
            if tests:
                found.append((rule, tuple(tests)))
        return tuple(found)


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a decision rests on.

    steps: which steps' guards are judged (a period whose due date is past is planned and re-checked at once).
    as_of: fixes dates, easements and windows. known_at: every fact that had arrived by then counts.
    aps: closed periods up to the one judged, oldest first. settled: see `runs.Settled`.
    """

    claim_id: str
    claimant_id: str
    period_id: str
    steps: tuple[Step, ...]
    as_of: date
    known_at: datetime
    aps: tuple[Ap, ...]
    settled: dict[str, tuple[str, ...]]
    guards: GuardFacts
    arm: str | None = None
    cadence: tuple[Cadence, ...] = ()


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that held and the guard that stopped it."""

    rule_id: str
    guard: str


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. contact: the one contact rule kept; outranked: others that held (they count as raised)."""

    status: Status | None
    previous_status: Status | None
    contact: str | None
    outranked: tuple[str, ...]
    suppressed: tuple[Stop, ...]
    once_per_run: tuple[str, ...]
    outcomes: tuple[str, ...]
    reviews: tuple[str, ...]
    queries: tuple[Query, ...]
    observation: Observation
    findings: tuple[Finding, ...]
    next_allowed_on: date | None = None

    def holds(self, rule_id: str) -> bool:
        """The rule's own condition is met, whatever stops or outranks it."""
        return any(found.rule_id == rule_id and found.holds for found in self.findings)

    def figures(self, rule_id: str) -> Mapping[str, str | int]:
        return next((found.figures for found in self.findings if found.rule_id == rule_id), {})


def evaluate(inputs: Inputs, book: Book) -> Evaluation:
    """Judge every rule of the book on the last period of `inputs.aps`."""
    history, parameters = inputs.aps, book.parameters
    met: dict[int, bool] = {}
    findings = tuple(_find(rule, conditions, history, met) for rule, conditions in book.conditions)
    calendar = {fact.rule_id: fact for fact in inputs.cadence if fact.rule_id in book.rules}
    findings += tuple(
        cadence.find(book.rules[rule_id], fact, history, inputs.as_of, parameters) for rule_id, fact in calendar.items()
    )
    held = [found.rule_id for found in findings if found.holds]
    contacts, stopped, spent = [], [], []
    for rule_id in held:
        rule = book.rules[rule_id]
        if rule.kind != "contact":
            continue
        order = book.stronger_first.get(rule.family, ())
        fact = calendar.get(rule_id)
        if fact.done if fact is not None else already_raised(rule, book.rules, order, history, inputs.settled):
            spent.append(rule_id)
            continue
        guard = _stopped_by(rule, inputs, book)
        if guard is None:
            contacts.append(rule_id)
        else:
            stopped.append(Stop(rule_id=rule_id, guard=guard))
    ranked = in_order(contacts, book.precedence)
    limited = any(stop.guard in ("guard-recent-contact", "guard-burden-cap") for stop in stopped)
    before = previous(history)
    return Evaluation(
        status=history[-1].status,
        previous_status=None if before is None else before.status,
        contact=ranked[0] if ranked else None,
        outranked=tuple(ranked[1:]),
        suppressed=tuple(stopped),
        once_per_run=tuple(spent),
        outcomes=tuple(rule_id for rule_id in held if book.rules[rule_id].kind == "outcome"),
        reviews=tuple(rule_id for rule_id in held if book.rules[rule_id].kind == "review"),
        queries=observing.earnings_queries(history, parameters),
        observation=observing.observe(history, inputs.arm),
        findings=findings,
        next_allowed_on=next_allowed(inputs.guards.contacts, inputs.as_of, parameters) if limited else None,
    )


def _find(rule: Rule, conditions: tuple[Condition, ...], history: History, known: dict[int, bool]) -> Finding:
    """Every predicate of the rule, judged or taken from `known`; figures only when all hold."""
    answers = []
    for place, test in conditions:
        if place not in known:
            known[place] = test(history, rule.numbers)
        answers.append(known[place])
    found = _finding(rule.id, rule.tests, tuple(answers))
    if not found.holds:
        return found
    figures = {key: value for name in rule.figures for key, value in FIGURES[name](history, rule.numbers).items()}
    return msgspec.structs.replace(found, figures=figures)


@lru_cache(maxsize=4096)
def _finding(rule_id: str, tests: tuple[str, ...], answers: tuple[bool, ...]) -> Finding:
    """Without figures. Most rules do not hold, for one of a few reasons: the same ones again and again."""
    return Finding(rule_id=rule_id, predicates=tuple(map(Predicate, tests, answers)))


def _stopped_by(rule: Rule, inputs: Inputs, book: Book) -> str | None:
    """The first guard of the policy's order that stops the rule at one of the steps judged."""
    found = [
        first_stop(
            step, rule, inputs.guards, inputs.as_of, guards=book.guards, order=book.guard_order, parameters=book.parameters
        )
        for step in inputs.steps
    ]
    named = [guard for guard in found if guard is not None and guard != "guard-open-case"]
    return min(named, key=book.guard_order.index) if named else None
