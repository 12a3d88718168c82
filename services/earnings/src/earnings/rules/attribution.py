"""Attribution: a chain of named rules says in which period each payment counts, with what amount, and why.

Sources: regulation 61 of SI 2013/376 (receipt in the period; 61(3) and 61(6) decisions), and the platform's choice of
date where payment and receipt differ (`policy/earnings.yaml`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from msgspec.structs import replace

from earnings.model import Determination, Payment
from earnings.rules.policy import Policy


class Placed(NamedTuple):
    """A payment's place.

    on: attribution date. raw: pence by the general rule and corrections. amount: pence after decisions.
    moved_to: first day of the period a decision moved it to. rule: which rule of the chain placed it; reason: in words.
    counts: neither corrected nor invalid, so it is evidence of a payday.
    """

    payment: Payment
    on: date
    raw: int
    amount: int
    moved_to: date | None
    rule: str
    reason: str
    counts: bool


BASIS_RULE: dict[str, tuple[str, str]] = {
    "max": ("later_of_payment_and_receipt", "Counts on the later of the day it was paid and the day it was reported."),
    "received_date": ("received_date", "Counts on the day the report was received."),
    "payment_date": ("payment_date", "Counts on the day it was paid."),
}
"""Attribution basis → name of the rule, and its reason in words."""


def attribution_date(payment: Payment, policy: Policy) -> date:
    """The day that decides the period, before any correction or decision."""
    if policy.attribution_basis == "payment_date":
        return payment.paid_on
    if policy.attribution_basis == "received_date":
        return payment.received_on
    return max(payment.paid_on, payment.received_on)


def corrections(payments: Iterable[Payment]) -> dict[str, str]:
    """payment id → id of the later report that corrects it.

    A report with late reason H corrects the report of the same job and payment date that HMRC had before it. Order of
    arrival here does not matter, only what HMRC's receipt times say.
    """
    groups: dict[tuple[str, str, date], list[Payment]] = {}
    for payment in payments:
        groups.setdefault((payment.employer, payment.job, payment.paid_on), []).append(payment)
    found: dict[str, str] = {}
    for group in groups.values():
        if len(group) < 2 or all(payment.late_reason != "H" for payment in group):
            continue
        group.sort(key=lambda payment: (payment.submitted_at, payment.received_at, payment.payment_id))
        standing: list[Payment] = []
        for payment in group:
            if payment.late_reason == "H" and payment.invalid_from is None and standing:
                found[standing.pop().payment_id] = payment.payment_id
            if payment.invalid_from is None:
                standing.append(payment)
    return found


def _general(payment: Payment, corrected: Mapping[str, str], originals: Mapping[str, Payment], policy: Policy) -> Placed:
    on = attribution_date(payment, policy)
    original = originals.get(payment.payment_id)
    if payment.invalid_from is not None:
        return Placed(payment, on, 0, 0, None, "no_longer_valid", "HMRC no longer links this payment to the job.", False)
    if original is None:
        rule, reason = BASIS_RULE[policy.attribution_basis]
        gross = payment.gross
    elif policy.correction_basis == "original_period":
        first = original
        while first.payment_id in originals:
            first = originals[first.payment_id]
        on = attribution_date(first, policy)
        rule, reason = "correction_in_original_period", "Corrects an earlier report of the same payday, in the same period."
        gross = payment.gross
    else:
        rule, reason = "correction_when_received", "The difference to the earlier report counts on the day it was received."
        gross = payment.gross - original.gross
    if payment.payment_id in corrected and policy.correction_basis == "original_period":
        return Placed(payment, on, 0, 0, None, "corrected", "A later report of the same payday replaces this one.", False)
    counts = payment.payment_id not in corrected
    return Placed(payment, on, gross, gross, None, rule, reason, counts)


def place(payments: Sequence[Payment], determinations: Iterable[Determination], policy: Policy) -> list[Placed]:
    """Every payment with its place, in order of attribution date. Conflicting ids never get here: the first stays."""
    by_id = {payment.payment_id: payment for payment in payments}
    corrected = corrections(payments)
    originals = {later: by_id[earlier] for earlier, later in corrected.items()}
    decided = {decision.payment_id: decision for decision in determinations}
    placed = []
    for payment in payments:
        item = _general(payment, corrected, originals, policy)
        if item.rule not in ("corrected", "no_longer_valid"):
            item = _decided(item, payment, originals, decided)
        placed.append(item)
    placed.sort(key=lambda item: (item.on, item.payment.payment_id))
    return placed


def _decided(item: Placed, payment: Payment, originals: Mapping[str, Payment], decided: Mapping[str, Determination]) -> Placed:
    """What was decided about a report stays for those that correct it: they move along, or are disregarded (61(3) to (5))."""
    own = decided.get(payment.payment_id)
    if own is not None:
        return _decide(item, own)
    while payment.payment_id in originals:
        payment = originals[payment.payment_id]
        if payment.payment_id in decided:
            decision = decided[payment.payment_id]
            if decision.action == "replace" and item.rule == "correction_when_received":
                decision = replace(decision, action="disregard")  # the amount set stands with the first report
            return _decide(item, decision)
    return item


def _decide(item: Placed, decision: Determination) -> Placed:
    ground = decision.legal_basis
    if decision.action == "reallocate":
        return item._replace(
            moved_to=decision.to_start, rule="reallocated", reason=f"A decision maker moved it to another period ({ground})."
        )
    if decision.action == "disregard":
        return item._replace(amount=0, rule="disregarded", reason=f"A decision maker disregarded it ({ground}).")
    gross = item.amount if decision.gross is None else decision.gross
    return item._replace(amount=gross, rule="determined", reason=f"A decision maker set the amount ({ground}).")


def refusal(payment: Payment, legal_basis: str, policy: Policy) -> str | None:
    """Why a reallocation may not be recorded: regulation 61(6) is for calendar-monthly pay only. None = it may."""
    if legal_basis == "61(6)" and payment.frequency not in policy.reallocation_frequencies:
        return "not_monthly"
    return None
