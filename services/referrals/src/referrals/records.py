"""The record of one evaluation: inputs and results by value, whether or not anything was flagged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal

import msgspec

from referrals import cadence
from referrals.desk import Desk
from referrals.inputs import basis_of, guard_facts
from referrals.model import Reason
from referrals.rules.evaluation import Evaluation, Inputs, evaluate
from referrals.rules.history import Ap
from referrals.rules.rule_set import Step
from referrals.rules.texts import Counterfactual, counterfactual, explain
from referrals.rules.working import Working, working

StepName = Literal["plan", "recheck", "display"]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept, encrypted. From it and the rule set it names, the evaluation can be recomputed for ever."""

    rule_set: str
    step: StepName
    inputs: Inputs
    evaluation: Evaluation
    reasons: dict[str, Reason]
    counterfactual: Counterfactual | None
    working: Working | None = None


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """An evaluation that has been written down."""

    decision_id: str
    record: Record

    @property
    def evaluation(self) -> Evaluation:
        return self.record.evaluation


def decide(
    desk: Desk, claimant_id: str, aps: Sequence[Ap], place: int, *, step: StepName, steps: tuple[Step, ...], as_of: date
) -> Decided:
    """Evaluate one period of one person and append the decision record."""
    person, ap = desk.person(claimant_id), aps[place]
    book = desk.setup.book_on(ap.end)
    inputs = Inputs(
        claim_id=desk.claim_id,
        claimant_id=claimant_id,
        period_id=ap.period_id,
        steps=steps,
        as_of=as_of,
        known_at=desk.work.now,
        aps=tuple(aps[: place + 1]),
        settled={p.period_id: person.settled[p.period_id] for p in aps[:place] if person.settled.get(p.period_id)},
        guards=guard_facts(desk.doc, claimant_id, ap.period_id, as_of),
        arm=person.arm,
        cadence=cadence.facts(person, aps, place, book),
    )
    result = evaluate(inputs, book)
    holding = {found.rule_id for found in result.findings if found.holds}
    held = [rule_id for rule_id in book.rules if rule_id in holding]
    record = Record(
        rule_set=book.version,
        step=step,
        inputs=inputs,
        evaluation=result,
        reasons={rule_id: Reason(code=rule_id, text=explain(rule_id, result, inputs.aps)) for rule_id in held},
        counterfactual=counterfactual(result, inputs.aps, book.rules, desk.setup.policy.taper.at(ap.start)),
        working=_working(desk, claimant_id, inputs.aps, book.parameters.transitional_periods),
    )
    decision_id = desk.work.next_id("decision")
    desk.work.append(
        "decision",
        decision_id=decision_id,
        claim_id=desk.claim_id,
        claimant_id=claimant_id,
        period_id=ap.period_id,
        step=step,
        as_of=as_of,
        made_at=desk.work.now,
        rule_set=book.version,
        record=record,
    )
    return Decided(decision_id=decision_id, record=record)


def _working(desk: Desk, claimant_id: str, aps: Sequence[Ap], periods: int) -> Working | None:
    award_start = desk.doc.claim.entitlement_date if desk.doc.claim is not None else None
    basis = basis_of(desk.doc.member(claimant_id), aps[-1].start)
    return working(desk.setup.policy, basis, aps, award_start, periods)
