"""From bytes to facts: which records are used, which are refused and by what name; keys, NINOs, settings, policy."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import msgspec
import pytest
from pydantic import ValidationError

from earnings import policy_file
from earnings.intake.checks import BadDocument, BadField, read_json
from earnings.intake.data_keys import DataKeys
from earnings.intake.documents import claimant, contract, person_id, statement, statement_claim
from earnings.intake.envelope import natural_id
from earnings.intake.facts import ContestFact
from earnings.intake.identity import Pseudonyms
from earnings.intake.prepare import Intake
from earnings.model import Order, Source
from earnings.rules.calendar import london_midnight
from earnings.rules.policy import Policy
from earnings.settings import Settings
from streaming.crypto import FieldCipher
from streaming.errors import Infrastructure
from streaming.records import Bad, Ignored, Item, Record

RTI = "hmrc.rti.payment-reported.v1"
KEY = base64.b64encode(b"k" * 32).decode()
CIPHER = FieldCipher(KEY)
TEST_NINOS = Pseudonyms(b"secret" * 6, production=False)
ORDER = Order(london_midnight(date(2026, 5, 1)), 0, 0)
EVENT: dict[str, Any] = {
    "schemaVersion": "rti-payment/1",
    "nationalInsuranceNumber": "QQ123456C",
    "hmrcOfficeNumber": "123",
    "employerPayeRef": "A246",
    "uniqueEmploymentSequenceNumber": 12,
    "payrollId": "0012",
    "payFrequency": "M1",
    "paymentDate": "2026-06-26",
    "taxablePayInPeriod": 1020.05,
    "taxablePayToDate": 3060,
    "employeePensionContributions": 30.5,
    "uniquePaymentId": "801",
    "hmrcReceiptTimestamp": "2026-06-26T23:14:05Z",
}


def no_keys() -> httpx.Client:
    raise AssertionError("no data key is needed here")


INTAKE = Intake(DataKeys(no_keys, lambda _: None), TEST_NINOS, CIPHER)


def prepared(topic: str, value: bytes | None, *headers: tuple[str, bytes]) -> Any:
    return INTAKE.topics()[topic]([Record(topic, 0, 7, 0, b"", value, headers)])[0]


def rti(**change: Any) -> Any:
    event = {name: value for name, value in (EVENT | change).items() if value is not ...}
    return prepared(RTI, json.dumps(event).encode())


def test_a_report_becomes_a_fact_in_pence_and_london_days() -> None:
    item = rti()
    assert isinstance(item, Item)
    report = item.body.document
    assert (report.gross, report.taxable, report.year_to_date) == (105055, 102005, 306000)
    assert (report.employer, report.job, report.paid_on) == ("123/A246", "12", date(2026, 6, 26))
    assert report.received_on == date(2026, 6, 27), "23.14 UTC in summer is the next London day"
    assert item.body.available is False
    assert rti(apiAvailableTimestamp="2026-06-26T08:40:00Z").body.available is True
    assert rti(uniqueEmploymentSequenceNumber=...).body.document.job == "0012"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("schemaVersion", "rti-payment/2"),
        ("nationalInsuranceNumber", "QQ12345"),
        ("nationalInsuranceNumber", None),
        ("hmrcOfficeNumber", "000"),
        ("employerPayeRef", "A"),
        ("employerPayeRef", "A\x00"),
        ("payrollId", " 1"),
        ("uniqueEmploymentSequenceNumber", 0),
        ("uniqueEmploymentSequenceNumber", True),
        ("payFrequency", ["M1"]),
        ("paymentDate", "2026-02-30"),
        ("paymentDate", "20260226"),
        ("paymentDate", "0001-01-01"),
        ("taxablePayInPeriod", "1020.00"),
        ("taxablePayInPeriod", 1.005),
        ("taxablePayInPeriod", 1e10),
        ("taxablePayInPeriod", None),
        ("taxablePayToDate", ...),
        ("employeePensionContributions", "x"),
        ("earningsPeriodsCovered", 0),
        ("earningsPeriodsCovered", 1.5),
        ("latePayeReportingReason", "Z"),
        ("paymentAfterLeaving", "N"),
        ("numberOfNormalHoursWorked", 3),
        ("employmentStartDate", 20260101),
        ("employmentEndDate", "soon"),
        ("paymentNoLongerValid", ""),
        ("hmrcReceiptTimestamp", "2026-06-26T08:14:05"),
        ("apiAvailableTimestamp", "yesterday"),
        ("uniquePaymentId", "0801"),
        ("uniquePaymentId", 801),
        ("uniquePaymentId", "1" * 39),
        ("employerName1", "x" * 29),
    ],
)
def test_a_bad_used_field_is_named(name: str, value: Any) -> None:
    item = rti(**{name: value})
    assert isinstance(item, Bad)
    assert item.reason == f"bad_field:{name}"
    assert item.record_id == (None if name == "uniquePaymentId" else "801")


def test_a_report_without_any_job_identity_is_refused() -> None:
    item = rti(payrollId=..., uniqueEmploymentSequenceNumber=...)
    assert item.reason == "bad_field:payrollId"


def test_what_the_platform_does_not_use_is_not_looked_at() -> None:
    assert isinstance(rti(taxYear=[1], tax="\ud800", confidence={"deep": {}}), Item)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b"{", "not_json"),
        (b'{"a": NaN}', "not_json"),
        (b'{"a": "\xff"}', "not_json"),
        (b"7", "not_an_object"),
        (b"[" * 200_000, "too_deep"),
        (b'{"a":' * 200_000, "too_deep"),
    ],
)
def test_bytes_that_are_no_object_are_refused(value: bytes | None, reason: str) -> None:
    with pytest.raises(BadDocument) as refused:
        read_json(value)
    assert refused.value.reason == reason


def test_odd_but_legal_json_is_read() -> None:
    found = read_json(b'{"a": "\\ud800", "b": 1' + b"0" * 5000 + b', "c": 1e400, "d": 17, "e": 1.50}')
    assert (found["d"], found["e"], found["c"]) == (17, Decimal("1.50"), Decimal("1e400"))


@pytest.mark.parametrize("value", [{"contractId": "x"}, "x"])
def test_an_id_is_read_in_every_encoding(value: Any) -> None:
    assert natural_id("db.core.contract", value) == "x"
    assert person_id({"citizenId": "x", "contractId": "y"}) == person_id("x") == "x"
    assert natural_id("db.core.contract", 17) == "17"


@pytest.mark.parametrize("value", [None, "", True, [], {}, {"citizenId": "x"}, 1.5, "a\x00", "\ud800", "x" * 129])
def test_an_unusable_id_is_refused(value: Any) -> None:
    with pytest.raises(BadField):
        natural_id("db.core.contract", value)


CONTRACT = {"people": ["a"], "entitlementDate": 20260430, "startDate": None, "paymentDayOfMonth": 14}


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"people": ["a", "b", "c"]}, "people"),
        ({"people": "a"}, "people"),
        ({"people": [None]}, "people"),
        ({"entitlementDate": None}, "entitlementDate"),
        ({"entitlementDate": "20260430"}, "entitlementDate"),
        ({"entitlementDate": 99999999}, "entitlementDate"),
        ({"closedDate": 20261301}, "closedDate"),
        ({"paymentDayOfMonth": 32}, "paymentDayOfMonth"),
        ({"claimSuspension": "now"}, "claimSuspension"),
        ({"claimSuspension": {"suspensionDate": "now"}}, "suspensionDate"),
    ],
)
def test_a_bad_contract_names_its_field(change: dict[str, Any], name: str) -> None:
    with pytest.raises(BadField) as refused:
        contract(CONTRACT | change)
    assert refused.value.name == name


def test_a_contract_is_a_couple_by_its_people_and_suspended_in_either_date_form() -> None:
    assert contract(CONTRACT | {"people": [{"citizenId": "a"}, "b"], "coupleContract": False}).people == ("a", "b")
    for value in (20260704, "2026-07-04T07:27:35.104+0000", {"$date": "2026-07-03T23:30:00.000000Z"}):
        assert contract(CONTRACT | {"claimSuspension": {"suspensionDate": value}}).suspended_on == date(2026, 7, 4)


def test_a_statement_is_read_and_its_claim_found() -> None:
    period = {"startDate": 20260608, "endDate": 20260707, "contractId": "c"}
    document = {"assessmentPeriod": period, "takeHomePay": "1234.50", "takeHomeBreakdown": {"selfEmployedWithMif": "1.00"}}
    found = statement(document, "s", ORDER, Source("t", 0, 0))
    assert (found.net, found.take_home, found.self_employed) == (123450, "1234.50", True)
    assert statement_claim({"people": [{"citizenId": "a", "contractId": "other"}]}) == "other"
    for end in (20260607, 20270101):
        with pytest.raises(BadField):
            statement({"assessmentPeriod": period | {"endDate": end}}, "s", ORDER, Source("t", 0, 0))


def test_names_are_sealed_and_bound_to_their_person() -> None:
    found = claimant({"firstName": "Ada", "lastName": "Example", "nino": None}, "a", ORDER, TEST_NINOS, CIPHER)
    assert b"Ada" not in found.sealed_names
    assert b"Ada" in CIPHER.decrypt(found.sealed_names, b"a")
    with pytest.raises(ValueError, match="belongs elsewhere"):
        CIPHER.decrypt(found.sealed_names, b"b")


def test_a_nino_is_known_by_its_first_eight_characters() -> None:
    keys = {TEST_NINOS.person(nino) for nino in ("QQ123456C", "qq 12 34 56 a", "QQ123456")}
    assert len(keys) == 1
    assert "123456" not in str(keys)
    assert TEST_NINOS.person("QQ123457C") not in keys
    assert Pseudonyms(b"another key", production=False).person("QQ123456C") not in keys
    real = Pseudonyms(b"secret" * 6, production=True)
    assert TEST_NINOS.person("AB123456C") is None
    assert real.person("QQ123456C") is None
    assert real.person("AB123456C") is not None


def test_cloud_events_of_another_type_are_not_ours() -> None:
    topic = "upstream.claimant.easement.v1"
    headers = [("ce_specversion", b"1.0"), ("ce_id", b"1"), ("ce_source", b"s"), ("ce_type", b"other")]
    assert isinstance(prepared(topic, b"{}", *headers), Ignored)
    headers[-1] = ("ce_type", topic.encode())
    bad = prepared(
        topic, b'{"claimant_id": "a", "version": 99999999999999999999, "from": "2026-01-01", "voluntary_only": true}', *headers
    )
    assert isinstance(bad, Bad)
    assert bad.reason in ("bad_field:version", "not_json")
    assert prepared(topic, b"{}", *headers[:-1]).reason == "envelope_missing:ce_type"


@pytest.mark.parametrize(("kind", "opened"), [("EarningsContested", True), ("EarningsContestClosed", False)])
def test_a_contest_is_handled_once_by_its_event_id(kind: str, opened: bool) -> None:
    body = {"claim_id": "k", "claimant_id": "c", "case_id": None, "period_id": "p", "why_code": "wrong_amount"}
    headers = [("ce_specversion", b"1.0"), ("ce_id", b"7"), ("ce_source", b"referrals"), ("ce_type", kind.encode())]
    item = prepared("progression.case.v1", msgspec.json.encode(body), *headers)
    assert isinstance(item, Item)
    assert (item.dedupe, item.roots, item.body) == ("7", (("claim", "k"),), ContestFact("c", "k", "p", opened))
    headers[-1] = ("ce_type", b"CaseOpened")
    assert isinstance(prepared("progression.case.v1", b"{}", *headers), Ignored)


class KeyService:
    """Answers as told, one status after another; the last one for ever. Counts and notes waits."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.calls: list[tuple[str, str]] = []
        self.waits: list[float] = []
        self.lock = threading.Lock()

    def keys(self) -> DataKeys:
        client = httpx.Client(base_url="http://keys", transport=httpx.MockTransport(self.answer))
        return DataKeys(lambda: client, self.waits.append)

    def answer(self, request: httpx.Request) -> httpx.Response:
        with self.lock:
            self.calls.append((request.url.params["keyId"], request.content.decode()))
            status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status == 0:
            raise httpx.ConnectTimeout("away", request=request)
        body = {"dataKeyEncryptionKeyId": "cloudhsm:1,2", "plaintextDataKey": base64.b64encode(b"p" * 16).decode()}
        return httpx.Response(status, json=body)


