"""Any order and any duplication of the same messages ends in the same facts, and nothing is left to be said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.memory_platform import MemoryService

from earnings import kinds, policy_file
from earnings.consumers import handler, journal
from earnings.intake.facts import ClaimantFact, ContractFact, Fact, PaymentFact, StatementFact
from earnings.main import POLICY_DAY
from earnings.model import Claim, Claimant, Contract, Order, Payment, Person, Source, Statement
from earnings.refresh import Judge
from earnings.rules.calendar import london_day
from earnings.rules.payments import LEFT
from earnings.timers import firing
from streaming.records import Cause, Item, Prepared, Record
from streaming.spec import Spec

FIRST = date(2026, 1, 10)
END = datetime(2026, 8, 1, 9, tzinfo=UTC)
CLAIM, PEOPLE, NINOS = "claim-1", ("person-1", "person-2"), ("nino-1", "nino-2")
JUDGE = Judge(policy_file.load(POLICY_DAY))
JOBS = [("123/A1", "1", "M1"), ("123/A1", "2", "M1"), ("456/B2", "9", "W1"), ("789/C3", "5", "IR")]
days = st.integers(-20, 190).map(lambda number: FIRST + timedelta(days=number))


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 8, tzinfo=UTC)


def order(version: int) -> Order:
    return Order(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=version), 0, version)


@st.composite
def payment(draw: st.DrawFn, number: int) -> Payment:
    employer, job, usual = draw(st.sampled_from(JOBS[:1] * 3 + JOBS[1:]))
    paid_on = draw(days)
    received = at(paid_on + timedelta(days=draw(st.sampled_from([0, 0, 0, 1, 12, 45]))))
    gross = draw(st.sampled_from([-15_000, 0, 40_000, 90_000, 90_000, 105_000, 195_000]))
    return Payment(
        payment_id=str(number),
        employer=employer,
        job=job,
        payroll_id=job,
        paid_on=paid_on,
        received_at=received,
        received_on=london_day(received),
        submitted_at=received,
        gross=gross,
        taxable=gross,
        year_to_date=draw(st.sampled_from([None, gross, gross + 90_000, 300_000])),
        frequency=draw(st.sampled_from([usual, usual, usual, "W4"])),
        source=Source("rti", 0, number),
        content=f"{number}".encode(),
        periods_covered=draw(st.sampled_from([1, 1, 1, 2])),
        late_reason=draw(st.sampled_from([None, None, "H", "G"])),
        started_on=draw(st.sampled_from([None, FIRST - timedelta(days=90), FIRST + timedelta(days=45)])),
        ended_on=draw(st.sampled_from([None, None, None, paid_on])),
        after_leaving=draw(st.sampled_from([False, False, True])),
        strike_or_absence=draw(st.sampled_from([False, False, True])),
    )


@st.composite
def messages(draw: st.DrawFn) -> list[Fact]:
    """What upstream says about a household in half a year."""
    couple = draw(st.booleans())
    people = PEOPLE if couple else PEOPLE[:1]
    facts: list[Fact] = []
    for person, nino in zip(people, NINOS, strict=False):
        for version in range(draw(st.integers(1, 2))):
            known = draw(st.sampled_from([nino, nino, nino, None, "nino-3"]))
            document = Claimant(order=order(version), person=known, office_id=draw(st.sampled_from(["o1", "o2"])))
            facts.append(ClaimantFact(person, order(version), f"{version}{known}".encode(), document))
    for version in range(draw(st.integers(1, 2))):
        entitlement = FIRST + timedelta(days=draw(st.sampled_from([0, 0, 0, 3, 19, 21])))
        closed = draw(st.sampled_from([None, None, None, FIRST + timedelta(days=140)]))
        members = people if draw(st.sampled_from([True, True, True, False])) else people[:1]
        document_ = Contract(members, entitlement, entitlement, 14, closed_on=closed)
        facts.append(ContractFact(CLAIM, order(version), f"{version}".encode(), document_))
    for number in range(draw(st.integers(0, 3))):
        start = FIRST + timedelta(days=30 * draw(st.integers(0, 5)) + draw(st.integers(-6, 6)))
        end = start + timedelta(days=draw(st.integers(24, 33)))
        for version in range(draw(st.integers(1, 2))):
            gone = version == 1 and draw(st.booleans())
            statement = Statement(
                str(number), order(version), start, end + timedelta(days=version), Source("s", number, version),
                net=draw(st.sampled_from([None, 0, 80_000, 400_000])), self_employed=draw(st.booleans()),
                maximum=draw(st.sampled_from([None, 42_490])),
            )  # fmt: skip
            facts.append(
                StatementFact(
                    str(number), order(version), f"{version}".encode(), None if gone else CLAIM, None if gone else statement
                )
            )
    reports = [draw(payment(number)) for number in range(draw(st.integers(0, 9)))]
    for report in reports:
        person = draw(st.sampled_from(["nino-1", "nino-1", "nino-2", "nino-3"]))
        facts.append(PaymentFact(report.payment_id, person, report, True))
        if draw(st.sampled_from([False, False, False, True])):
            invalid = msgspec.structs.replace(report, invalid_from=date(2026, 7, 1))
            facts.append(PaymentFact(report.payment_id, person, invalid, True))
    return facts


def roots(fact: Fact) -> tuple[tuple[str, str], ...]:
    return (("any", fact.record_id),)


def service_of(facts: Sequence[Fact]) -> MemoryService:
    def prepare(records: Sequence[Record]) -> Sequence[Prepared]:
        return [Item(r, Cause(f"{r.offset}", f"{r.offset}"), roots(facts[r.offset]), facts[r.offset]) for r in records]

    return MemoryService(
        Spec(
            name="earnings",
            kinds=kinds.KINDS,
            topics={"facts": prepare},
            handle=handler(JUDGE),
            fire=firing(JUDGE),
            links=kinds.links,
            journal=journal,
        )
    )


Look = Callable[[MemoryService, datetime], None]


def handled(facts: Sequence[Fact], when: Sequence[datetime], look: Look) -> MemoryService:
    """Handle each fact at its moment and every timer before it, then everything that is due; look at the end of each."""
    service = service_of(facts)
    for number, now in enumerate(when):
        service.fire(now)
        look(service, now)
        service.consume(Record("facts", 0, number, 0, b"", b""), now)
        look(service, now)
    service.fire(END)
    look(service, END)
    return service


def play(facts: Sequence[Fact], look: Look = lambda service, now: None) -> MemoryService:
    """Handle the facts in this order, spread over 80 days."""
    begin, step = END - timedelta(days=80), timedelta(days=80) / (len(facts) + 1)
    return handled(facts, [begin + step * (number + 1) for number in range(len(facts))], look)


def live(facts: Sequence[Fact], look: Look = lambda service, now: None) -> MemoryService:
    """Handle each payment on the day it was received, as a running service does; everything else comes first."""
    first = [fact for fact in facts if not isinstance(fact, PaymentFact)]
    pay = sorted((fact for fact in facts if isinstance(fact, PaymentFact)), key=lambda fact: fact.document.received_at)
    received = [min(END, max(at(FIRST), fact.document.received_at)) for fact in pay]
    return handled([*first, *pay], [*(at(FIRST) for _ in first), *received], look)


def nothing_left(service: MemoryService, now: datetime) -> None:
    """Judging the whole claim anew would publish nothing."""
    work = service.work(Cause("again", "again"), now)
    JUDGE.refresh(work, CLAIM, "closed")
    assert work.effects.outgoing == []


def digest(service: MemoryService) -> dict[str, Any]:
    """The facts: documents and figures, without versions, ledger outcomes and times."""
    claim: Claim = service.docs[("claim", CLAIM)]
    assert claim.contract is not None
    members = set(claim.contract.people)
    present = {
        payment.payment_id
        for kind, _ in service.docs
        if kind == "claimant"
        for payment in _payments(service, service.docs[(kind, _)])
        if _ in members
    }
    return {
        "contract": msgspec.structs.replace(claim.contract, updated_at=None),
        "statements": sorted((s.statement_id, s.start, s.end, s.waiting) for s in claim.statements),
        "assessed": [(a.start, a.end, a.closed, a.content) for a in claim.assessed if not a.gone],
        "attributed": sorted(
            (i, a.start, a.gross, a.rule) for i, a in claim.attributed.items() if i in present and a.rule != LEFT
        ),
        "queries": sorted((q.claimant_id, q.start, q.cause) for q in claim.queries if q.resolved_at is None),
        "people": {
            key: sorted((p.payment_id, p.invalid_from) for p in doc.payments)
            for (kind, key), doc in service.docs.items()
            if kind == "person" and (doc.payments or doc.claimants)
        },
    }


def _payments(service: MemoryService, claimant: Claimant) -> tuple[Payment, ...]:
    person: Person | None = None if claimant.person is None else service.docs.get(("person", claimant.person))
    return () if person is None else person.payments


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(messages(), st.randoms(use_true_random=False), st.integers(0, 5))
def test_order_and_repetition_do_not_matter(facts: list[Fact], random: Any, repeated: int) -> None:
    there = play(facts)
    mixed = facts + [random.choice(facts) for _ in range(repeated)]
    random.shuffle(mixed)
    assert digest(play(mixed)) == digest(there)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(messages(), st.randoms(use_true_random=False))
def test_judging_everything_anew_after_any_message_says_nothing_new(facts: list[Fact], random: Any) -> None:
    random.shuffle(facts)
    play(facts, nothing_left)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(messages())
def test_the_short_way_of_ordinary_payments_ends_like_the_long_one(facts: list[Fact]) -> None:
    live(facts, nothing_left)


def wage(number: int, paid_on: date, **more: Any) -> Payment:
    fields: dict[str, Any] = {"frequency": "M1", "gross": 90_000} | more
    return Payment(
        payment_id=str(number), employer="123/A1", job="1", payroll_id="1", paid_on=paid_on, received_at=at(paid_on),
        received_on=paid_on, submitted_at=at(paid_on), taxable=fields["gross"], year_to_date=None,
        source=Source("rti", 0, number), content=str(number).encode(), **fields,
    )  # fmt: skip


def paid(reports: Sequence[Payment]) -> list[Fact]:
    """One person's claim and these reports."""
    return [
        ClaimantFact(PEOPLE[0], order(0), b"", Claimant(order=order(0), person=NINOS[0])),
        ContractFact(CLAIM, order(0), b"", Contract(PEOPLE[:1], FIRST, FIRST, 14)),
        *(PaymentFact(report.payment_id, NINOS[0], report, True) for report in reports),
    ]


