"""`earnings reconcile`: every message has an answer that the topics bear out, and what has none is found."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.support.foreign_feed import CLAIMANT, CONDITIONALITY, CONTRACT, EASEMENT, RTI, STATEMENT, Foreign, Household, Place

Story = dict[str, Place]


@pytest.fixture(scope="module")
def story(feed: Foreign) -> Story:
    """One message for each outcome, on every way there is to it."""
    house, stranger, nobody = Household(), Household(), Household()
    old, now = feed.later(), feed.later()
    whole = feed.envelope(CLAIMANT, house.people[0], house.claimant(), at=now)
    expected = {"claimant_id": house.people[0], "version": 2, "from": "2026-01-01", "age_band": "nlw", "expected_hours": 35}
    pay = house.payment(house.entitlement + timedelta(days=3))
    unmatched = stranger.payment(stranger.entitlement)
    sent = {
        "claimant": feed.send(CLAIMANT, whole),
        "claimant again": feed.send(CLAIMANT, whole),
        "claimant older": feed.ucfs(CLAIMANT, house.people[0], house.claimant(), at=old),
        "statement waits": feed.ucfs(STATEMENT, f"s-{house.claim}", house.statement(house.entitlement, house.entitlement)),
        "statement alone": feed.ucfs(STATEMENT, str(uuid.uuid4()), nobody.statement(nobody.entitlement, nobody.entitlement)),
        "contract": feed.ucfs(CONTRACT, house.claim, house.contract(), at=now),
        "contract encrypted anew": feed.ucfs(CONTRACT, house.claim, house.contract(), at=now),
        "contract undated": feed.ucfs(CONTRACT, house.claim, house.contract(), at=None),
        "alone": feed.ucfs(CONTRACT, stranger.claim, stranger.contract()),
        "deleted": feed.ucfs(CONTRACT, str(uuid.uuid4()), b"", kind="MONGO_DELETE"),
        "payment": feed.send(RTI, pay),
        "payment again": feed.send(RTI, pay),
        "payment taken back": feed.send(RTI, {**pay, "paymentNoLongerValid": "2026-10-01"}),
        "payment otherwise": feed.send(RTI, {**pay, "taxablePayInPeriod": 1.0}),
        "payment unmatched": feed.send(RTI, unmatched),
        "rubbish": feed.send(RTI, b"\xff rubbish"),
        "wrong key": feed.ucfs(CLAIMANT, str(uuid.uuid4()), house.claimant(), dbObject="AAAA"),
        "expected": feed.event(CONDITIONALITY, expected),
        "expected again": feed.event(CONDITIONALITY, expected),
        "expected before": feed.event(CONDITIONALITY, {**expected, "version": 1}),
        "unknown": feed.event(EASEMENT, {}, kind="something.else"),
    }
    for place in sent.values():
        feed.row(place)
    return sent


def run(feed: Foreign, out: Path, *options: str) -> tuple[int, dict[str, Any], str]:
    done = subprocess.run(
        [sys.executable, "-m", "earnings", "reconcile", "--json", str(out), *options],
        env=feed.environment | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(out.read_text()), done.stdout


@contextmanager
def tampered(feed: Foreign, changes: list[tuple[str, Place]]) -> Iterator[None]:
    """The ledger with rows changed behind the service's back; put right again afterwards."""
    with psycopg.connect(feed.environment["EARNINGS_DATABASE_URL"], autocommit=True) as conn:
        conn.execute("CREATE TABLE kept AS TABLE ledger")
        try:
            for statement, place in changes:
                conn.execute(statement + ' WHERE (topic, part, "offset") = (%s, %s, %s)', place)
            yield
        finally:
            conn.execute("TRUNCATE ledger; INSERT INTO ledger TABLE kept; DROP TABLE kept")


