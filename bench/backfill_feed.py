"""A month's replay, made up: people, claims, statements (encrypted) and payments, as upstream would send them again."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from confluent_kafka import Producer

from contracts import topics
from world.sealing import DataKeys, crypt

MONTHS = 4
PER_CLAIM = 2 + 2 * MONTHS
"""Messages about one claim: its person, its contract, and a statement and a payment a month."""
KEY_USES = 200

_encode = msgspec.json.encode


class Clear(NamedTuple):
    """One message before it is encrypted. head None: it is published as it is."""

    topic: str
    key: str
    head: dict[str, Any] | None
    body: bytes


def messages(claims: int, today: date) -> Iterator[Clear]:
    """Topic by topic, so that what belongs together lies apart, as in a replay."""
    starts = period_starts(today)
    entitlement = starts[0]
    made = datetime.combine(entitlement, datetime.min.time(), UTC)
    for n in range(claims):
        yield _record(topics.UCFS_CLAIMANT, "citizenId", f"p{n}", made, {
            "nino": _nino(n), "firstName": "Ada", "lastName": f"Example{n}", "deliveryUnits": [f"office-{n % 700}"],
            "workCoach": {"type": "WORK_COACH", "id": f"coach-{n % 9000}"}, "currentWorkGroupOnCurrentContract": "INTENSIVE",
            "claimantDeathDetails": None,
        })  # fmt: skip
    for n in range(claims):
        yield _record(topics.UCFS_CONTRACT, "contractId", f"c{n}", made, {
            "people": [f"p{n}"], "declaredDate": _number(entitlement), "startDate": _number(entitlement),
            "entitlementDate": _number(entitlement), "closedDate": None, "paymentDayOfMonth": 17, "coupleContract": False,
            "assessmentPeriods": [],
        })  # fmt: skip
    for month in range(MONTHS):
        start, following = starts[month], starts[month + 1]
        for n in range(claims):
            pay = _pounds(n, month)
            yield _record(topics.UCFS_STATEMENT, "statementId", f"s{n}-{month}", made + timedelta(days=31 * month + 35), {
                "people": [{"citizenId": f"p{n}", "contractId": f"c{n}"}],
                "assessmentPeriod": {"assessmentPeriodId": f"a{n}-{month}", "contractId": f"c{n}", "startDate": _number(start),
                                     "endDate": _number(following - timedelta(days=1))},
                "takeHomePay": f"{pay:.2f}",
                "takeHomeBreakdown": {"rte": f"{pay:.2f}", "selfReported": "0.00", "selfEmployed": "0.00",
                                      "selfEmployedWithMif": "0.00"},
            })  # fmt: skip
            number = 8_000_000_000 + n * MONTHS + month
            yield payment(n, number, start + timedelta(days=14), pay, round(pay * (month + 1), 2), "M1")


def period_starts(today: date) -> list[date]:
    """First days of the periods, and the day after the last of them."""
    entitlement = (today - timedelta(days=31 * MONTHS + 5)).replace(day=10)
    return [_month(entitlement, number) for number in range(MONTHS + 1)]


def payment(n: int, number: int, paid_on: date, pounds: float, to_date: float, frequency: str) -> Clear:
    """A wage of claim n's one job. number: of the report. to_date: pounds in the tax year."""
    return Clear(topics.RTI_PAYMENT, f"c{n}", None, _encode({
        "schemaVersion": "rti-payment/1", "nationalInsuranceNumber": _nino(n), "hmrcOfficeNumber": "123",
        "employerPayeRef": f"A{n % 5000}", "employerName1": "Example Bakery Ltd", "payrollId": f"{n}",
        "payFrequency": frequency, "paymentDate": paid_on.isoformat(), "taxablePayInPeriod": pounds,
        "taxablePayToDate": to_date, "uniquePaymentId": f"{number}",
        "hmrcReceiptTimestamp": f"{paid_on}T08:14:05Z", "apiAvailableTimestamp": f"{paid_on}T08:40:00Z",
    }))  # fmt: skip


def publish(claims: int, bootstrap: str, data_key_service: str, told: Callable[[int], None]) -> int:
    """Send everything, encrypted; told: messages since the last call. Returns how many."""
    failed: list[str] = []
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 50, "compression.type": "lz4", "partitioner": "murmur2"})
    sent = 0
    with DataKeys(data_key_service, uses=KEY_USES) as keys:
        for message in messages(claims, datetime.now(UTC).date()):
            value = message.body if message.head is None else _sealed(message.head, message.body, keys)
            while True:
                try:
                    producer.produce(
                        message.topic, value, key=message.key,
                        on_delivery=lambda error, _: failed.append(error.name()) if error else None,
                    )  # fmt: skip
                    break
                except BufferError:
                    producer.poll(0.1)
            sent += 1
            if sent % 1000 == 0:
                producer.poll(0)
                told(1000)
    if producer.flush(60) or failed:
        raise RuntimeError(f"the feed was not published: {failed[:1] or 'timed out'}")
    return sent


def _record(topic: str, name: str, record_id: str, made: datetime, document: dict[str, Any]) -> Clear:
    stamp = made.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    head = {
        "traceId": "t", "unitOfWorkId": "u", "@type": "V4",
        "message": {"@type": "MONGO_INSERT", "_id": {name: record_id}, "_lastModifiedDateTime": stamp,
                    "collection": topic.rsplit(".", 1)[1], "db": "core"},
        "version": "core-4.release_152.16", "timestamp": stamp,
    }  # fmt: skip
    return Clear(topic, record_id, head, _encode({"_id": {name: record_id}, **document, "createdDateTime": {"$date": stamp}}))


def _sealed(head: dict[str, Any], body: bytes, keys: DataKeys) -> bytes:
    key, vector = keys.current(), os.urandom(16)
    head["message"]["dbObject"] = base64.b64encode(crypt(key.plain, vector, body)).decode()
    head["message"]["encryption"] = {
        "keyEncryptionKeyId": key.key_id,
        "initialisationVector": base64.b64encode(vector).decode(),
        "encryptedEncryptionKey": key.encrypted,
    }
    return _encode(head)


def _nino(n: int) -> str:
    return f"QQ{n:06d}A"


def _pounds(n: int, month: int) -> float:
    return round(500 + (n * 37 + month * 11) % 120_000 / 100, 2)


def _number(day: date) -> int:
    return day.year * 10000 + day.month * 100 + day.day


def _month(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, day.day)