def test_a_key_is_asked_for_once_and_kept() -> None:
    service = KeyService(200)
    keys = service.keys()
    names = [("cloudhsm:1,2", "a"), ("cloudhsm:1,2", "b"), ("cloudhsm:1,2", "a")]
    assert keys.fetch(names) == dict.fromkeys(names, b"p" * 16)
    assert keys.fetch(names[:1]) == {names[0]: b"p" * 16}
    assert sorted(service.calls) == [("cloudhsm:1,2", "a"), ("cloudhsm:1,2", "b")]


def test_a_garbled_key_is_refused_without_another_try() -> None:
    service = KeyService(400)
    keys = service.keys()
    assert keys.fetch([("k", "a"), ("k", "a")]) == {("k", "a"): None}
    assert (len(service.calls), service.waits) == (1, [])


def test_a_refusal_is_not_kept() -> None:
    service = KeyService(400, 200)
    keys = service.keys()
    assert keys.fetch([("k", "a")]) == {("k", "a"): None}
    assert keys.fetch([("k", "a")]) == {("k", "a"): b"p" * 16}


@pytest.mark.parametrize("status", [0, 403, 500, 503])
def test_a_service_that_is_away_is_tried_five_times_and_then_waited_for(status: int) -> None:
    service = KeyService(status)
    with pytest.raises(Infrastructure):
        service.keys().fetch([("k", "a")])
    assert (len(service.calls), service.waits) == (5, [1.0, 2.0, 4.0, 8.0])


