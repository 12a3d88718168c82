"""The ledger on the real database: every message is named, also one that waits, and keeps its answer when read again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
import pytest

from earnings import consumers, kinds, policy_file, store, timers
from earnings.intake.data_keys import DataKeys
from earnings.intake.identity import Pseudonyms
from earnings.intake.prepare import Intake
from earnings.main import POLICY_DAY
from earnings.refresh import Judge
from streaming import progress, recovery
from streaming.crypto import FieldCipher, new_key
from streaming.database import connector
from streaming.records import Chunk, Item, PreparedChunk, Record
from streaming.spec import Spec
from streaming.unit_of_work import UnitOfWork
from streaming.work import Work

RTI = "hmrc.rti.payment-reported.v1"
CIPHER = FieldCipher(new_key())
PAID: dict[str, Any] = {
    "schemaVersion": "rti-payment/1",
    "nationalInsuranceNumber": "QQ123456C",
    "hmrcOfficeNumber": "123",
    "employerPayeRef": "A246",
    "payrollId": "0012",
    "payFrequency": "M1",
    "paymentDate": "2026-06-26",
    "taxablePayInPeriod": 1020.05,
    "taxablePayToDate": 3060,
    "uniquePaymentId": "801",
    "hmrcReceiptTimestamp": "2026-06-26T08:14:05Z",
}


class Noon:
    def now(self) -> datetime:
        return datetime(2026, 7, 1, 11, tzinfo=UTC)


def no_keys() -> httpx.Client:
    raise AssertionError("payments come in clear")


class Service:
    """Earnings on a database of its own. broken: handling anything raises, as a bug would."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.broken = False
        judge = Judge(policy_file.load(POLICY_DAY))
        handle = consumers.handler(judge)

        def handled(work: Work, item: Item) -> None:
            if self.broken:
                raise ZeroDivisionError
            handle(work, item)

        intake = Intake(DataKeys(no_keys, lambda _: None), Pseudonyms(b"secret" * 6, production=False), CIPHER)
        spec = Spec(
            name="earnings",
            kinds=kinds.KINDS,
            topics=intake.topics(),
            handle=handled,
            fire=timers.firing(judge),
            links=kinds.links,
            journal=consumers.journal,
            project=store.project,
        )
        self.unit = UnitOfWork(spec, connector(url, "test"), Noon(), CIPHER)
        self.unit.start(RTI, 0, 0, "topic")

    def take(self, *messages: bytes, begin: int = 0) -> None:
        records = [Record(RTI, 0, begin + n, 0, b"", value) for n, value in enumerate(messages)]
        chunk = Chunk(RTI, 0, begin, begin + len(records), 1, records)
        self.unit.apply([PreparedChunk(chunk, self.unit.spec.topics[RTI](records))])

    def rewind(self) -> None:
        progress.move(self.unit.conn, "earnings", RTI, 0, 0, "topic")

    def ledger(self) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as conn:
            return conn.execute('SELECT record_id, outcome, reason FROM ledger ORDER BY "offset"').fetchall()


@pytest.fixture
def service(fresh_database: Callable[[str], str]) -> Iterator[Service]:
    made = Service(fresh_database("earnings"))
    yield made
    made.unit.close()


def paid(**change: Any) -> bytes:
    return json.dumps({**PAID, **change}).encode()


def test_messages_that_wait_behind_a_bug_are_named_in_the_ledger(service: Service) -> None:
    service.broken = True
    service.take(paid(), paid(uniquePaymentId="802"))
    assert service.ledger() == [("801", "pending", "parked"), ("802", "pending", "parked")]
    service.broken = False
    person = service.unit.spec.topics[RTI]([Record(RTI, 0, 0, 0, b"", paid())])[0].roots[0]  # type: ignore[union-attr]
    assert recovery.release(service.unit, person) == 2
    assert service.ledger() == [("801", "pending", None), ("802", "pending", None)]


def test_a_message_that_is_read_again_keeps_its_answer(service: Service) -> None:
    messages = (paid(), paid(), paid(taxablePayInPeriod=1), b"{", paid(paymentNoLongerValid="2026-06-30"))
    service.take(*messages)
    before = service.ledger()
    assert [outcome for _, outcome, _ in before] == ["pending", "duplicate", "quarantined", "quarantined", "applied"]
    service.rewind()
    service.take(*messages)
    assert service.ledger() == before


def test_a_refused_message_gets_its_answer_when_it_can_be_used_after_all(service: Service) -> None:
    service.take(paid(paymentDate="soon"))
    assert service.ledger() == [("801", "quarantined", "bad_field:paymentDate")]
    spec = service.unit.spec
    mended = {RTI: lambda records: spec.topics[RTI]([replace_value(record, paid()) for record in records])}
    service.unit.spec = replace(spec, topics=mended)
    assert recovery.replay(service.unit, RTI, 0, 0, dry_run=False) == recovery.Replayed("used", None)
    assert service.ledger() == [("801", "pending", None)]


def replace_value(record: Record, value: bytes) -> Record:
    """What a mended reader makes of the same bytes."""
    return Record(record.topic, record.partition, record.offset, record.timestamp_ms, record.key, value)
