"""People change: a NINO is corrected, couples form and separate, somebody claims anew, somebody is erased."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from tests.support.memory_platform import MemoryService

from contracts.reference import CoachChanged
from earnings import kinds, policy_file
from earnings.consumers import handler, journal
from earnings.intake.facts import ClaimantFact, CoachFact, ContractFact, Fact, PaymentFact
from earnings.intake.prepare import DELETED
from earnings.main import POLICY_DAY
from earnings.model import Claimant, Contract, Determination, Order, Payment, Source
from earnings.refresh import Judge
from earnings.timers import firing
from streaming.records import Cause, Item, Record
from streaming.spec import Spec
from streaming.work import Outgoing

NOW = datetime(2026, 6, 20, 9, tzinfo=UTC)
FIRST = date(2026, 3, 10)
RTI = "hmrc.rti.payment-reported.v1"
JUDGE = Judge(policy_file.load(POLICY_DAY))


class Household:
    """An earnings service in memory, told one fact after another; remembers what it published."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.published: list[Outgoing] = []
        topics = {RTI: lambda records: [Item(r, Cause(f"{r.offset}", ""), (("any", ""),), self.facts[r.offset]) for r in records]}
        spec = Spec("earnings", kinds.KINDS, topics, handler(JUDGE), firing(JUDGE), links=kinds.links, journal=journal)
        self.service = MemoryService(spec)

    def order(self) -> Order:
        return Order(NOW + timedelta(seconds=len(self.facts)), 0, len(self.facts))

    def tell(self, fact: Fact) -> None:
        self.facts.append(fact)
        self.published += self.service.consume(Record(RTI, 0, len(self.facts) - 1, 0, b"", b""), NOW)

    def person(self, who: str, nino: str | None) -> None:
        order = self.order()
        self.tell(ClaimantFact(who, order, f"{order}".encode(), Claimant(order=order, person=nino)))

    def erase(self, who: str) -> None:
        self.tell(ClaimantFact(who, self.order(), DELETED, None))

    def claim(self, claim: str, *people: str, start: date = FIRST, **more: Any) -> None:
        order = self.order()
        self.tell(ContractFact(claim, order, f"{order}".encode(), Contract(people, start, start, 14, **more)))

    def paid(self, number: int, nino: str, paid_on: date, gross: int = 90_000) -> None:
        at = datetime(paid_on.year, paid_on.month, paid_on.day, 8, tzinfo=UTC)
        report = Payment(
            payment_id=str(number), employer="123/A1", job="1", payroll_id="1", paid_on=paid_on, received_at=at,
            received_on=paid_on, submitted_at=at, gross=gross, taxable=gross, year_to_date=None, frequency="M1",
            source=Source(RTI, 0, number), content=str(number).encode(),
        )  # fmt: skip
        self.tell(PaymentFact(str(number), nino, report, True))

    def told(self, kind: str) -> list[dict[str, Any]]:
        return [msgspec.json.decode(event.value) for event in self.published if event.type == kind]

    def amounts(self, claim: str) -> dict[str, list[int | None]]:
        """First day of each period → what counts for each person, as last published."""
        rows = [row for row in self.service.rows.get("period", ()) if row["claim_id"] == claim]
        bodies = [msgspec.json.decode(row["body"]) for row in sorted(rows, key=lambda row: row["version"])]
        return {body["start"]: [entry["attributed_pence"] for entry in body["claimants"]] for body in bodies}


@pytest.fixture
def household() -> Household:
    return Household()


