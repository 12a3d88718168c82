"""An upstream team's own client: a plain producer with its own encryption, a plain HTTP client. Imports nothing of ours."""

from __future__ import annotations

import base64
import itertools
import json
import os
import time
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from kafka import KafkaProducer

CLAIMANT, CONTRACT, STATEMENT = "db.core.claimant", "db.core.contract", "db.core.statement"
RTI = "hmrc.rti.payment-reported.v1"
EASEMENT = "upstream.claimant.easement.v1"
CONDITIONALITY = "upstream.claimant.conditionality.v1"
NATURAL = {CLAIMANT: "citizenId", CONTRACT: "contractId", STATEMENT: "statementId"}
WAIT_S = 30.0
NUMBERS = itertools.count(int(time.time() * 1000) % 800_000 + 100_000)

Place = tuple[str, int, int]


def number(day: date) -> int:
    return day.year * 10000 + day.month * 100 + day.day


def today() -> date:
    """A foreign client has its own clock."""
    return datetime.now(UTC).date()


def begun(day: date) -> date:
    """That day or one before it whose first month is longer than four weeks and in one tax year: tests put pay into it."""
    return date(day.year, 1, 29) if date(day.year, 1, 30) <= day <= date(day.year, 4, 5) else day


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


class Foreign:
    """An upstream team's own client."""

    def __init__(self, address: str, bootstrap: str, key_service: str, credentials: dict[str, Any], environment: dict[str, str]):
        self.environment = environment
        self.bootstrap = bootstrap
        self.producer = KafkaProducer(bootstrap_servers=bootstrap, max_request_size=1 << 23, linger_ms=0)
        self.credentials = credentials
        self.http = httpx.Client(base_url=address, timeout=10)
        self.http.headers["Authorization"] = f"Bearer {self.token('upstream')}"
        answer = httpx.get(f"{key_service}/datakey", params={"correlationId": str(uuid.uuid4())}, timeout=10)
        assert answer.status_code == 201
        self.data_key = answer.json()
        self.clock = datetime.now(UTC) - timedelta(hours=1)

    def close(self) -> None:
        self.producer.close()
        self.http.close()

    def token(self, client: str) -> str:
        found = self.credentials["clients"][client]
        form = {
            "grant_type": "client_credentials",
            "client_id": found["client_id"],
            "client_secret": found["client_secret"],
            "scope": " ".join(found["scopes"]),
        }
        answer = httpx.post(self.credentials["token_endpoint"], data=form, timeout=10)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def later(self) -> datetime:
        self.clock += timedelta(seconds=1)
        return self.clock

    def encrypted(self, plain: bytes) -> dict[str, Any]:
        vector = os.urandom(16)
        key = base64.b64decode(self.data_key["plaintextDataKey"])
        sealing = Cipher(algorithms.AES(key), modes.CTR(vector)).encryptor()
        return {
            "dbObject": base64.b64encode(sealing.update(plain) + sealing.finalize()).decode(),
            "encryption": {
                "keyEncryptionKeyId": self.data_key["dataKeyEncryptionKeyId"],
                "initialisationVector": base64.b64encode(vector).decode(),
                "encryptedEncryptionKey": self.data_key["ciphertextDataKey"],
            },
        }

    def envelope(
        self,
        topic: str,
        record_id: Any,
        document: dict[str, Any] | bytes,
        *,
        at: datetime | None,
        kind: str = "MONGO_UPDATE",
        bare: bool = False,
        **message: Any,
    ) -> dict[str, Any]:
        plain = document if isinstance(document, bytes) else json.dumps(document).encode()
        return {
            "traceId": "t",
            "unitOfWorkId": "u",
            "@type": "V4",
            "message": {
                "@type": kind,
                "_id": record_id if bare else {NATURAL[topic]: record_id},
                "_lastModifiedDateTime": None if at is None else stamp(at),
                "collection": topic.rsplit(".", 1)[1],
                "db": "core",
                **self.encrypted(plain),
                **message,
            },
            "version": "core-4.release_152.16",
            "timestamp": stamp(at or self.clock),
        }

    def send(
        self, topic: str, value: Any, headers: list[tuple[str, bytes]] | None = None, key: bytes = b"k", partition: int = 0
    ) -> Place:
        raw = value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
        sent = self.producer.send(topic, value=raw, key=key, partition=partition, headers=headers or []).get(timeout=20)
        return (topic, sent.partition, sent.offset)

    def ucfs(self, topic: str, record_id: Any, document: dict[str, Any] | bytes, **how: Any) -> Place:
        how.setdefault("at", self.later())
        return self.send(topic, self.envelope(topic, record_id, document, **how))

    def event(self, topic: str, body: dict[str, Any], kind: str | None = None) -> Place:
        headers = {
            "ce_specversion": "1.0",
            "ce_id": str(uuid.uuid4()),
            "ce_type": kind or topic,
            "ce_source": "upstream",
        }
        return self.send(topic, body, [(name, value.encode()) for name, value in headers.items()])

    def get(self, path: str, **params: Any) -> Any:
        answer = self.http.get(path, params=params)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.json()

    def row(self, place: Place, want: str | None = None) -> dict[str, Any]:
        """The ledger row of a message, once it is there (and has the wanted outcome)."""
        topic, partition, offset = place
        deadline = time.monotonic() + WAIT_S
        found: dict[str, Any] = {}
        while time.monotonic() < deadline:
            items = self.get("/v1/intake/messages", topic=topic, partition=partition, offset=offset)["items"]
            if items:
                found = items[0]
                if want is None or found["outcome"] == want:
                    return found
            time.sleep(0.02)
        raise AssertionError(f"{place}: wanted {want}, found {found}")

    def outcome(self, place: Place) -> tuple[str, str | None]:
        row = self.row(place)
        return row["outcome"], row["reason"]

    def published(self, topic: str, claim_id: str) -> list[tuple[str, dict[str, Any]]]:
        """Every event published so far under a claim's key, in order."""
        return [(name, body) for key, name, body in self.everything(topic) if key == claim_id]

    def everything(self, topic: str) -> list[tuple[str, str, dict[str, Any]]]:
        """(key, type, body) of every event on a topic so far; those of one key in order."""
        settings = {"bootstrap.servers": self.bootstrap, "group.id": str(uuid.uuid4()), "enable.auto.commit": False}
        consumer = Consumer(settings | {"isolation.level": "read_committed", "enable.partition.eof": True})
        found: list[tuple[str, str, dict[str, Any]]] = []
        try:
            parts = consumer.list_topics(topic, timeout=10).topics[topic].partitions
            consumer.assign([TopicPartition(topic, part, OFFSET_BEGINNING) for part in parts])
            ended: set[int] = set()
            while len(ended) < len(parts):
                message = consumer.poll(WAIT_S)
                assert message is not None, "the broker went silent"
                if message.error():
                    assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
                    ended.add(message.partition())
                else:
                    name = dict(message.headers())["ce_type"].decode()
                    found.append((message.key().decode(), name, json.loads(message.value())))
        finally:
            consumer.close()
        return found

    def await_published(self, topic: str, claim_id: str, kind: str) -> list[tuple[str, dict[str, Any]]]:
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            found = self.published(topic, claim_id)
            if any(name == kind for name, _ in found):
                return found
        raise AssertionError(f"no {kind} on {topic} for {claim_id}")


