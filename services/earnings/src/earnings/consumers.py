"""One record inside the unit of work: one exhaustive match, one function for each kind of fact."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from earnings import circumstances_facts, payment_facts, statement_facts
from earnings.intake.facts import (
    ClaimantFact,
    CoachFact,
    ConditionalityFact,
    ContestFact,
    ContractFact,
    EasementFact,
    Fact,
    PaymentFact,
    StatementFact,
)
from earnings.intake.prepare import INTAKE_TOPICS
from earnings.refresh import Judge
from streaming.records import Item, Record
from streaming.work import Work


def handler(rules: Judge) -> Callable[[Work, Item], None]:
    """The service's `handle`."""

    def handle(work: Work, item: Item) -> None:
        fact: Fact = item.body
        match fact:
            case ClaimantFact():
                circumstances_facts.claimant(work, fact, rules)
            case ContractFact():
                circumstances_facts.contract(work, fact, rules)
            case StatementFact():
                statement_facts.statement(work, fact, rules)
            case PaymentFact():
                payment_facts.payment(work, fact, rules)
            case EasementFact():
                circumstances_facts.easement(work, fact, rules)
            case ConditionalityFact():
                circumstances_facts.conditionality(work, fact, rules)
            case ContestFact():
                circumstances_facts.contest(work, fact, rules)
            case CoachFact():
                circumstances_facts.coach(work, fact)
            case _:
                assert_never(fact)

    return handle


def journal(work: Work, record: Record, outcome: str, reason: str | None, record_id: str | None) -> None:
    """One ledger row for every upstream message, whatever becomes of it."""
    if record.topic in INTAKE_TOPICS:
        work.append(
            "ledger",
            topic=record.topic,
            part=record.partition,
            offset=record.offset,
            record_id=record_id,
            received_at=work.now,
            outcome=outcome,
            reason=reason,
        )