EARLY, LATE = date(2025, 10, 12), date(2026, 5, 24)
REACHING_BACK = {
    "a report with another frequency ends the doubt about two wages": [
        wage(1, date(2026, 5, 20)), wage(2, date(2026, 7, 12)), wage(3, date(2026, 7, 14)),
        wage(4, date(2026, 7, 16), frequency="W4"),
    ],
    "a report says again that the job began earlier": [
        wage(1, date(2026, 1, 12), started_on=EARLY), wage(2, date(2026, 3, 14), started_on=LATE),
        wage(3, date(2026, 7, 14), started_on=EARLY),
    ],
    "an earlier payday of a job that began long ago shows another frequency": [
        wage(1, date(2026, 7, 20), started_on=LATE), wage(2, date(2026, 7, 20), started_on=LATE, gross=-5_000),
        msgspec.structs.replace(
            wage(3, date(2026, 7, 14), frequency="W4"), received_at=at(date(2026, 7, 21)), received_on=date(2026, 7, 21)
        ),
    ],
}  # fmt: skip


@pytest.mark.parametrize("reports", REACHING_BACK.values(), ids=REACHING_BACK.keys())
def test_a_payment_of_the_running_period_that_reaches_back_is_no_ordinary_one(reports: list[Payment]) -> None:
    live(paid(reports), nothing_left)