def test_a_service_that_comes_back_is_used() -> None:
    service = KeyService(503, 0, 200)
    assert service.keys().fetch([("k", "a")]) == {("k", "a"): b"p" * 16}
    assert service.waits == [1.0, 2.0]


@pytest.fixture
def production() -> Callable[..., Settings]:
    def make(**change: str) -> Settings:
        values = {
            "environment": "production", "platform_clock": "wall", "kafka_bootstrap_servers": "b:9092", "field_key": KEY,
            "pseudonym_key": KEY, "oidc_issuer": "https://issuer", "earnings_database_url": "postgresql://x",
            "data_key_service_url": "https://keys",
        }  # fmt: skip
        return Settings.model_validate(values | change)

    return make


def test_production_refuses_development_settings(production: Callable[..., Settings]) -> None:
    assert production().production
    dev = base64.b64encode(b"dev pseudonym key".ljust(32, b".")).decode()
    for change in ({"pseudonym_key": dev}, {"pseudonym_key": "c2hvcnQ="}, {"data_key_service_url": "http://keys"}):
        with pytest.raises(ValidationError) as refused:
            production(**change)
        assert dev not in str(refused.value)


def test_the_policy_file_has_the_values_that_the_rules_assume() -> None:
    loaded = policy_file.load(date(2026, 4, 1))
    assert replace(loaded, surplus=()) == Policy()
    assert loaded.surplus_on(date(2018, 4, 10)) is None
    for day in (date(2018, 4, 11), date(2021, 11, 23), date(2021, 11, 24), date(2025, 3, 31), date(2026, 4, 1), date(2026, 6, 8)):
        assert loaded.surplus_on(day) == policy_file.load_surplus(day)
    assert policy_file.load(date(2026, 4, 1), "received_date").attribution_basis == "received_date"
    with pytest.raises(LookupError):
        policy_file.load(date(2012, 1, 1))
