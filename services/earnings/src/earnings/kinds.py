"""The lock roots, in lock order, and which of them belong together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contracts.reference import CoachChanged
from earnings.model import Claim, Claimant, PaymentKey, Person, StatementKey
from streaming.records import Root
from streaming.spec import Kind

PERSON, CLAIMANT, CLAIM, STATEMENT, PAYMENT, COACH = "person", "claimant", "claim", "statement", "payment", "coach"

KINDS = (
    Kind(PERSON, Person),
    Kind(CLAIMANT, Claimant),
    Kind(CLAIM, Claim),
    Kind(STATEMENT, StatementKey),
    Kind(PAYMENT, PaymentKey),
    Kind(COACH, CoachChanged),
)


def links(kind: str, doc: Any) -> Sequence[Root]:
    """Person, claimants and claims are judged together, so they are locked together."""
    match kind:
        case "person":
            return [(CLAIMANT, claimant) for claimant in doc.claimants]
        case "claimant":
            own: list[Root] = [(CLAIM, membership.claim_id) for membership in doc.claims]
            own += [(CLAIM, claim_id) for claim_id in doc.past_claims]
            return own if doc.person is None else [(PERSON, doc.person), *own]
        case "claim":
            return () if doc.contract is None else [(CLAIMANT, person) for person in doc.contract.people]
        case "coach":
            return ()
        case "statement":
            return () if doc.claim_id is None else [(CLAIM, doc.claim_id)]
        case _:
            return [(PERSON, doc.person)]
