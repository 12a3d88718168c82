"""Which message about the same record wins, whatever order they arrive in."""

from __future__ import annotations

from datetime import date
from typing import Literal

from earnings.model import FirstDetermined, Order, Payment, PaymentKey

Verdict = Literal["applied", "superseded", "duplicate"]
PaymentVerdict = Literal["applied", "invalidation", "duplicate", "conflict"]


def judge(known: Order | None, known_content: bytes, new: Order, new_content: bytes) -> Verdict:
    """UC Full Service records: the later order time wins; at the same time the same document (however encrypted) is a
    duplicate, and of different ones the later in the log wins."""
    if known is None or new.at > known.at:
        return "applied"
    if new.at < known.at:
        return "superseded"
    if new_content == known_content:
        return "duplicate"
    return "applied" if new > known else "superseded"


def first_determined(known: FirstDetermined | None, order: Order, entitlement: date) -> FirstDetermined:
    """The entitlement date of the earliest version of a contract, whichever version comes first."""
    return known if known is not None and known.order <= order else FirstDetermined(order, entitlement)


def judge_numbered(known: int | None, new: int, same: bool) -> Verdict:
    """Events with a strictly rising version: lower or equal ones change nothing."""
    if known is None or new > known:
        return "applied"
    return "duplicate" if new == known and same else "superseded"


def judge_payment(known: PaymentKey | None, person: str, payment: Payment) -> PaymentVerdict:
    """RTI reports of one payment id: the first content stays; only the mark that it is no longer valid may be added."""
    if known is None:
        return "applied"
    if known.person != person or known.content != payment.content:
        return "conflict"
    if payment.invalid_from is not None and not known.invalid:
        return "invalidation"
    return "duplicate"