def test_a_corrected_nino_takes_the_right_pay_along_and_gives_the_wrong_pay_back(household: Household) -> None:
    household.person("p", "wrong")
    household.claim("c", "p")
    household.paid(1, "wrong", date(2026, 4, 1))
    household.paid(2, "right", date(2026, 5, 1), 70_000)
    assert household.amounts("c") == {"2026-03-10": [90_000], "2026-04-10": [0], "2026-05-10": [0]}
    household.person("p", "right")
    assert household.amounts("c") == {"2026-03-10": [0], "2026-04-10": [70_000], "2026-05-10": [0]}
    assert [body["payment_id"] for body in household.told("PaymentAttributed")] == ["1", "2"]
    left = household.told("PaymentInvalidated")
    assert [(body["payment_id"], body["claimant_id"], body["cause"]) for body in left] == [("1", "p", "not_of_this_claim")]
    versions = [(body["start"], body["version"], body["supersedes"], body["why"]) for body in household.told("PeriodAssessed")]
    assert sorted(versions)[:3] == [
        ("2026-03-10", 1, None, "closed"),
        ("2026-03-10", 2, 1, "late_payment"),
        ("2026-03-10", 3, 2, "identity"),
    ], "what was said before is kept"
    household.person("p", "wrong")
    back = household.told("PaymentAttributed")[-1]
    assert (back["payment_id"], back["version"]) == ("1", 3), "versions never fall"


def test_two_claimants_with_one_nino_do_not_count_its_pay_twice(household: Household) -> None:
    household.person("p", "one")
    household.person("q", "one")
    household.claim("c", "p", "q")
    household.paid(1, "one", date(2026, 4, 1))
    assert household.amounts("c")["2026-03-10"] == [90_000, 0]


def test_a_couple_forms_and_separates(household: Household) -> None:
    household.person("p", "one")
    household.person("q", "two")
    household.claim("c", "p")
    household.paid(1, "one", date(2026, 4, 1))
    household.paid(2, "two", date(2026, 4, 2), 50_000)
    assert household.amounts("c")["2026-03-10"] == [90_000]
    household.claim("c", "p", "q")
    assert household.amounts("c")["2026-03-10"] == [90_000, 50_000]
    household.claim("c", "q")
    household.claim("d", "p", start=date(2026, 6, 1))
    assert household.amounts("c")["2026-03-10"] == [50_000]
    household.paid(3, "one", date(2026, 6, 2))
    assert {body["claim_id"] for body in household.told("PaymentAttributed") if body["payment_id"] == "3"} == {"d"}


def test_a_claimant_who_moves_is_announced_under_both_claims(household: Household) -> None:
    household.person("p", "one")
    household.claim("c", "p")
    household.claim("d", "p", start=date(2026, 5, 20))
    moved = [(event.key, msgspec.json.decode(event.value)) for event in household.published if event.type == "ClaimantMoved"]
    assert sorted((key, body["from_claim_id"], body["to_claim_id"]) for key, body in moved) == [("c", "c", "d"), ("d", "c", "d")]
    assert {key: body["claim"]["claim_id"] for key, body in moved} == {"c": "c", "d": "d"}


def test_where_somebody_went_is_said_instead_of_that_they_are_absent_and_also_when_it_is_known_later(
    household: Household,
) -> None:
    household.person("p", "one")
    household.person("q", "two")
    household.claim("c", "p", "q")
    household.claim("d", "p", start=date(2026, 5, 20))
    household.published.clear()
    household.claim("d", start=date(2026, 5, 20))
    household.claim("c", "q")
    household.claim("e", "p", start=date(2026, 6, 1))
    told = [event for event in household.published if event.topic.endswith("circumstances.v1")]
    by_claim = {claim: [event.type for event in told if event.key == claim] for claim in ("c", "d", "e")}
    assert by_claim == {
        "d": ["ClaimantMoved"],
        "c": ["ClaimantMoved", "ClaimChanged", "ClaimantMoved"],
        "e": ["ClaimOpened", "ClaimantMoved"],
    }
    routes = [(body["from_claim_id"], body["to_claim_id"]) for body in household.told("ClaimantMoved")]
    assert routes == [("d", "c")] * 2 + [("c", "e")] * 2


