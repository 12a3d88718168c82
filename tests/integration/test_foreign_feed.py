"""The intake rules as an upstream team would check them: a plain producer with its own encryption, a plain HTTP client.

Nothing of the product is imported; only the fixture that starts the processes comes from the development tools.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from kafka import KafkaProducer

CLAIMANT, CONTRACT, STATEMENT = "db.core.claimant", "db.core.contract", "db.core.statement"
RTI = "hmrc.rti.payment-reported.v1"
EASEMENT = "upstream.claimant.easement.v1"
CONDITIONALITY = "upstream.claimant.conditionality.v1"
NATURAL = {CLAIMANT: "citizenId", CONTRACT: "contractId", STATEMENT: "statementId"}
WAIT_S = 30.0
NUMBERS = itertools.count(int(time.time() * 1000) % 900_000 + 100_000)

Place = tuple[str, int, int]


def number(day: date) -> int:
    return day.year * 10000 + day.month * 100 + day.day


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
        settings = {"bootstrap.servers": self.bootstrap, "group.id": str(uuid.uuid4()), "enable.auto.commit": False}
        consumer = Consumer(settings | {"isolation.level": "read_committed", "enable.partition.eof": True})
        found: list[tuple[str, dict[str, Any]]] = []
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
                elif message.key() == claim_id.encode():
                    found.append((dict(message.headers())["ce_type"].decode(), json.loads(message.value())))
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
        self.entitlement = date.today() - timedelta(days=100)  # noqa: DTZ011 - a foreign client has its own clock

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


@pytest.fixture(scope="module")
def feed(backends: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Foreign]:
    from devstack.layout import Ports
    from devstack.platform import Platform

    var = tmp_path_factory.mktemp("foreign")
    with Platform.start(var, backends, Ports.free(), database_prefix="foreign_", services=("earnings",)) as platform:
        credentials = json.loads((var / "dev-credentials.json").read_text())
        client = Foreign(
            platform.url("earnings"), platform.bootstrap, platform.data_key_service, credentials, platform.supervisor.environment
        )
        yield client
        client.producer.close()
        client.http.close()


def opened(feed: Foreign, house: Household) -> None:
    """Send the people and the contract, and wait for both."""
    places = [feed.ucfs(CLAIMANT, person, house.claimant(n)) for n, person in enumerate(house.people)]
    places.append(feed.ucfs(CONTRACT, house.claim, house.contract()))
    assert [feed.outcome(place)[0] for place in places] == ["applied"] * len(places)


def test_a_claim_is_answered_with_the_fields_upstream_sent(feed: Foreign) -> None:
    house = Household()
    coach = {"workCoach": {"type": "WORK_COACH", "id": "coach-9"}}
    feed.row(feed.ucfs(CONTRACT, house.claim, house.contract()))
    alone = feed.get(f"/v1/claims/{house.claim}")
    assert alone["claimants"][0]["nino_known"] is False
    feed.row(feed.ucfs(CLAIMANT, house.people[0], house.claimant(**coach)))
    found = feed.get(f"/v1/claims/{house.claim}")
    found.pop("updated_at")
    assert found == {
        "claim_id": house.claim,
        "status": "open",
        "claimants": [
            {
                "claimant_id": house.people[0],
                "nino_known": True,
                "coach_id": "coach-9",
                "office_id": "76783bd7-0000-4000-8000-000000000001",
                "work_group": "INTENSIVE",
            }
        ],
        "entitlement_date": house.entitlement.isoformat(),
        "start_date": house.entitlement.isoformat(),
        "suspension_date": None,
        "closed_date": None,
        "closure_reason": None,
        "payment_day": 14,
        "couple": False,
    }
    tag = feed.http.get(f"/v1/claims/{house.claim}").headers["etag"]
    assert feed.http.get(f"/v1/claims/{house.claim}", headers={"If-None-Match": tag}).status_code == 304
    assert feed.http.get(f"/v1/claims/{uuid.uuid4()}").status_code == 404


@pytest.mark.parametrize("payment_first", [True, False])
def test_a_payment_and_its_person_meet_in_either_order(feed: Foreign, payment_first: bool) -> None:
    house = Household()
    paid_on = house.entitlement + timedelta(days=10)
    steps = [
        lambda: feed.send(RTI, house.payment(paid_on)),
        lambda: feed.ucfs(CLAIMANT, house.people[0], house.claimant()),
        lambda: feed.ucfs(CONTRACT, house.claim, house.contract()),
    ]
    if not payment_first:
        steps.reverse()
    places = []
    for step in steps:
        places.append(step())
        feed.row(places[-1], "pending" if places[-1][0] == RTI and payment_first else "applied")
    for place in places:
        feed.row(place, "applied")
    periods = feed.get(f"/v1/claims/{house.claim}/periods")["items"]
    first = next(period for period in periods if period["start"] == house.entitlement.isoformat())
    assert first["claimants"][0]["gross_pence"] == 90550
    assert first["claimants"][0]["basis"] == "rti_gross"
    payment = feed.get(f"/v1/claimants/{house.people[0]}/payments")["items"][0]
    assert payment["period_id"] == first["period_id"]
    assert payment["rule"]
    assert payment["reason"]


@pytest.mark.parametrize("statement_first", [True, False])
def test_a_statement_waits_for_its_contract_and_its_dates_win(feed: Foreign, statement_first: bool) -> None:
    house = Household()
    start = house.entitlement + timedelta(days=28)
    document = house.statement(start, start + timedelta(days=30))
    name = str(uuid.uuid4())
    if statement_first:
        place = feed.ucfs(STATEMENT, name, document)
        feed.row(place, "pending")
        opened(feed, house)
    else:
        opened(feed, house)
        place = feed.ucfs(STATEMENT, name, document)
    feed.row(place, "applied")
    periods = {p["start"]: p for p in feed.get(f"/v1/claims/{house.claim}/periods")["items"]}
    moved = periods[start.isoformat()]
    assert (moved["end"], moved["take_home_pay"]) == ((start + timedelta(days=30)).isoformat(), "812.40")
    assert moved["household_net_pence"] == 81240
    assert moved["upstream_period_id"] == document["assessmentPeriod"]["assessmentPeriodId"]
    assert periods[house.entitlement.isoformat()]["end"] == (start - timedelta(days=1)).isoformat()
    assert len(moved["versions"]) == moved["version"]


def test_unusable_records_are_quarantined_with_their_reason_and_neighbours_flow(feed: Foreign) -> None:
    good_before, good_after = Household(), Household()
    good = [feed.ucfs(CONTRACT, good_before.claim, good_before.contract())]
    house = Household()
    wrong_key = feed.envelope(CONTRACT, house.claim, house.contract(), at=feed.later())
    wrong_key["message"]["encryption"]["encryptedEncryptionKey"] = base64.b64encode(os.urandom(32)).decode()
    short_vector = feed.envelope(CONTRACT, house.claim, house.contract(), at=feed.later())
    short_vector["message"]["encryption"]["initialisationVector"] = base64.b64encode(b"short").decode()
    bad: list[tuple[Place, str]] = [
        (feed.send(CONTRACT, None), "empty"),
        (feed.send(CONTRACT, b""), "empty"),
        (feed.send(CONTRACT, b"no json"), "not_json"),
        (feed.send(CONTRACT, b"[" * 100_000), "too_deep"),
        (feed.send(CONTRACT, b"[]"), "not_an_object"),
        (feed.send(CONTRACT, b'{"message": NaN}'), "not_json"),
        (feed.send(CONTRACT, b"\xff\xfe\x00"), "not_json"),
        (feed.ucfs(CONTRACT, "nul\x00id", house.contract()), "bad_field:_id"),
        (feed.send(CONTRACT, json.dumps({"message": {"@type": "MONGO_INSERT", "_id": "\ud800"}}).encode()), "bad_field:_id"),
        (feed.ucfs(CONTRACT, "x" * 129, house.contract()), "bad_field:_id"),
        (feed.ucfs(CONTRACT, house.claim, house.contract(), kind="hello"), "unknown_type"),
        (feed.ucfs(CONTRACT, house.claim, os.urandom(200)), "not_decryptable"),
        (feed.send(CONTRACT, wrong_key), "data_key_refused"),
        (feed.send(CONTRACT, short_vector), "bad_field:initialisationVector"),
        (feed.ucfs(CONTRACT, house.claim, house.contract(people=[])), "bad_field:people"),
        (feed.ucfs(CONTRACT, house.claim, house.contract(entitlementDate=20261399)), "bad_field:entitlementDate"),
        (feed.ucfs(CONTRACT, house.claim, house.contract(paymentDayOfMonth="x")), "bad_field:paymentDayOfMonth"),
        (feed.ucfs(CLAIMANT, house.people[0], house.claimant(nino="AB123456C")), "bad_field:nino"),
        (feed.ucfs(CLAIMANT, house.people[0], house.claimant(nino=17)), "bad_field:nino"),
        (feed.send(RTI, house.payment(house.entitlement, uniquePaymentId="\x00")), "bad_field:uniquePaymentId"),
        (feed.send(RTI, house.payment(house.entitlement, taxablePayInPeriod="905.50")), "bad_field:taxablePayInPeriod"),
        (feed.send(RTI, house.payment(house.entitlement, taxablePayInPeriod=1e300)), "bad_field:taxablePayInPeriod"),
        (feed.send(RTI, house.payment(house.entitlement, payFrequency="W9")), "bad_field:payFrequency"),
        (
            feed.send(RTI, house.payment(house.entitlement, nationalInsuranceNumber="AB123456C")),
            "bad_field:nationalInsuranceNumber",
        ),
    ]
    good.append(feed.ucfs(CONTRACT, good_after.claim, good_after.contract()))
    assert {place: feed.outcome(place) for place, _ in bad} == {place: ("quarantined", reason) for place, reason in bad}
    assert [feed.outcome(place)[0] for place in good] == ["applied", "applied"]
    assert feed.get(f"/v1/claims/{good_after.claim}")["claim_id"] == good_after.claim
    shown = subprocess.run(
        [sys.executable, "-m", "earnings", "dlq", "show", CONTRACT, "0", str(bad[2][0][2])],
        env=feed.environment, capture_output=True, check=True,
    )  # fmt: skip
    assert shown.stdout == b"no json"


def test_fields_that_nobody_uses_never_cause_quarantine(feed: Foreign) -> None:
    house = Household()
    odd = house.contract(stillSingle=[], flags=1e300, annualVerificationEligibilityDate="\x00\ud800", unheardOf={"a": [1]})
    envelope = feed.envelope(CONTRACT, house.claim, odd, at=feed.later(), db="other", collection="toDo")
    del envelope["traceId"]
    envelope["version"] = 7
    assert feed.outcome(feed.send(CONTRACT, envelope))[0] == "applied"
    large = house.claimant(searchableNames=["x" * 2_700_000])
    assert feed.outcome(feed.ucfs(CLAIMANT, house.people[0], large))[0] == "applied"
    assert feed.outcome(feed.send(RTI, house.payment(house.entitlement, taxYear=7, surprise=None)))[0] == "applied"


def test_ids_are_opaque_in_every_encoding(feed: Foreign) -> None:
    tag = next(NUMBERS)
    first, second = Household(), Household()
    first.claim, first.people = str(tag), [f"person {tag}/é"]
    second.claim = "c" * 122 + str(tag)[:6]
    assert (
        feed.outcome(feed.ucfs(CONTRACT, tag, first.contract(people=[{"citizenId": first.people[0]}]), bare=True))[0] == "applied"
    )
    assert feed.outcome(feed.ucfs(CLAIMANT, first.people[0], first.claimant(), bare=True))[0] == "applied"
    assert feed.outcome(feed.ucfs(CONTRACT, second.claim, second.contract()))[0] == "applied"
    assert feed.get(f"/v1/claims/{tag}")["claimants"][0]["nino_known"] is True
    assert len(feed.get(f"/v1/claims/{second.claim}")["claim_id"]) == 128


def test_the_newest_version_wins_whatever_order_they_come_in(feed: Foreign) -> None:
    house = Household()
    old, middle, new = feed.later(), feed.later(), feed.later()
    assert feed.outcome(feed.ucfs(CONTRACT, house.claim, house.contract(paymentDayOfMonth=2), at=middle))[0] == "applied"
    assert feed.outcome(feed.ucfs(CONTRACT, house.claim, house.contract(paymentDayOfMonth=1), at=old))[0] == "superseded"
    same = house.contract(paymentDayOfMonth=2)
    assert feed.outcome(feed.ucfs(CONTRACT, house.claim, same, at=middle))[0] == "duplicate", "encrypted anew, same document"
    reordered = dict(reversed(same.items()))
    assert feed.outcome(feed.ucfs(CONTRACT, house.claim, reordered, at=middle))[0] == "duplicate"
    assert feed.outcome(feed.ucfs(CONTRACT, house.claim, house.contract(paymentDayOfMonth=3), at=middle))[0] == "applied"
    assert feed.get(f"/v1/claims/{house.claim}")["payment_day"] == 3
    assert feed.outcome(feed.ucfs(CONTRACT, house.claim, house.contract(paymentDayOfMonth=4), at=new))[0] == "applied"
    assert feed.get(f"/v1/claims/{house.claim}")["payment_day"] == 4
    undated = house.contract(paymentDayOfMonth=5)
    assert feed.outcome(feed.ucfs(CONTRACT, house.claim, undated, at=None))[0] == "superseded", "createdDateTime is older"


def test_a_delete_wins_if_newer_even_before_its_insert(feed: Foreign) -> None:
    house = Household()
    before, delete, after = feed.later(), feed.later(), feed.later()
    assert (
        feed.outcome(feed.ucfs(CONTRACT, house.claim, b"", kind="MONGO_DELETE", at=delete, dbObject="means nothing"))[0]
        == "applied"
    )
    assert feed.outcome(feed.ucfs(CONTRACT, house.claim, house.contract(), at=before, kind="MONGO_INSERT"))[0] == "superseded"
    assert feed.http.get(f"/v1/claims/{house.claim}").status_code == 404
    assert feed.outcome(feed.ucfs(CONTRACT, house.claim, house.contract(), at=after, kind="MONGO_UPDATE"))[0] == "applied"
    assert feed.get(f"/v1/claims/{house.claim}")["status"] == "open"


def test_deleted_records_are_forgotten(feed: Foreign) -> None:
    house = Household(couple=True)
    opened(feed, house)
    start = house.entitlement
    end = start + timedelta(days=27)
    name = str(uuid.uuid4())
    feed.row(feed.ucfs(STATEMENT, name, house.statement(start, end)), "applied")
    assert feed.get(f"/v1/claims/{house.claim}/periods")["items"][-1]["end"] == end.isoformat()
    assert feed.outcome(feed.ucfs(STATEMENT, name, b"", kind="MONGO_DELETE"))[0] == "applied"
    oldest = feed.get(f"/v1/claims/{house.claim}/periods")["items"][-1]
    assert (oldest["take_home_pay"], oldest["statement_id"]) == (None, None)
    assert oldest["end"] != end.isoformat()
    assert feed.outcome(feed.ucfs(CLAIMANT, house.people[1], b"", kind="MONGO_DELETE"))[0] == "applied"
    claim = feed.get(f"/v1/claims/{house.claim}")
    assert [one["claimant_id"] for one in claim["claimants"]] == [house.people[0]]
    erased = feed.await_published("earnings.circumstances.v1", house.claim, "ClaimantErased")[-1][1]
    assert [one["claimant_id"] for one in erased["claim"]["claimants"]] == [house.people[0]]
    assert feed.outcome(feed.ucfs(CONTRACT, house.claim, b"", kind="MONGO_DELETE"))[0] == "applied"
    for path in ("", "/periods", "/ledger"):
        assert feed.http.get(f"/v1/claims/{house.claim}{path}").status_code == 404
    assert feed.await_published("earnings.circumstances.v1", house.claim, "ClaimErased")[-1][0] == "ClaimErased"


def test_rti_reports_of_one_id(feed: Foreign) -> None:
    house = Household()
    opened(feed, house)
    report = house.payment(house.entitlement + timedelta(days=10))
    assert feed.outcome(feed.send(RTI, report))[0] == "applied"
    assert feed.outcome(feed.send(RTI, report, partition=1))[0] == "duplicate"
    assert feed.outcome(feed.send(RTI, {**report, "taxablePayInPeriod": 1150.0})) == ("quarantined", "payment_conflict")
    other = Household()
    theirs = {**report, "nationalInsuranceNumber": other.ninos[0]}
    assert feed.outcome(feed.send(RTI, theirs)) == ("quarantined", "payment_conflict")
    first = feed.get(f"/v1/claims/{house.claim}/periods")["items"][-1]["claimants"][0]
    assert first["gross_pence"] == 90550, "the first to arrive stays"
    assert "payment_conflict" in first["quality"]
    no_longer = {**report, "paymentNoLongerValid": (house.entitlement + timedelta(days=50)).isoformat()}
    assert feed.outcome(feed.send(RTI, no_longer))[0] == "applied"
    assert feed.outcome(feed.send(RTI, no_longer))[0] == "duplicate"
    last = feed.get(f"/v1/claims/{house.claim}/periods")["items"][-1]
    assert (last["claimants"][0]["gross_pence"], last["why"]) == (0, "invalidation")
    assert [version["version"] for version in last["versions"]] == list(range(1, last["version"] + 1))
    kinds = [name for name, _ in feed.await_published("earnings.payment.v1", house.claim, "PaymentInvalidated")]
    assert kinds.count("PaymentAttributed") == 1
    rows = feed.get(f"/v1/claims/{house.claim}/ledger")["items"]
    counted = sorted(row["outcome"] for row in rows if row["topic"] == RTI)
    assert counted == ["applied", "applied", "duplicate", "duplicate", "quarantined", "quarantined"]


def test_a_claimant_without_nino_is_kept_and_matched_when_it_comes(feed: Foreign) -> None:
    for absent in (None, "", "  "):
        house = Household()
        assert feed.outcome(feed.ucfs(CLAIMANT, house.people[0], house.claimant(nino=absent)))[0] == "applied"
        assert feed.outcome(feed.ucfs(CONTRACT, house.claim, house.contract()))[0] == "applied"
        assert feed.get(f"/v1/claims/{house.claim}")["claimants"][0]["nino_known"] is False
    waiting = feed.send(RTI, house.payment(house.entitlement))
    feed.row(waiting, "pending")
    known = house.claimant(nino=f" {house.ninos[0].lower()} ")
    assert feed.outcome(feed.ucfs(CLAIMANT, house.people[0], known))[0] == "applied"
    feed.row(waiting, "applied")


def test_suspended_closed_and_couples(feed: Foreign) -> None:
    house = Household(couple=True)
    opened(feed, house)
    assert feed.get(f"/v1/claims/{house.claim}")["couple"] is True
    today = date.today()  # noqa: DTZ011 - a foreign client has its own clock
    far = number(today + timedelta(days=40))
    feed.row(feed.ucfs(CONTRACT, house.claim, house.contract(claimSuspension={"suspensionDate": far})))
    assert feed.get(f"/v1/claims/{house.claim}")["status"] == "suspended"
    feed.row(feed.ucfs(CONTRACT, house.claim, house.contract(closedDate=far, claimClosureReason="FraudIntervention")))
    assert feed.get(f"/v1/claims/{house.claim}")["status"] == "open"
    feed.row(feed.ucfs(CONTRACT, house.claim, house.contract(closedDate=number(today))))
    assert feed.get(f"/v1/claims/{house.claim}")["status"] == "closed"
    found = feed.await_published("earnings.circumstances.v1", house.claim, "ClaimClosed")
    names = [name for name, _ in found]
    assert names.index("ClaimOpened") < names.index("ClaimSuspended") < names.index("ClaimResumed") < names.index("ClaimClosed")
    versions = [body["claim"]["version"] for _, body in found]
    assert versions == sorted(set(versions)), "strictly rising"


def test_a_statement_marks_both_partners_self_employed(feed: Foreign) -> None:
    house = Household(couple=True)
    opened(feed, house)
    start = house.entitlement
    breakdown = {"rte": "0.00", "selfReported": "0.00", "selfEmployed": "100.00", "selfEmployedWithMif": "0.00"}
    document = house.statement(start, start + timedelta(days=29), "100.00", takeHomeBreakdown=breakdown)
    assert feed.outcome(feed.ucfs(STATEMENT, str(uuid.uuid4()), document))[0] == "applied"
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        newest = feed.published("earnings.circumstances.v1", house.claim)[-1][1]["claim"]
        if all(one["self_employed"] for one in newest["claimants"]):
            break
    assert [one["self_employed"] for one in newest["claimants"]] == [True, True]


def test_easements_and_conditionality_are_cloud_events_with_rising_versions(feed: Foreign) -> None:
    house = Household()
    opened(feed, house)
    easement = {"claimant_id": house.people[0], "version": 2, "from": "2026-11-01", "until": None, "voluntary_only": True}
    assert feed.outcome(feed.event(EASEMENT, easement))[0] == "applied"
    assert feed.outcome(feed.event(EASEMENT, easement))[0] == "duplicate"
    assert feed.outcome(feed.event(EASEMENT, {**easement, "version": 1}))[0] == "superseded"
    assert feed.outcome(feed.event(EASEMENT, easement, "something.else.v1"))[0] == "ignored"
    assert feed.outcome(feed.event(EASEMENT, {**easement, "version": "x"})) == ("quarantined", "bad_field:version")
    assert feed.outcome(feed.send(EASEMENT, easement))[0] == "quarantined", "no CloudEvents headers"
    expected = {"claimant_id": house.people[0], "version": 1, "from": "2026-10-01", "age_band": "nlw", "expected_hours": 35}
    assert feed.outcome(feed.event(CONDITIONALITY, expected))[0] == "applied"
    assert feed.outcome(feed.event(CONDITIONALITY, {**expected, "version": 2, "age_band": "old"}))[1] == "bad_field:age_band"
    row = feed.row(feed.event(EASEMENT, {**easement, "version": 3, "no_contact_until": "2026-12-01"}))
    assert (row["outcome"], row["record_id"]) == ("applied", house.people[0])
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        person = feed.published("earnings.circumstances.v1", house.claim)[-1][1]["claim"]["claimants"][0]
        if person["easements"] and person["easements"][0].get("no_contact_until"):
            break
    assert len(person["easements"]) == 1
    assert person["easements"][0]["no_contact_until"] == "2026-12-01"
    assert person["conditionality"][0]["expected_hours"] == 35


def test_closed_periods_are_published_with_versions(feed: Foreign) -> None:
    house = Household()
    opened(feed, house)
    paid_on = house.entitlement + timedelta(days=10)
    report = house.payment(paid_on, 1020.0)
    feed.row(feed.send(RTI, report), "applied")
    corrected = house.payment(
        paid_on, 960.0, latePayeReportingReason="H", hmrcReceiptTimestamp=f"{paid_on + timedelta(days=40)}T09:02:11Z"
    )
    feed.row(feed.send(RTI, corrected), "applied")
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        found = [body for _, body in feed.published("earnings.period.v1", house.claim)]
        mine = [body for body in found if body["start"] == house.entitlement.isoformat()]
        if mine and mine[-1]["why"] == "correction":
            break
    assert [(body["version"], body["supersedes"], body["why"]) for body in mine] == [
        (1, None, "closed"),
        (2, 1, "late_payment"),
        (3, 2, "correction"),
    ]
    assert [body["claimants"][0]["attributed_pence"] for body in mine] == [0, 102000, 96000]
    assert not any(body["backfill"] for body in found)


def test_access_and_filters(feed: Foreign) -> None:
    assert httpx.get(f"{feed.http.base_url}/v1/intake/summary", timeout=10).status_code == 401
    claimant = {"Authorization": f"Bearer {feed.token('claimant-1')}"}
    assert feed.http.get("/v1/intake/summary", headers=claimant).status_code == 403
    assert feed.http.get("/v1/intake/messages", params={"nonsense": "1"}).status_code == 422
    assert feed.get("/v1/intake/messages", record_id=str(uuid.uuid4())) == {"items": [], "next": None}
    page = feed.get("/v1/intake/messages", topic=CONTRACT, limit=2)
    assert len(page["items"]) == 2
    following = feed.get("/v1/intake/messages", topic=CONTRACT, limit=2, cursor=page["next"])["items"]
    assert {row["offset"] for row in following}.isdisjoint({row["offset"] for row in page["items"]})


def test_the_summary_balances(feed: Foreign) -> None:
    house = Household()
    sent = [feed.send(RTI, house.payment(house.entitlement)) for _ in range(20)]
    for place in sent:
        feed.row(place, "pending")
    summary = feed.get("/v1/intake/summary")["topics"]
    assert {row["topic"] for row in summary} == {CLAIMANT, CONTRACT, STATEMENT, RTI, EASEMENT, CONDITIONALITY}
    outcomes = ("applied", "superseded", "duplicate", "pending", "quarantined", "ignored")
    for row in summary:
        assert row["received"] == sum(row[outcome] for outcome in outcomes)
    consumer = Consumer({"bootstrap.servers": feed.bootstrap, "group.id": str(uuid.uuid4())})
    try:
        for row in summary:
            parts = consumer.list_topics(row["topic"], timeout=10).topics[row["topic"]].partitions
            ends = [consumer.get_watermark_offsets(TopicPartition(row["topic"], part), timeout=10)[1] for part in parts]
            assert row["received"] == sum(ends), row["topic"]
    finally:
        consumer.close()
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    later = feed.get("/v1/intake/summary", **{"from": tomorrow.isoformat()})["topics"]
    assert sum(row["received"] for row in later) == 0
