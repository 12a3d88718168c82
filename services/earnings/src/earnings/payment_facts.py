"""Facts about pay: RTI reports, and people who come and go under a NINO."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from contracts import topics
from contracts.vocabulary import PeriodCause
from earnings.intake.facts import PaymentFact
from earnings.kinds import CLAIMANT, PAYMENT, PERSON
from earnings.model import Claimant, Payment, PaymentKey, Person
from earnings.refresh import Judge, settle
from earnings.rules.calendar import london_day
from earnings.rules.versions import judge_payment
from streaming.spec import Due
from streaming.work import DueItem, Work, derive_id

UNMATCHED = timedelta(days=90)
EXPIRE = "unmatched_payment"


def payment(work: Work, fact: PaymentFact, rules: Judge) -> None:
    """An RTI report: new, a duplicate, the mark that it is no longer valid, or a conflict that a person must look at."""
    report = fact.document
    if not fact.available:
        report = replace(report, received_at=work.now, received_on=london_day(work.now))
    key: PaymentKey | None = work.get(PAYMENT, fact.record_id)
    match judge_payment(key, fact.person, report):
        case "duplicate":
            work.outcome = "duplicate"
        case "conflict":
            assert key is not None
            _change(work, key.person, fact.record_id, rules, "late_payment", conflict=True)
            work.outcome, work.reason = "quarantined", "payment_conflict"
        case "invalidation":
            assert key is not None
            work.put(PAYMENT, fact.record_id, replace(key, invalid=True))
            _change(work, fact.person, fact.record_id, rules, "invalidation", invalid_from=report.invalid_from)
        case "applied":
            work.put(PAYMENT, fact.record_id, PaymentKey(fact.person, report.content, report.invalid_from is not None))
            _add(work, fact.person, report, rules)


def _add(work: Work, key: str, report: Payment, rules: Judge) -> None:
    person: Person = work.get(PERSON, key) or Person()
    waiting = not person.claimants
    payments = (*person.payments, replace(report, waiting=waiting))
    work.put(PERSON, key, replace(person, payments=payments))
    if waiting:
        work.outcome = "pending"
        work.schedule(
            DueItem(_expiry(report.payment_id), (PERSON, key), work.now + UNMATCHED, EXPIRE, {"payment_id": report.payment_id})
        )
        return
    if not _place_plainly(work, person, report, rules):
        _refresh(work, person, rules, "correction" if report.late_reason == "H" else "late_payment")


def _place_plainly(work: Work, person: Person, report: Payment, rules: Judge) -> bool:
    """One claimant on one claim, an ordinary payment: nearly all of them."""
    if len(person.claimants) != 1:
        return False
    claimant: Claimant | None = work.get(CLAIMANT, person.claimants[0])
    if claimant is None or len(claimant.claims) != 1:
        return False
    return rules.place_plainly(work, claimant.claims[0].claim_id, person.claimants[0], person.payments, report)


def _change(work: Work, key: str, payment_id: str, rules: Judge, why: PeriodCause, **change: object) -> None:
    """Mark a stored report; nothing to do when its body is gone."""
    person: Person | None = work.get(PERSON, key)
    if person is None or all(known.payment_id != payment_id for known in person.payments):
        return
    payments = tuple(replace(known, **change) if known.payment_id == payment_id else known for known in person.payments)
    work.put(PERSON, key, replace(person, payments=payments))
    _refresh(work, person, rules, why)


def _refresh(work: Work, person: Person, rules: Judge, why: PeriodCause) -> None:
    for claimant_id in person.claimants:
        claimant: Claimant | None = work.get(CLAIMANT, claimant_id)
        for membership in () if claimant is None else claimant.claims:
            rules.refresh(work, membership.claim_id, why)


def payments_arrive(work: Work, key: str, claimant_id: str) -> None:
    """A claimant bears this NINO now: waiting payments are theirs."""
    person: Person = work.get(PERSON, key) or Person()
    for waiting in person.payments:
        if waiting.waiting:
            settle(work, waiting.source, "applied")
            work.cancel(_expiry(waiting.payment_id))
    work.put(
        PERSON,
        key,
        Person(
            claimants=tuple(sorted({*person.claimants, claimant_id})),
            payments=tuple(replace(known, waiting=False) for known in person.payments),
        ),
    )


def forget_person(work: Work, key: str, claimant_id: str, *, erase: bool) -> None:
    """A claimant no longer bears this NINO. erase: they were deleted; pay that is nobody else's is deleted too."""
    person: Person | None = work.get(PERSON, key)
    if person is None:
        return
    claimants = tuple(other for other in person.claimants if other != claimant_id)
    if erase and not claimants:
        work.put(PERSON, key, None)
        for payment in person.payments:
            work.append("erased_record", topic=topics.RTI_PAYMENT, record_id=payment.payment_id)
    else:
        work.put(PERSON, key, replace(person, claimants=claimants))


def expire(work: Work, due: Due) -> None:
    """A payment that no claimant was ever matched to: its body is deleted, its ledger row stays, ignored."""
    payment_id = str(due.payload["payment_id"])
    person: Person | None = work.get(PERSON, due.root[1])
    if person is None:
        return
    old = next((known for known in person.payments if known.payment_id == payment_id and known.waiting), None)
    if old is None:
        return
    settle(work, old.source, "ignored", "never_matched")
    kept = tuple(known for known in person.payments if known is not old)
    work.put(PERSON, due.root[1], replace(person, payments=kept) if kept or person.claimants else None)


def _expiry(payment_id: str) -> str:
    return derive_id(EXPIRE, payment_id)
