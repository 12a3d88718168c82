"""The intake rules for single messages, checked as an upstream team would: bad ones, repeated ones, and the sums."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
import uuid
from datetime import UTC, datetime, timedelta

import httpx
from confluent_kafka import Consumer, TopicPartition
from tests.support.foreign_feed import (
    CLAIMANT,
    CONDITIONALITY,
    CONTRACT,
    EASEMENT,
    NUMBERS,
    RTI,
    STATEMENT,
    WAIT_S,
    Foreign,
    Household,
    Place,
    opened,
)


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
        told = feed.published("earnings.circumstances.v1", house.claim)
        easements = told[-1][1]["claim"]["claimants"][0]["easements"] if told else []
        if easements and easements[0].get("no_contact_until"):
            break
    person = told[-1][1]["claim"]["claimants"][0]
    assert len(person["easements"]) == 1
    assert person["easements"][0]["no_contact_until"] == "2026-12-01"
    assert person["conditionality"][0]["expected_hours"] == 35


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


def log_ends(feed: Foreign, topics: list[str]) -> dict[str, int]:
    """Messages that were ever sent, by topic."""
    consumer = Consumer({"bootstrap.servers": feed.bootstrap, "group.id": str(uuid.uuid4())})
    try:
        parts = {topic: consumer.list_topics(topic, timeout=10).topics[topic].partitions for topic in topics}
        return {
            topic: sum(consumer.get_watermark_offsets(TopicPartition(topic, part), timeout=10)[1] for part in parts[topic])
            for topic in topics
        }
    finally:
        consumer.close()


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
    ends = log_ends(feed, [row["topic"] for row in summary])
    deadline = time.monotonic() + WAIT_S
    while {row["topic"]: row["received"] for row in summary} != ends and time.monotonic() < deadline:
        summary = feed.get("/v1/intake/summary")["topics"]
    assert {row["topic"]: row["received"] for row in summary} == ends
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    later = feed.get("/v1/intake/summary", **{"from": tomorrow.isoformat()})["topics"]
    assert sum(row["received"] for row in later) == 0