@pytest.mark.parametrize("options", [(), ("--decrypt",)], ids=["sealed", "opened"])
def test_every_message_is_accounted_for(feed: Foreign, story: Story, tmp_path: Path, options: tuple[str, ...]) -> None:
    code, found, said = run(feed, tmp_path / "found.json", *options)
    assert found["unexplained"] == []
    assert code == 0
    assert "every message is accounted for" in said
    assert found["read"] == sum(sum(counts.values()) for counts in found["topics"].values())
    assert found["read"] == sum(day["messages"] for day in found["days"])
    summary = {row.pop("topic"): row for row in feed.get("/v1/intake/summary")["topics"]}
    for topic, counts in found["topics"].items():
        assert summary[topic]["received"] == sum(counts.values())
        assert {outcome: summary[topic][outcome] for outcome in counts} == counts
    outcomes = {feed.outcome(place)[0] for place in story.values()}
    assert outcomes == {"applied", "superseded", "duplicate", "pending", "quarantined", "ignored"}


def test_the_counts_of_a_claim_name_its_messages(feed: Foreign, story: Story, tmp_path: Path) -> None:
    claim = feed.row(story["contract"])["record_id"]
    found = run(feed, tmp_path / "found.json")[1]["claims"][claim]
    items = feed.get(f"/v1/claims/{claim}/ledger", limit=100)["items"]
    counts: dict[str, int] = {}
    for item in items:
        counts[item["outcome"]] = counts.get(item["outcome"], 0) + 1
    assert found == counts


def outcome(name: str, reason: str | None = None) -> str:
    return f"UPDATE ledger SET outcome = '{name}', reason = {'NULL' if reason is None else repr(reason)}"  # noqa: S608


WRONG = [
    ("alone", "DELETE FROM ledger", "no ledger row"),
    ("claimant again", outcome("applied"), "used twice"),
    ("claimant older", outcome("applied"), "used after a newer version"),
    ("statement waits", outcome("superseded"), "newest of its record, but not used"),
    ("statement alone", outcome("duplicate"), "first of its record, but not used"),
    ("contract undated", outcome("pending"), "pending, though such messages never wait"),
    ("deleted", outcome("quarantined", "bad_field:people"), "quarantined without a dead letter"),
    ("payment", outcome("duplicate"), "first report of its id, but not used"),
    ("payment unmatched", outcome("ignored"), "ignored, though it is for this service"),
    ("rubbish", outcome("ignored", "never_matched"), "cannot be used (not_json) but was not quarantined"),
    ("wrong key", "UPDATE ledger SET record_id = 'other'", "the ledger names another record"),
    ("expected again", outcome("applied"), "used twice"),
    ("expected before", outcome("applied"), "used after a newer version"),
    ("unknown", outcome("applied"), "is not for this service (unknown_type)"),
]


def test_a_missing_row_and_wrong_outcomes_are_found(feed: Foreign, story: Story, tmp_path: Path) -> None:
    with tampered(feed, [(change, story[name]) for name, change, _ in WRONG]):
        code, found, said = run(feed, tmp_path / "found.json")
    assert code == 1
    findings = {(row["topic"], row["partition"], row["offset"]): row["finding"] for row in found["unexplained"]}
    for name, _, finding in WRONG:
        assert findings.pop(story[name], None) == finding, name
    suspects = ("claimant", "expected")  # of two that were used, which one is wrong is not known
    assert findings == {story[name]: "used twice" for name in suspects}
    assert "unexplained" in said


def test_pay_that_nothing_waits_for_any_more_is_found(feed: Foreign, story: Story, tmp_path: Path) -> None:
    lost = story["payment unmatched"]
    with psycopg.connect(feed.environment["EARNINGS_DATABASE_URL"], autocommit=True) as conn:
        name = feed.row(lost)["record_id"]
        kept = conn.execute("SELECT state FROM document WHERE (kind, key) = ('payment', %s)", (name,)).fetchone()
        assert kept is not None
        conn.execute("UPDATE document SET state = NULL WHERE (kind, key) = ('payment', %s)", (name,))
        try:
            findings = run(feed, tmp_path / "found.json")[1]["unexplained"]
        finally:
            conn.execute("UPDATE document SET state = %s WHERE (kind, key) = ('payment', %s)", (*kept, name))
    assert [(row["topic"], row["partition"], row["offset"], row["finding"]) for row in findings] == [
        (*lost, "pending, but nothing is kept of it")
    ]
