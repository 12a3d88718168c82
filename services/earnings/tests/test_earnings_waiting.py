"""What waits, and what becomes of it: payments without a person, statements without a contract, erased claims."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from tests.support.memory_platform import MemoryService

from earnings import kinds, policy_file
from earnings.consumers import handler, journal
from earnings.intake.facts import ClaimantFact, ContestFact, ContractFact, Fact, PaymentFact, StatementFact
from earnings.intake.prepare import DELETED
from earnings.main import POLICY_DAY
from earnings.model import Claimant, Contract, Order, Payment, Source, Statement
from earnings.refresh import Judge
from earnings.timers import firing
from streaming.records import Cause, Item, Record
from streaming.spec import Spec
from streaming.work import Outgoing

JUDGE = Judge(policy_file.load(POLICY_DAY))
NOW = datetime(2026, 6, 20, 9, tzinfo=UTC)
FIRST = date(2026, 3, 10)


class Service(MemoryService):
    """Takes facts one by one, at a given time; shows the newest outcome of each message."""

    def send(self, fact: Fact, now: datetime = NOW) -> int:
        FACTS.append(fact)
        PUBLISHED.extend(self.consume(Record("hmrc.rti.payment-reported.v1", 0, len(FACTS) - 1, 0, b"", b""), now))
        return len(FACTS) - 1

    def outcome(self, offset: int) -> tuple[str, str | None]:
        rows = [row for name in ("ledger", "ledger_outcome") for row in self.rows.get(name, ()) if row["offset"] == offset]
        return rows[-1]["outcome"], rows[-1]["reason"]


FACTS: list[Fact] = []
PUBLISHED: list[Outgoing] = []


@pytest.fixture
def service() -> Service:
    FACTS.clear()
    PUBLISHED.clear()

    def prepare(records: Any) -> Any:
        return [Item(r, Cause(f"{r.offset}", ""), (("any", "any"),), FACTS[r.offset]) for r in records]

    topics = {"hmrc.rti.payment-reported.v1": prepare}
    return Service(Spec("earnings", kinds.KINDS, topics, handler(JUDGE), firing(JUDGE), links=kinds.links, journal=journal))


def order(version: int) -> Order:
    return Order(NOW + timedelta(seconds=version), 0, version)


def claimant(version: int = 0, **more: Any) -> ClaimantFact:
    return ClaimantFact("p", order(version), f"{version}".encode(), Claimant(order=order(version), person="nino", **more))


def contract(version: int = 0, claim: str = "c", entitlement: date = FIRST, **more: Any) -> ContractFact:
    return ContractFact(claim, order(version), f"{version}".encode(), Contract(("p",), entitlement, entitlement, 14, **more))


def statement(version: int, offset: int) -> StatementFact:
    document = Statement(
        "s", order(version), FIRST, FIRST + timedelta(days=30), Source("hmrc.rti.payment-reported.v1", 0, offset)
    )
    return StatementFact("s", order(version), f"{version}".encode(), "c", document)


def payment(number: int, paid_on: date, offset: int) -> PaymentFact:
    at = datetime(paid_on.year, paid_on.month, paid_on.day, 8, tzinfo=UTC)
    report = Payment(
        payment_id=str(number), employer="123/A1", job="1", payroll_id="1", paid_on=paid_on, received_at=at, received_on=paid_on,
        submitted_at=at, gross=90_000, taxable=90_000, year_to_date=None, frequency="M1",
        source=Source("hmrc.rti.payment-reported.v1", 0, offset), content=b"x",
    )  # fmt: skip
    return PaymentFact(str(number), "nino", report, True)


def test_a_payment_never_matched_is_ignored_after_ninety_days_and_its_body_deleted(service: Service) -> None:
    sent = service.send(payment(1, FIRST, 0))
    assert service.outcome(sent) == ("pending", None)
    service.fire(NOW + timedelta(days=90) - timedelta(seconds=1))
    assert service.outcome(sent) == ("pending", None)
    service.fire(NOW + timedelta(days=90))
    assert service.outcome(sent) == ("ignored", "never_matched")
    assert ("person", "nino") not in service.docs
    assert service.outcome(service.send(payment(1, FIRST, 1)))[0] == "duplicate", "its id is still known"


def test_a_matched_payment_is_applied_and_never_expires(service: Service) -> None:
    sent = service.send(payment(1, FIRST, 0))
    service.send(claimant())
    assert service.outcome(sent) == ("applied", None)
    assert not service.timers
    service.fire(NOW + timedelta(days=91))
    assert len(service.docs[("person", "nino")].payments) == 1


def test_an_older_statement_that_still_waits_is_superseded(service: Service) -> None:
    old = service.send(statement(1, 0))
    new = service.send(statement(2, 1))
    assert (service.outcome(old)[0], service.outcome(new)[0]) == ("superseded", "pending")
    service.send(contract())
    assert service.outcome(new)[0] == "applied"


def test_a_deleted_contract_forgets_everything_but_a_tombstone(service: Service) -> None:
    service.send(claimant())
    service.send(contract())
    assert service.timers
    published = service.docs[("claim", "c")].published.version
    delete = ContractFact("c", order(5), DELETED, None)
    assert service.outcome(service.send(delete))[0] == "applied"
    claim = service.docs[("claim", "c")]
    assert (claim.contract, claim.attributed, claim.statements) == (None, {}, ())
    assert all(item.gone and not item.content for item in claim.assessed), "dates and versions stay, no figures"
    assert service.rows["erased_claim"] == [{"claim_id": "c"}]
    assert not service.timers
    assert service.docs[("claimant", "p")].claims == ()
    assert service.outcome(service.send(statement(1, 9))) == ("ignored", "claim_deleted")
    assert service.outcome(service.send(contract(1)))[0] == "superseded"
    assert service.outcome(service.send(contract(9)))[0] == "applied"
    assert service.docs[("claim", "c")].published.version > published, "versions never fall"


def test_versions_go_on_rising_when_a_deleted_contract_comes_back(service: Service) -> None:
    service.send(claimant())
    service.send(payment(1, FIRST + timedelta(days=3), 0))
    service.send(contract())
    service.send(ContractFact("c", order(5), DELETED, None))
    service.send(contract(6))
    versions: dict[tuple[str, str], list[int]] = {}
    for event in PUBLISHED:
        body = msgspec.json.decode(event.value)
        if event.type in ("PeriodAssessed", "PaymentAttributed"):
            versions.setdefault((event.type, body.get("payment_id", body["period_id"])), []).append(body["version"])
    assert len(versions) > 1
    assert all(found == [1, 2] for found in versions.values()), versions


def test_a_deleted_claimant_takes_pay_and_names_along(service: Service) -> None:
    service.send(claimant(sealed_names=b"sealed"))
    service.send(contract())
    service.send(payment(1, FIRST, 0))
    service.send(ClaimantFact("p", order(5), DELETED, None))
    assert ("person", "nino") not in service.docs
    assert service.docs[("claimant", "p")].sealed_names == b""
    body = msgspec.json.decode(service.rows["period"][-1]["body"])
    assert body["claimants"] == []
    assert service.outcome(service.send(payment(2, FIRST, 1)))[0] == "pending"


def test_pay_counts_on_the_later_of_two_claims(service: Service) -> None:
    service.send(claimant())
    service.send(contract())
    service.send(payment(1, date(2026, 4, 1), 0))
    service.send(payment(2, date(2026, 5, 20), 1))
    service.send(contract(0, "d", date(2026, 5, 15)))
    assert set(service.docs[("claim", "d")].attributed) == {"2"}
    old = {row["period_id"]: msgspec.json.decode(row["body"]) for row in service.rows["period"] if row["claim_id"] == "c"}
    assert sorted(body["claimants"][0]["attributed_pence"] for body in old.values()) == [0, 0, 90_000]
    published = service.docs[("claim", "d")].published.version, service.docs[("claim", "c")].published.version
    assert published == (2, 2), "opened or known, then moved"


def test_a_contest_marks_the_newest_closed_period_and_those_after_it(service: Service) -> None:
    service.send(claimant())
    service.send(contract())
    assert service.outcome(service.send(ContestFact("p", "c", None, True)))[0] == "applied"
    marked = {a.start for a in service.docs[("claim", "c")].assessed if a.version == 2}
    assert marked == {date(2026, 5, 10)}
    service.fire(NOW + timedelta(days=30))
    newest = msgspec.json.decode(service.rows["period"][-1]["body"])
    assert (newest["start"], "disputed" in newest["claimants"][0]["quality"]) == ("2026-06-10", True)
    service.send(ContestFact("p", "c", None, False), NOW + timedelta(days=31))
    assert service.docs[("claim", "c")].contests == ()
    latest = {body["start"]: body for row in service.rows["period"] if (body := msgspec.json.decode(row["body"]))}
    assert not any("disputed" in body["claimants"][0]["quality"] for body in latest.values())


def test_the_calendar_closes_a_period_at_london_midnight_and_closes_a_claim(service: Service) -> None:
    service.send(claimant())
    service.send(contract(closed_on=date(2026, 7, 20)))
    before = len(service.rows["period"])
    service.fire(datetime(2026, 7, 9, 22, 59, 59, tzinfo=UTC))
    assert len(service.rows["period"]) == before
    service.fire(datetime(2026, 7, 9, 23, 0, tzinfo=UTC))
    assert len(service.rows["period"]) == before + 1, "midnight in London is 23.00 UTC in summer"
    assert b'"status":"open"' in service.docs[("claim", "c")].published.snapshot
    service.fire(datetime(2026, 7, 19, 23, 0, tzinfo=UTC))
    assert b'"status":"closed"' in service.docs[("claim", "c")].published.snapshot
    service.fire(NOW + timedelta(days=400))
    assert len(service.rows["period"]) == before + 2, "the last period ends by the calendar, none begins after the closing"
    assert not service.timers


def test_two_wages_also_leave_the_empty_period_before_them_without_conclusion(service: Service) -> None:
    service.send(claimant())
    service.send(contract())
    service.send(payment(1, date(2026, 6, 12), 0))
    service.send(payment(2, date(2026, 6, 20), 1))
    latest = {body["start"]: body for row in service.rows["period"] if (body := msgspec.json.decode(row["body"]))}
    assert "two_wages" in latest["2026-05-10"]["claimants"][0]["quality"], "while the period of the wages still runs"
    assert "two_wages" not in latest["2026-04-10"]["claimants"][0]["quality"]