@pytest.mark.parametrize("same_contract", [True, False])
def test_a_claim_restarted_within_six_months_keeps_its_history(household: Household, same_contract: bool) -> None:
    household.person("p", "one")
    household.claim("c", "p", closed_on=date(2026, 5, 1))
    household.paid(1, "one", date(2026, 3, 20))
    household.paid(2, "one", date(2026, 6, 5))
    before = household.amounts("c")
    assert before == {"2026-03-10": [90_000], "2026-04-10": [0]}, "no period begins after the claim closed"
    if same_contract:
        household.claim("c", "p")
        assert household.amounts("c") == before | {"2026-05-10": [90_000]}
        assert len(household.told("ClaimResumed")) == 1
    else:
        household.claim("d", "p", start=date(2026, 5, 10))
        assert (household.amounts("c"), household.amounts("d")) == (before, {"2026-05-10": [90_000]})


@pytest.mark.parametrize("as_it_came", [True, False])
def test_another_entitlement_date_keeps_the_cycle_whichever_version_comes_first(household: Household, as_it_came: bool) -> None:
    household.person("p", "one")
    versions = [(n, Contract(("p",), start, start, 14)) for n, start in enumerate((FIRST, date(2026, 3, 24), date(2026, 3, 17)))]
    for n, document in versions if as_it_came else reversed(versions):
        household.tell(ContractFact("c", Order(NOW + timedelta(hours=n), 0, n), f"{n}".encode(), document))
    household.paid(1, "one", date(2026, 4, 9))
    periods = {(body["start"], body["end"]): body for body in household.told("PeriodAssessed") if body["start"] >= "2026-03-17"}
    live = {(item.start, item.end) for item in household.service.docs["claim", "c"].assessed if not item.gone}
    assert live == {
        (date(2026, 3, 17), date(2026, 4, 9)),
        (date(2026, 4, 10), date(2026, 5, 9)),
        (date(2026, 5, 10), date(2026, 6, 9)),
    }
    assert periods["2026-03-17", "2026-04-09"]["claimants"][0]["attributed_pence"] == 90_000


def test_an_erased_person_leaves_no_trace_in_any_claim_they_were_on(household: Household) -> None:
    household.person("p", "one")
    household.person("q", "two")
    household.claim("c", "p", "q")
    household.paid(11, "one", date(2026, 4, 1))
    household.paid(12, "two", date(2026, 4, 2))
    claim = household.service.docs[("claim", "c")]
    decision = Determination("d-1", "11", "disregard", "61(3)", NOW, reason="what p said")
    household.service.docs[("claim", "c")] = msgspec.structs.replace(claim, determinations=(decision,))
    household.claim("c", "q")
    household.claim("d", "p", start=date(2026, 5, 10))
    household.erase("p")
    for key, doc in household.service.docs.items():
        if key == ("claim", "d"):
            doc = msgspec.structs.replace(doc, contract=None)  # upstream's contract names them until upstream changes it
        if key not in [("payment", "11"), ("claimant", "p")]:  # tombstones, so that nothing of it comes back
            assert not [word for word in ("'p'", "'11'", "what p said") if word in repr(doc)], key
    erased = {(row["claim_id"], row["claimant_id"]) for row in household.service.rows["erased_periods"]}
    assert erased == {("c", "p"), ("d", "p")}
    letters = {(row["topic"], row["record_id"]) for row in household.service.rows["erased_record"]}
    assert letters == {(RTI, "11"), ("db.core.claimant", "p"), *((f"upstream.claimant.{kind}.v1", "p") for kind in KINDS)}
    assert household.amounts("d")["2026-05-10"] == []
    told = {(body["claim_id"], body["claimant_id"]) for body in household.told("ClaimantErased")}
    assert told == erased, "the services behind keep records of the claim that they left, too"


KINDS = ("easement", "conditionality")


@pytest.mark.parametrize("versions", [(1, 2), (2, 1), (2, 2)])
def test_the_newest_of_a_coach_counts_in_whichever_order_it_comes(household: Household, versions: tuple[int, int]) -> None:
    for version in versions:
        offices = ("office-1",) if version == 2 else ()
        facts = CoachChanged(
            coach_id="k", version=version, offices=offices, active=True, trained_in_work=True, minutes_per_day=370
        )
        household.tell(CoachFact("k", facts))
    assert household.service.docs[kinds.COACH, "k"].offices == ("office-1",)
    assert household.published == []
