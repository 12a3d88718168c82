"""F13: records that cannot be used lie between good ones; each is kept byte for byte and the others flow."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.faults import poison
from tests.faults.checker import Checker
from tests.faults.reading import rows
from tests.faults.report import Cell
from tests.faults.sending import Outbound
from tests.faults.stage import Theatre

from contracts import topics
from earnings.intake.prepare import INTAKE_TOPICS
from streaming import database, dead_letters
from streaming.crypto import FieldCipher
from streaming.records import Record


def test_f13_poison_is_kept_byte_for_byte_and_its_neighbours_flow(theatre: Theatre, checker: Checker, cell: Cell) -> None:
    past = [message for day in theatre.past_days() for message in theatre.day(day)]
    claimant, payment, easement = (
        next(message for message in past if message.topic == topic)
        for topic in (topics.UCFS_CLAIMANT, topics.RTI_PAYMENT, topics.CLAIMANT_CONDITIONALITY)
    )
    claim_id = easement.key.decode()
    bad = [*poison.upstream(claimant, payment, easement), *poison.platform(claim_id)]
    foreign = list(poison.foreign(easement, claim_id))
    placed: dict[str, Record] = {}

    def mixed(messages: list[Outbound]) -> list[Outbound]:
        plan = list(messages)
        for one in (*bad, *foreign):
            plan.insert(theatre.random.randint(0, len(plan)), one)
        return plan

    leg = theatre.leg(arrange=mixed)
    for message, record in leg.plan:
        if message in bad or message in foreign:
            placed[f"{message.topic} {message.note}"] = record
    cell.events, cell.recoveries = leg.events, [leg.recovery_s]
    cell.faults += [f"{len(bad)} poisoned records", f"{len(foreign)} of unknown types"]
    cell.anomalies = checker.anomalies()
    wrong = [text for message in bad for text in kept(theatre, message, placed[f"{message.topic} {message.note}"])]
    wrong += [text for message in foreign for text in _ignored(theatre, placed[f"{message.topic} {message.note}"])]
    wrong += _shown(theatre, [placed[f"{message.topic} {message.note}"] for message in (bad[0], bad[3], bad[11])])
    if wrong:
        cell.anomalies["I8 isolation"] = wrong
    cell.verify()


def kept(theatre: Theatre, message: Outbound, record: Record) -> list[str]:
    """What is wrong with the dead letters of a bad record, in every service that reads its topic."""
    wrong = []
    cipher = FieldCipher(theatre.stage.environment["FIELD_KEY"])
    for service in (name for name, spec in theatre.specs.items() if record.topic in spec.topics):
        with database.connector(theatre.stage.databases[service], "test")() as conn:
            kept = dead_letters.fetch(conn, cipher, record.topic, record.partition, record.offset)
        if kept is None:
            wrong.append(f"{service} has no dead letter for {message.note}")
        elif (kept.value, kept.key, kept.headers) != (message.value, message.key, message.headers):
            wrong.append(f"{service} keeps other bytes for {message.note}")
    return wrong


def _ignored(theatre: Theatre, record: Record) -> list[str]:
    if record.topic not in INTAKE_TOPICS:
        return []  # a service without a ledger only counts them; that it went on is in its position
    place = (record.topic, record.partition, record.offset)
    outcome = rows(
        theatre.stage.databases["earnings"], 'SELECT outcome FROM ledger WHERE (topic, part, "offset") = (%s, %s, %s)', *place
    )
    return [] if outcome == [("ignored",)] else [f"{place} of an unknown type is {outcome}"]


def _shown(theatre: Theatre, records: list[Record]) -> list[str]:
    """What the operator's command writes to standard output."""

    def show(record: Record) -> bytes:
        argv = [sys.executable, "-m", "earnings", "dlq", "show", record.topic, str(record.partition), str(record.offset)]
        return subprocess.run(argv, env=theatre.stage.supervisor.environment, capture_output=True, check=True).stdout

    with ThreadPoolExecutor(2) as threads:
        printed = list(threads.map(show, records))
    wrong = [f"dlq show prints other bytes for {r.topic}" for r, out in zip(records, printed, strict=True) if out != r.value]
    looked = rows(theatre.stage.databases["earnings"], "SELECT count(*) FROM audit WHERE action = 'dlq.show'")[0][0]
    return wrong if looked >= len(records) else [*wrong, f"{looked} looks at dead letters are in the audit, not {len(records)}"]


@pytest.mark.parametrize("topic", [topics.CONTACT_PREFERENCES])
def test_f13_a_service_without_a_ledger_keeps_upstream_poison_too(theatre: Theatre, topic: str) -> None:
    message = Outbound(topic, b"claim", b"{broken", (("ce_specversion", b"1.0"), ("ce_id", b"x"), ("ce_type", topic.encode()),
                                                     ("ce_source", b"poison")))  # fmt: skip
    (record,) = theatre.feeder.send([message])
    theatre.barrier.wait(theatre.now)
    cipher = FieldCipher(theatre.stage.environment["FIELD_KEY"])
    with database.connector(theatre.stage.databases["notifications"], "test")() as conn:
        kept = dead_letters.fetch(conn, cipher, record.topic, record.partition, record.offset)
    assert kept is not None
    assert kept.value == message.value
