"""A deleted person leaves nothing behind: no name, NINO, payroll id or free text in tables, topics, dead letters or logs."""

from __future__ import annotations

import base64
import secrets
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import psycopg
from tests.support.foreign_feed import CLAIMANT, RTI, WAIT_S, Foreign, Household, opened

from earnings.intake.identity import Pseudonyms
from streaming import dead_letters
from streaming.crypto import FieldCipher

TOPICS = ("earnings.circumstances.v1", "earnings.payment.v1", "earnings.period.v1")


def tables(conn: psycopg.Connection[Any]) -> Iterator[tuple[str, str]]:
    """(table, row) of everything the service stores; bytes as text, so that what is packed can be searched."""
    names = conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    for (name,) in names:
        for row in conn.execute(f'SELECT * FROM "{name}"').fetchall():  # noqa: S608 - the catalogue's own names
            yield name, " ".join(str(bytes(one)) if isinstance(one, bytes | memoryview) else str(one) for one in row)


def holding(conn: psycopg.Connection[Any], words: list[str]) -> dict[str, set[str]]:
    """word → tables in which it is found."""
    found: dict[str, set[str]] = {word: set() for word in words}
    for table, row in tables(conn):
        for word in words:
            if word in row:
                found[word].add(table)
    return found


def test_canaries_of_a_deleted_person_are_gone(feed: Foreign) -> None:
    house = Household()
    nino, payroll, reason = house.ninos[0] + "C", f"PAY-{secrets.token_hex(6)}", f"because {secrets.token_hex(6)}"
    name = f"Canary{secrets.token_hex(4)}"
    key = base64.b64decode(feed.environment["PSEUDONYM_KEY"])
    person = Pseudonyms(key, production=False).person(nino)
    assert person is not None
    opened(feed, house)
    feed.row(feed.ucfs(CLAIMANT, house.people[0], house.claimant(firstName=name)), "applied")
    paid = house.payment(house.entitlement + timedelta(days=3), payrollId=payroll)
    feed.row(feed.send(RTI, paid), "applied")
    conflict = feed.send(RTI, {**paid, "taxablePayInPeriod": 1.0})
    feed.row(conflict, "quarantined")
    decided = feed.http.post(
        f"/v1/claims/{house.claim}/determinations",
        json={"payment_id": paid["uniquePaymentId"], "action": "disregard", "legal_basis": "61(3)(b)", "reason": reason},
        headers={"Authorization": f"Bearer {feed.token('decision-maker-1')}", "Idempotency-Key": str(uuid.uuid4())},
    )
    assert decided.status_code == 201, decided.text
    cipher = FieldCipher(feed.environment["FIELD_KEY"])
    with psycopg.connect(feed.environment["EARNINGS_DATABASE_URL"], autocommit=True) as conn:
        before = holding(conn, [payroll, reason, person])
        assert {word: tables >= {"document"} for word, tables in before.items()} == dict.fromkeys(before, True), "they are there"
        letter = dead_letters.fetch(conn, cipher, *conflict)
        assert letter is not None
        assert nino.encode() in (letter.value or b"")
        feed.row(feed.ucfs(CLAIMANT, house.people[0], b"", kind="MONGO_DELETE"), "applied")
        assert holding(conn, [payroll, reason, name, nino]) == {payroll: set(), reason: set(), name: set(), nino: set()}
        keys = conn.execute("SELECT count(*) FROM document WHERE kind = 'person' AND key = %s AND state IS NOT NULL", (person,))
        assert keys.fetchone() == (0,)
        assert dead_letters.fetch(conn, cipher, *conflict) is None
        held = conn.execute("SELECT count(*) FROM period WHERE body::text LIKE %s", (f"%{house.people[0]}%",)).fetchone()
        assert held == (0,)
    assert feed.http.get(f"/v1/claimants/{house.people[0]}/payments").status_code == 404
    assert feed.http.get(f"/v1/claims/{house.claim}/periods").json()["items"][-1]["claimants"] == []
    _await_erased(feed, house)
    for topic in TOPICS:
        for _, body in feed.published(topic, house.claim):
            assert not [word for word in (name, nino, nino[:-1], payroll, reason) if word in str(body)]
    newest = feed.published("earnings.circumstances.v1", house.claim)[-1][1]
    assert newest["claim"]["claimants"] == [], "what the compacted topic keeps names nobody"


def _await_erased(feed: Foreign, house: Household) -> None:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        told = [body for kind, body in feed.published(TOPICS[0], house.claim) if kind == "ClaimantErased"]
        if told:
            assert told[-1]["claimant_id"] == house.people[0]
            return
    raise AssertionError("no ClaimantErased")


def test_what_was_refused_of_others_stays(feed: Foreign) -> None:
    house, other = Household(), Household()
    for one in (house, other):
        opened(feed, one)
    report = other.payment(other.entitlement)
    feed.row(feed.send(RTI, report), "applied")
    conflict = feed.send(RTI, {**report, "taxablePayInPeriod": 1.0})
    feed.row(conflict, "quarantined")
    feed.row(feed.ucfs(CLAIMANT, house.people[0], b"", kind="MONGO_DELETE"), "applied")
    with psycopg.connect(feed.environment["EARNINGS_DATABASE_URL"]) as conn:
        assert dead_letters.fetch(conn, FieldCipher(feed.environment["FIELD_KEY"]), *conflict) is not None
    answer = feed.http.get(f"/v1/claimants/{other.people[0]}/payments")
    assert (answer.status_code, answer.json()["items"][0]["conflict"]) == (httpx.codes.OK, True)
