"""Messages that cannot be used stop nobody: each is found again byte for byte, and used after a mend."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from confluent_kafka import KafkaError, Producer
from tests.support.foreign_feed import CLAIMANT, RTI, Foreign, Household, Place

LARGEST = 4 << 20
ROOM = 1024
"""For what the broker adds to a record."""


def command(feed: Foreign, *argv: object) -> tuple[int, bytes]:
    done = subprocess.run(
        [sys.executable, "-m", "earnings", "dlq", *map(str, argv)], env=feed.environment, capture_output=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, done.stdout


def person(feed: Foreign, **how: Any) -> bytes:
    house = Household()
    how.setdefault("at", feed.later())
    return json.dumps(feed.envelope(CLAIMANT, house.people[0], house.claimant(), **how)).encode()


def unusable(feed: Foreign) -> dict[str, tuple[str, bytes, str]]:
    """What is wrong → (topic, value, reason in the ledger)."""
    house = Household()
    pay = house.payment(house.entitlement)
    good = json.dumps(pay).encode()
    large = json.dumps({**pay, "paymentDate": "soon", "note": "x" * (LARGEST - ROOM - len(good))}).encode()
    assert 0 < LARGEST - len(large) < 2 * ROOM
    other_key = feed.encrypted(b"{}")["encryption"]
    return {
        "malformed": (RTI, b'{"schemaVersion": }', "not_json"),
        "truncated": (RTI, good[: len(good) // 2], "not_json"),
        "as large as may be, and bad": (RTI, large, "bad_field:paymentDate"),
        "wrongly encrypted": (CLAIMANT, person(feed, encryption=other_key), "not_decryptable"),
        "a key that nobody made": (CLAIMANT, person(feed, encryption={**other_key, "encryptedEncryptionKey": "eA=="}),
                                   "data_key_refused"),
        "an unknown change": (CLAIMANT, person(feed, kind="MONGO_RENAME"), "unknown_type"),
        "empty": (CLAIMANT, b"", "empty"),
    }  # fmt: skip


def test_each_is_kept_byte_for_byte_and_no_neighbour_waits(feed: Foreign) -> None:
    cases = unusable(feed)
    neighbours = [feed.send(CLAIMANT, person(feed))]
    places: dict[str, Place] = {}
    for name, (topic, value, _) in cases.items():
        places[name] = feed.send(topic, value)
        neighbours.append(feed.send(CLAIMANT, person(feed)))
    assert [feed.outcome(place) for place in neighbours] == [("applied", None)] * len(neighbours)
    for name, (_, _, reason) in cases.items():
        assert feed.outcome(places[name]) == ("quarantined", reason), name

    def again(name: str) -> tuple[bytes, tuple[int, bytes]]:
        return command(feed, "show", *places[name])[1], command(feed, "replay", *places[name])

    with ThreadPoolExecutor(2) as threads:
        found = dict(zip(cases, threads.map(again, cases), strict=True))
    for name, (_, value, reason) in cases.items():
        shown, replayed = found[name]
        assert shown == value, name
        assert replayed == (1, f"quarantined: {reason}\n".encode()), "nothing was mended"
        assert feed.outcome(places[name]) == ("quarantined", reason), name


def test_what_the_broker_does_not_take_stops_nobody_either(feed: Foreign) -> None:
    errors: list[int] = []
    producer = Producer({"bootstrap.servers": feed.bootstrap, "message.max.bytes": 2 * LARGEST})
    producer.produce(CLAIMANT, b"x" * (LARGEST + ROOM), on_delivery=lambda error, _: errors.append(error.code()))
    assert producer.flush(20) == 0
    assert errors == [KafkaError.MSG_SIZE_TOO_LARGE]
    assert feed.outcome(feed.send(CLAIMANT, person(feed))) == ("applied", None)


@contextmanager
def refusing(feed: Foreign) -> Iterator[None]:
    """The data key service answers 400 to everything."""
    faults = f"{feed.environment['DATA_KEY_SERVICE_URL']}/sandbox/faults"
    assert httpx.put(faults, json={"mode": "bad_request"}, timeout=10).status_code == 200
    try:
        yield
    finally:
        httpx.delete(faults, timeout=10)


def test_a_message_whose_cause_was_mended_is_used_from_where_it_is_kept(feed: Foreign, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = httpx.get(
        f"{feed.environment['DATA_KEY_SERVICE_URL']}/datakey", params={"correlationId": str(uuid.uuid4())}, timeout=10
    )
    monkeypatch.setattr(feed, "data_key", fresh.json())
    house = Household()
    with refusing(feed):
        place = feed.ucfs(CLAIMANT, house.people[0], house.claimant())
        assert feed.outcome(place) == ("quarantined", "data_key_refused")
        assert command(feed, "replay", "--dry-run", *place) == (1, b"would be quarantined: data_key_refused\n")
    assert command(feed, "replay", "--dry-run", *place) == (0, b"would be used\n")
    assert feed.outcome(place) == ("quarantined", "data_key_refused"), "a dry run changes nothing"
    assert command(feed, "replay", *place) == (0, b"used\n")
    assert feed.row(place, "applied")["record_id"] == house.people[0]
    assert str(place[2]).encode() not in [
        line.split(b"\t")[2] for line in command(feed, "list", "--topic", CLAIMANT)[1].splitlines()
    ]
