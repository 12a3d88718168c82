"""A payment and the person it belongs to arrive in two transactions at once, on two topics. Whoever is first to look finds
nothing; still neither misses the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest

from earnings import consumers, kinds, policy_file, store, timers
from earnings.intake.facts import ClaimantFact, ContractFact, Fact, PaymentFact
from earnings.main import POLICY_DAY
from earnings.model import Claim, Claimant, Contract, Order, Payment, Person, Source
from earnings.refresh import Judge
from streaming.crypto import FieldCipher, new_key
from streaming.database import connector
from streaming.documents import Codec, Stored
from streaming.records import Cause, Chunk, Item, PreparedChunk, Record, Root
from streaming.spec import Spec
from streaming.unit_of_work import UnitOfWork

NOW = datetime(2026, 5, 20, 9, tzinfo=UTC)
SOON_S = 30.0
CLAIM, PERSON, NINO = "claim-1", "person-1", "nino-hash-1"
RTI, CLAIMANTS, CONTRACTS = "hmrc.rti.payment-reported.v1", "db.core.claimant", "db.core.contract"
PAYMENT = Payment(
    payment_id="71", employer="123/A1", job="1", payroll_id="1", paid_on=date(2026, 5, 15), received_at=NOW,
    received_on=NOW.date(), submitted_at=NOW, gross=90_000, taxable=90_000, year_to_date=90_000, frequency="M1",
    source=Source(RTI, 0, 0),
)  # fmt: skip


class Noon:
    def now(self) -> datetime:
        return NOW


def chunk(topic: str, fact: Fact, *roots: Root) -> PreparedChunk:
    record = Record(topic, 0, 0, 0, b"k", b"v")
    cause = Cause(f"{topic}/0/0", f"{topic}/0/0")
    return PreparedChunk(Chunk(topic, 0, 0, 1, 1, [record]), [Item(record, cause, roots, fact)])


CONTRACT = chunk(
    CONTRACTS,
    ContractFact(CLAIM, Order(NOW, 0, 0), b"c", Contract((PERSON,), date(2026, 4, 10), date(2026, 4, 10), 17)),
    ("claim", CLAIM),
    ("claimant", PERSON),
)
CLAIMANT = chunk(
    CLAIMANTS,
    ClaimantFact(PERSON, Order(NOW, 0, 0), b"p", Claimant(order=Order(NOW, 0, 0), person=NINO)),
    ("claimant", PERSON),
    ("person", NINO),
)
PAID = chunk(RTI, PaymentFact("71", NINO, PAYMENT, True), ("person", NINO), ("payment", "71"))


@pytest.mark.parametrize(("first", "second"), [(PAID, CLAIMANT), (CLAIMANT, PAID)], ids=["payment first", "claimant first"])
@pytest.mark.parametrize("claim_known", [True, False], ids=["claim known", "claim comes last"])
@pytest.mark.parametrize("written", [False, True], ids=["before writing", "before committing"])
def test_a_payment_and_its_person_find_each_other(
    fresh_database: Callable[[str], str], first: PreparedChunk, second: PreparedChunk, claim_known: bool, written: bool
) -> None:
    """The first transaction stops, before it writes or before it commits, until the second is done or waits for it."""
    url = fresh_database("earnings")
    if claim_known:
        apply(url, CONTRACT)
    paused, go = threading.Event(), threading.Event()
    failures: list[BaseException] = []

    def pause() -> None:
        if not paused.is_set():
            paused.set()
            assert go.wait(SOON_S)

    def run(item: PreparedChunk, **pauses: Callable[[], None]) -> None:
        try:
            apply(url, item, **pauses)
        except BaseException as error:
            failures.append(error)

    one = threading.Thread(target=run, args=(first,), kwargs={"wrote" if written else "looked": pause})
    two = threading.Thread(target=run, args=(second,))
    one.start()
    assert paused.wait(SOON_S)
    two.start()
    if written:
        wait_for_a_lock(url)
    else:
        two.join(SOON_S)
    go.set()
    one.join(SOON_S)
    two.join(SOON_S)
    assert failures == []
    if not claim_known:
        apply(url, CONTRACT)
    person: Person = document(url, "person", NINO)
    claim: Claim = document(url, "claim", CLAIM)
    assert person.claimants == (PERSON,)
    assert [payment.waiting for payment in person.payments] == [False]
    assert claim.attributed["71"].gross == 90_000
    with psycopg.connect(url) as conn:
        outcomes = conn.execute("SELECT topic, outcome FROM ledger ORDER BY topic").fetchall()
    assert outcomes == [(CLAIMANTS, "applied"), (CONTRACTS, "applied"), (RTI, "applied")]


def apply(
    url: str, item: PreparedChunk, looked: Callable[[], None] = lambda: None, wrote: Callable[[], None] = lambda: None
) -> None:
    """Apply a chunk. looked: called when the record was handled and nothing is written; wrote: when nothing is committed."""
    judge = Judge(policy_file.load(POLICY_DAY))
    handler = consumers.handler(judge)

    def handle(work: Any, entry: Item) -> None:
        handler(work, entry)
        looked()

    def project(*given: Any) -> None:
        store.project(*given)
        wrote()

    spec = Spec(
        name="earnings",
        kinds=kinds.KINDS,
        topics={},
        handle=handle,
        fire=timers.firing(judge),
        links=kinds.links,
        journal=consumers.journal,
        project=project,
    )
    unit = UnitOfWork(spec, connector(url, "test"), Noon(), FieldCipher(new_key()))
    unit.start(item.chunk.topic, 0, 0, "topic")
    unit.apply([item])
    unit.close()


def document(url: str, kind: str, key: str) -> Any:
    with psycopg.connect(url) as conn:
        row = conn.execute("SELECT schema, version, state FROM document WHERE (kind, key) = (%s, %s)", (kind, key)).fetchone()
    assert row is not None
    return Codec(kinds.KINDS).decode(kind, Stored(*row))


def wait_for_a_lock(url: str) -> None:
    """Until the second transaction waits for the first."""
    deadline = time.monotonic() + SOON_S
    with psycopg.connect(url, autocommit=True) as conn:
        while True:
            row = conn.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ).fetchone()
            if row == (1,):
                return
            assert time.monotonic() < deadline, "the second does not wait for the first"
            time.sleep(0.02)
