"""The feed says what is so, in upstream's formats."""

from __future__ import annotations

import itertools
import json
from base64 import b64decode
from collections import defaultdict
from datetime import date, datetime, timedelta
from importlib import resources
from random import Random
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import topics
from world import World, generate
from world.feed import Feed
from world.messages import Message
from world.pay import pension_pence
from world.sealing import DataKey, crypt, seal

DEFAULT = generate(seed=1)
WORLD = generate(seed=11, claimants=120, months=6)


class _OneKey:
    """A key at hand; the service's own HTTP API is tested where a broker is at hand too."""

    def current(self) -> DataKey:
        return DataKey("cloudhsm:7,14", bytes(range(32)), "d3JhcHBlZA==")


def _schema(name: str) -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator(json.loads(resources.files("world").joinpath(f"data/{name}").read_text("utf-8")))


def _messages(world: World) -> list[Message]:
    feed = Feed(world)
    return [message for day in feed.days() for message in feed.day(day)]


DEFAULT_MESSAGES = _messages(DEFAULT)


def _payments(messages: list[Message]) -> list[dict[str, Any]]:
    usable = {"", "7999999999", "7000000001", "7000000002", "7000000003"}
    return [json.loads(m.value) for m in messages if m.topic == topics.RTI_PAYMENT and m.record_id not in usable]


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert _messages(generate(seed=5, claimants=40, months=6)) == _messages(generate(seed=5, claimants=40, months=6))
    assert _messages(generate(seed=5, claimants=40, months=6)) != _messages(generate(seed=6, claimants=40, months=6))


def test_every_payment_follows_the_schema() -> None:
    validator = _schema("payment.schema.json")
    payments = _payments(_messages(WORLD))
    assert len(payments) > 300
    for payment in payments:
        validator.validate(payment)


def test_the_one_payment_with_a_bad_amount_does_not_follow_the_schema() -> None:
    (bad,) = [m for m in _messages(WORLD) if m.record_id == "7999999999"]
    assert not _schema("payment.schema.json").is_valid(json.loads(bad.value))


def test_every_sealed_envelope_follows_the_schema_and_decrypts_back() -> None:
    validator = _schema("message.schema.json")
    keys = _OneKey()
    sealed = [m for m in _messages(WORLD) if m.body is not None]
    assert {m.topic for m in sealed} == {topics.UCFS_CLAIMANT, topics.UCFS_CONTRACT, topics.UCFS_STATEMENT}
    vectors = set()
    for message in sealed:
        envelope = json.loads(seal(message, keys))  # type: ignore[arg-type]
        validator.validate(envelope)
        encryption = envelope["message"]["encryption"]
        vector = b64decode(encryption["initialisationVector"])
        vectors.add(vector)
        assert crypt(bytes(range(32)), vector, b64decode(envelope["message"]["dbObject"])) == message.body
    assert len(vectors) == len(sealed)


def test_every_upstream_event_decodes_as_its_contract_says() -> None:
    seen = set()
    for message in _messages(WORLD):
        for name, struct in topics.TOPICS[message.topic].events.items():
            headers = dict(message.headers)
            assert headers["ce_type"].decode() == name
            event = msgspec.json.decode(message.value, type=struct)
            assert event.claimant_id == message.record_id  # type: ignore[attr-defined]
            assert WORLD.claim_of[message.record_id].claim_id.encode() == message.key
            seen.add(name)
    assert seen == {topics.CONTACT_PREFERENCES, topics.CLAIMANT_EASEMENT, topics.CLAIMANT_CONDITIONALITY}


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), claimants=st.integers(1, 60))
def test_what_is_reported_in_the_end_equals_what_was_really_paid(seed: int, claimants: int) -> None:
    world = generate(seed, claimants, 6)
    reported: dict[tuple[str, str, str], int] = {}
    ids: dict[str, tuple[str, str, str]] = {}
    for payment in _payments(_messages(world)):
        payment_id = payment["uniquePaymentId"]
        employer = f"{payment['hmrcOfficeNumber']}/{payment['employerPayeRef']}"
        nino = payment["nationalInsuranceNumber"][:8]
        key = (nino, f"{employer}#{payment['payrollId']}", payment["paymentDate"])
        if payment_id in ids and "paymentNoLongerValid" not in payment:
            continue
        ids[payment_id] = key
        gross = round(payment["taxablePayInPeriod"] * 100) + round(payment["employeePensionContributions"] * 100)
        reported[key] = 0 if "paymentNoLongerValid" in payment else gross
    true: dict[tuple[str, str, str], int] = {}
    for report in world.reports:
        slip = world.slips[report.slip_id]
        job = world.jobs[slip.job_id]
        nino = world.persons[slip.person_id].nino[:8]
        true[nino, f"{job.employer}#{job.payroll_id}", slip.payday.isoformat()] = slip.gross_pence
    assert reported == true