class Household:
    """Fresh ids, and documents as upstream writes them."""

    def __init__(self, couple: bool = False) -> None:
        self.claim = str(uuid.uuid4())
        self.people = [str(uuid.uuid4()) for _ in range(2 if couple else 1)]
        self.ninos = [f"QQ{next(NUMBERS):06d}" for _ in self.people]
        self.entitlement = begun(date.today() - timedelta(days=100))  # noqa: DTZ011 - a foreign client has its own clock

    def claimant(self, number_: int = 0, **more: Any) -> dict[str, Any]:
        return {
            "_id": {"citizenId": self.people[number_]},
            "firstName": "Ada",
            "lastName": "Example",
            "nino": self.ninos[number_] + "C",
            "deliveryUnits": ["76783bd7-0000-4000-8000-000000000001"],
            "workCoach": {"type": "WORK_COACH_NOT_REQUIRED"},
            "currentWorkGroupOnCurrentContract": "INTENSIVE",
            "claimantDeathDetails": None,
            "createdDateTime": {"$date": "2026-04-30T01:10:11.928839Z"},
            **more,
        }

    def contract(self, **more: Any) -> dict[str, Any]:
        return {
            "_id": {"contractId": self.claim},
            "people": self.people,
            "assessmentPeriods": [],
            "declaredDate": number(self.entitlement),
            "startDate": number(self.entitlement),
            "entitlementDate": number(self.entitlement),
            "closedDate": None,
            "paymentDayOfMonth": 14,
            "claimClosureReason": None,
            "coupleContract": False,
            "createdDateTime": {"$date": "2026-04-30T01:10:11.928839Z"},
            **more,
        }

    def statement(self, start: date, end: date, take_home: str = "812.40", **more: Any) -> dict[str, Any]:
        return {
            "people": [{"citizenId": person, "contractId": self.claim} for person in self.people],
            "assessmentPeriod": {
                "assessmentPeriodId": str(uuid.uuid4()),
                "contractId": self.claim,
                "startDate": number(start),
                "endDate": number(end),
            },
            "takeHomePay": take_home,
            "takeHomeBreakdown": {
                "rte": take_home,
                "selfReported": "0.00",
                "selfEmployed": "0.00",
                "selfEmployedWithMif": "0.00",
            },
            "createdDateTime": {"$date": "2026-04-30T01:10:11.928839Z"},
            **more,
        }

    def payment(self, paid_on: date, amount: float = 905.5, **more: Any) -> dict[str, Any]:
        return {
            "schemaVersion": "rti-payment/1",
            "nationalInsuranceNumber": self.ninos[0] + "C",
            "hmrcOfficeNumber": "123",
            "employerPayeRef": "A246",
            "employerName1": "Example Bakery Ltd",
            "payrollId": "0012",
            "payFrequency": "M1",
            "paymentDate": paid_on.isoformat(),
            "taxablePayInPeriod": amount,
            "taxablePayToDate": amount,
            "uniquePaymentId": str(next(NUMBERS)),
            "hmrcReceiptTimestamp": f"{paid_on}T08:14:05Z",
            "apiAvailableTimestamp": f"{paid_on}T08:40:00Z",
            **more,
        }


def opened(feed: Foreign, house: Household) -> None:
    """Send the people and the contract, and wait for both."""
    places = [feed.ucfs(CLAIMANT, person, house.claimant(n)) for n, person in enumerate(house.people)]
    places.append(feed.ucfs(CONTRACT, house.claim, house.contract()))
    assert [feed.outcome(place)[0] for place in places] == ["applied"] * len(places)
