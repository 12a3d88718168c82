"""What `prepare` makes of a record: facts in the platform's own words. A delete is a fact without a document."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.reference import CoachChanged
from earnings.model import Claimant, Conditionality, Contract, Easement, Order, Payment, Statement


@dataclass(frozen=True, slots=True)
class ClaimantFact:
    """A person as UC Full Service describes them now; document None: deleted."""

    record_id: str
    order: Order
    content: bytes
    document: Claimant | None


@dataclass(frozen=True, slots=True)
class ContractFact:
    """A claim's contract; document None: deleted."""

    record_id: str
    order: Order
    content: bytes
    document: Contract | None


@dataclass(frozen=True, slots=True)
class StatementFact:
    """A period's statement and its claim; document and claim_id None: deleted."""

    record_id: str
    order: Order
    content: bytes
    claim_id: str | None
    document: Statement | None


@dataclass(frozen=True, slots=True)
class PaymentFact:
    """An RTI report. person: keyed hash of the NINO. available: upstream said when it became available to us."""

    record_id: str
    person: str
    document: Payment
    available: bool


@dataclass(frozen=True, slots=True)
class EasementFact:
    """A person's newest easement."""

    record_id: str
    document: Easement


@dataclass(frozen=True, slots=True)
class ConditionalityFact:
    """What is expected of a person from a day on."""

    record_id: str
    document: Conditionality


@dataclass(frozen=True, slots=True)
class ContestFact:
    """A claimant contests earnings (of one period, or null: their earnings now), or the contest ended."""

    record_id: str
    claim_id: str
    period_id: str | None
    opened: bool


@dataclass(frozen=True, slots=True)
class CoachFact:
    """A coach as reference data know them now: their offices, and whether they still work."""

    record_id: str
    document: CoachChanged


Fact = ClaimantFact | ContractFact | StatementFact | PaymentFact | EasementFact | ConditionalityFact | ContestFact | CoachFact
