"""A decision maker's acts on single payments: what is allowed, and which events record them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from contracts.earnings import PaymentReallocated
from contracts.ids import period_id
from earnings.model import Claim, Determination
from earnings.rules.attribution import refusal
from earnings.rules.books import Books
from earnings.rules.calendar import Period
from earnings.rules.policy import Policy


class NotAllowed(Exception):
    """The determination may not be recorded; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def record(
    claim_id: str, claim: Claim, all_books: Sequence[Books], periods: Sequence[Period], decision: Determination, policy: Policy
) -> tuple[Claim, list[msgspec.Struct]]:
    """The claim with the decision, which replaces an earlier one on the same payment. Raises NotAllowed.

    Codes: unknown_payment, unknown_period, same_period, not_monthly, no_longer_counts.
    """
    home = next(((books, *books.homes[decision.payment_id]) for books in all_books if decision.payment_id in books.homes), None)
    if home is None:
        raise NotAllowed("unknown_payment")
    books, index, item = home
    if item.rule in ("corrected", "no_longer_valid"):
        raise NotAllowed("no_longer_counts")
    events: list[msgspec.Struct] = []
    if decision.action == "reallocate":
        refused = refusal(item.payment, decision.legal_basis, policy)
        if refused is not None:
            raise NotAllowed(refused)
        if decision.to_start not in {period.start for period in periods}:
            raise NotAllowed("unknown_period")
        if decision.to_start == periods[index].start:
            raise NotAllowed("same_period")
        events.append(
            PaymentReallocated(
                claim_id=claim_id,
                claimant_id=books.member.claimant_id,
                payment_id=decision.payment_id,
                from_period_id=period_id(claim_id, periods[index].start),
                to_period_id=period_id(claim_id, decision.to_start),
                legal_basis=decision.legal_basis,
                decided_by_role=decision.decided_by_role,
            )
        )
    others = tuple(other for other in claim.determinations if other.payment_id != decision.payment_id)
    return msgspec.structs.replace(claim, determinations=(*others, decision)), events
