"""Messages that cannot be used or that belong to nobody: each must end in a dead letter, or wait and then be ignored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from contracts import topics
from world import documents, rti
from world.messages import Message, envelope
from world.model import World

_DAYS = (12, 25, 40, 55, 70, 85)
STRANGER_IDS = ("7000000001", "7000000002", "7000000003")
"""Payments of people who are not on Universal Credit."""


def expected_dead_letters(world: World) -> list[dict[str, str]]:
    """(topic, record id, why) of every message that must be quarantined."""
    found = [
        {"topic": topics.RTI_PAYMENT, "record_id": report.unique_id, "why": "same id with another amount"}
        for report in world.reports
        if report.kind == "conflict"
    ]
    if world.broken:
        found.extend({"topic": topic, "record_id": record_id, "why": why} for topic, record_id, why in _CASES)
    return found


_CASES = (
    (topics.UCFS_CLAIMANT, "broken-claimant", "unknown kind of change"),
    (topics.UCFS_CONTRACT, "broken-contract", "body is not JSON after decryption"),
    (topics.UCFS_STATEMENT, "broken-statement", "start date is no date"),
    (topics.RTI_PAYMENT, "", "value is not JSON"),
    (topics.RTI_PAYMENT, "7999999999", "amount is not a number"),
    (topics.UCFS_CLAIMANT, "", "empty value"),
)


def messages(world: World) -> Iterator[Message]:
    """The unusable messages of the play, and payments of strangers."""
    claimant, contract, statement, not_json, bad_amount, empty = (world.start + timedelta(days=n) for n in _DAYS)
    yield _ucfs(topics.UCFS_CLAIMANT, {"citizenId": "broken-claimant"}, "MONGO_RENAME", b"{}", claimant)
    yield _ucfs(topics.UCFS_CONTRACT, {"contractId": "broken-contract"}, "MONGO_INSERT", b"\xff\x00 no JSON", contract)
    bad = {
        "_id": {"statementId": "broken-statement"},
        "people": [],
        "assessmentPeriod": {"contractId": world.claims[0].claim_id, "startDate": 20261345, "endDate": 20261399},
        "takeHomePay": "0.00",
        "takeHomeBreakdown": {"rte": "0.00", "selfReported": "0.00", "selfEmployed": "0.00", "selfEmployedWithMif": "0.00"},
        "createdDateTime": documents.mongo_date(_at(statement)),
    }
    yield _ucfs(topics.UCFS_STATEMENT, bad["_id"], "MONGO_INSERT", rti.encode(bad), statement)
    yield Message(day=not_json, at=_at(not_json), topic=topics.RTI_PAYMENT, key=b"x", record_id="", value=b"<payment/>")
    amount = {**_stranger("7999999999", bad_amount), "taxablePayInPeriod": "12,50"}
    yield _plain("7999999999", amount, bad_amount)
    yield Message(day=empty, at=_at(empty), topic=topics.UCFS_CLAIMANT, key=b"", record_id="", value=b"")
    for index, unique_id in enumerate(STRANGER_IDS):
        day = world.start + timedelta(days=5 + 9 * index)
        yield _plain(unique_id, _stranger(unique_id, day), day)


def _at(day: date) -> datetime:
    return datetime.combine(day, time(9, 30), UTC)


def _ucfs(topic: str, natural_id: Any, change: str, body: bytes, day: date) -> Message:
    record_id = next(iter(natural_id.values()))
    head = envelope(topic, natural_id, change, documents.order_time(_at(day)), _at(day), record_id)
    return Message(
        day=day, at=_at(day), topic=topic, key=rti.encode(natural_id), record_id=record_id, value=rti.encode(head), body=body
    )


def _plain(unique_id: str, document: dict[str, Any], day: date) -> Message:
    return Message(
        day=day, at=_at(day), topic=topics.RTI_PAYMENT, key=unique_id.encode(), record_id=unique_id, value=rti.encode(document)
    )


def _stranger(unique_id: str, day: date) -> dict[str, Any]:
    return {
        "schemaVersion": "rti-payment/1",
        "nationalInsuranceNumber": f"QQ99{unique_id[-4:]}A",
        "hmrcOfficeNumber": "999",
        "employerPayeRef": "Z999",
        "payrollId": unique_id,
        "payFrequency": "M1",
        "paymentDate": day.isoformat(),
        "taxablePayInPeriod": 640.0,
        "taxablePayToDate": 640.0,
        "uniquePaymentId": unique_id,
        "hmrcReceiptTimestamp": _at(day).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "apiAvailableTimestamp": _at(day).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