def test_year_to_date_is_the_sum_of_the_tax_year_where_nothing_was_misreported() -> None:
    corrected = {WORLD.slips[r.slip_id].job_id for r in WORLD.reports if r.kind in ("correction", "conflict")}
    slips = defaultdict(list)
    for report in WORLD.reports:
        if report.kind == "original" and WORLD.slips[report.slip_id].job_id not in corrected:
            slips[WORLD.slips[report.slip_id].job_id].append(report)
    april = date(2026, 4, 6)
    checked = 0
    for job_id, reports in slips.items():
        job = WORLD.jobs[job_id]
        rows = sorted((WORLD.slips[r.slip_id].payday, r) for r in reports if WORLD.slips[r.slip_id].payday >= april)
        for (_, earlier), (_, later) in itertools.pairwise(rows):
            taxable = later.gross_pence - pension_pence(later.gross_pence, job.pension_percent)
            assert later.ytd_pence - earlier.ytd_pence == taxable
            checked += 1
    assert checked > 100


def test_order_times_rise_except_where_a_message_is_delivered_again() -> None:
    newest: dict[tuple[str, str], datetime] = {}
    again = 0
    delivered: set[tuple[str, str, bytes]] = set()
    for message in _messages(WORLD):
        if message.body is None:
            continue
        key = (message.topic, message.record_id)
        if (*key, message.body) in delivered:
            again += 1
        else:
            assert message.at > newest.get(key, datetime.min.replace(tzinfo=message.at.tzinfo))
            newest[key] = message.at
        delivered.add((*key, message.body))
    assert again > 0


def test_every_message_is_of_its_day_or_delivered_again_soon_after() -> None:
    for message in _messages(WORLD):
        assert timedelta(0) <= message.day - message.at.date() <= timedelta(days=60)
        assert message.topic in topics.TOPICS


def test_a_statement_comes_a_few_days_after_every_closed_period() -> None:
    firsts: dict[str, Message] = {}
    for message in _messages(WORLD):
        if message.topic == topics.UCFS_STATEMENT and message.record_id != "broken-statement":
            firsts.setdefault(message.record_id, message)
    assert len(firsts) > 400
    for message in firsts.values():
        assert message.body is not None
        end = json.loads(message.body)["assessmentPeriod"]["endDate"]
        last_day = date(end // 10000, end // 100 % 100, end % 100)
        assert timedelta(days=3) <= message.day - last_day <= timedelta(days=5)


def test_all_people_are_synthetic() -> None:
    assert all(person.nino.startswith("QQ") for person in WORLD.persons.values())
    assert len({person.nino for person in WORLD.persons.values()}) == len(WORLD.persons)
    for person in WORLD.persons.values():
        for contact in person.contact:
            assert contact.email is None or contact.email.endswith("@example.com")
            assert contact.phone is None or contact.phone.startswith("07700900")


def test_nobody_is_named_in_a_key_or_a_header() -> None:
    ninos = {person.nino[:8].encode() for person in WORLD.persons.values()}
    for message in _messages(WORLD):
        open_text = b" ".join([message.key, *(value for _, value in message.headers)])
        assert not any(nino in open_text for nino in ninos)


def test_a_shuffled_day_holds_the_same_messages() -> None:
    feed = Feed(WORLD)
    busiest = max(feed.days(), key=lambda day: len(feed.day(day)))
    ordered, mixed = feed.day(busiest), feed.day(busiest, shuffle=Random(1))
    assert ordered != mixed
    assert sorted(map(repr, ordered)) == sorted(map(repr, mixed))


@pytest.mark.parametrize("kind", ["duplicate", "conflict", "invalidation"])
def test_a_submission_delivered_again_changes_only_what_it_must(kind: str) -> None:
    found = [r for r in DEFAULT.reports if r.kind == kind]
    assert found
    by_id: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for payment in _payments(DEFAULT_MESSAGES):
        by_id[payment["uniquePaymentId"]].append(payment)
    for report in found:
        first, *rest = by_id[report.unique_id]
        differing = [{name for name in {*first, *other} if first.get(name) != other.get(name)} for other in rest]
        expected = {
            "duplicate": set(),
            "invalidation": {"paymentNoLongerValid"},
            "conflict": {"taxablePayInPeriod", "employeePensionContributions", "taxDeductedOrRefunded"},
        }[kind]
        assert any(names <= expected and (names or kind == "duplicate") for names in differing)