def test_an_ordinary_payment_takes_the_short_way() -> None:
    salary = [wage(month, date(2026, month, 27)) for month in range(1, 7)]
    service = live(paid(salary))
    person: Person = service.docs[("person", NINOS[0])]
    claim: Claim = service.docs[("claim", CLAIM)]
    work = service.work(Cause("next", "next"), at(date(2026, 7, 27)))
    july = msgspec.structs.replace(salary[0], payment_id="7", paid_on=date(2026, 7, 27), received_on=date(2026, 7, 27))
    assert {attributed.rule for attributed in claim.attributed.values()} == {"later_of_payment_and_receipt"}
    assert JUDGE.place_plainly(work, CLAIM, PEOPLE[0], person.payments, july)
    march = msgspec.structs.replace(july, payment_id="9", paid_on=date(2026, 3, 28), received_on=date(2026, 3, 28))
    assert not JUDGE.place_plainly(work, CLAIM, PEOPLE[0], person.payments, march), "its period is closed"
    second = msgspec.structs.replace(july, payment_id="8", paid_on=date(2026, 7, 30))
    assert not JUDGE.place_plainly(work, CLAIM, PEOPLE[0], (*person.payments, july), second), "two wages in one period"
    refund = msgspec.structs.replace(july, payment_id="10", frequency="W1")
    assert not JUDGE.place_plainly(work, CLAIM, PEOPLE[0], (*person.payments, july), refund), "two reports of one payday"


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(messages())
def test_periods_have_no_gap_and_figures_no_negative(facts: list[Fact]) -> None:
    service = play(facts)
    claim: Claim = service.docs[("claim", CLAIM)]
    kept = [item for item in claim.assessed if not item.gone]
    for before, after in pairwise(kept):
        assert after.start == before.end + timedelta(days=1)
    rows = service.rows.get("period", [])
    for row in rows:
        body = msgspec.json.decode(row["body"])
        assert all((entry["attributed_pence"] or 0) >= 0 for entry in body["claimants"])
    versions = [(row["period_id"], row["version"]) for row in rows]
    assert len(versions) == len(set(versions))
