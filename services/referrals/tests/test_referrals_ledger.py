"""Decisions at rest: recomputed from their records, chained, and found out when somebody changes them. And the plain routes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from referrals_rig import Rig
from test_referrals_stories import shown

from contracts import topics
from contracts.earnings import ClaimErased
from referrals.replaying import check_all
from streaming.crypto import FieldCipher


@pytest.fixture
def told(rig: Rig) -> Iterator[tuple[str, dict[str, Any]]]:
    """A case on the worklist, with the decisions that led to it."""
    return shown(rig)


def replay_all(rig: Rig) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "referrals", "replay", "--all"],
        env={**rig.platform.supervisor.environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def unsound(rig: Rig) -> dict[tuple[str, int], str | None]:
    """(claim, place) → verdict of whatever does not hold."""
    cipher = FieldCipher(rig.platform.supervisor.environment["FIELD_KEY"])
    with psycopg.connect(rig.platform.databases["referrals"], autocommit=True) as conn:
        return {(row.claim_id, row.seq): row.verdict for row in check_all(conn, cipher) if not row.sound}


def _execute(conn: psycopg.Connection[Any], text: str, claim_id: str) -> None:
    assert conn.execute(text, {"claim": claim_id}).rowcount >= 1  # type: ignore[arg-type]


@contextmanager
def tampering(rig: Rig, claim_id: str) -> Iterator[Callable[[str], None]]:
    """Change the ledger behind the service's back, as the owner of the tables can, and put everything back afterwards."""
    tables = ("decision", "decision_head")
    with psycopg.connect(rig.platform.databases["referrals"], autocommit=True) as conn:
        for table in tables:
            conn.execute(f"CREATE TEMP TABLE kept_{table} AS SELECT * FROM {table} WHERE claim_id = %s", (claim_id,))  # type: ignore[arg-type]  # noqa: S608
            conn.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")  # type: ignore[arg-type]
        try:
            yield lambda text: _execute(conn, text, claim_id)
        finally:
            for table in tables:
                conn.execute(f"DELETE FROM {table} WHERE claim_id = %s", (claim_id,))  # type: ignore[arg-type]  # noqa: S608
                conn.execute(f"INSERT INTO {table} SELECT * FROM kept_{table}")  # type: ignore[arg-type]  # noqa: S608
                conn.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("UPDATE decision SET record = set_byte(record, 40, get_byte(record, 40) # 1) WHERE claim_id = %(claim)s AND seq = 2",
         "different"),
        ("UPDATE decision SET as_of = as_of + 1 WHERE claim_id = %(claim)s AND seq = 2", "different"),
        ("UPDATE decision SET seq = CASE seq WHEN 1 THEN -2 ELSE -1 END WHERE claim_id = %(claim)s AND seq IN (1, 2);"
         "UPDATE decision SET seq = -seq WHERE claim_id = %(claim)s AND seq < 0", "identical"),
        ("DELETE FROM decision WHERE claim_id = %(claim)s AND seq = 2", None),
        ("DELETE FROM decision WHERE claim_id = %(claim)s AND seq = (SELECT max(seq) FROM decision WHERE claim_id = %(claim)s)",
         None),
        ("DELETE FROM decision WHERE claim_id = %(claim)s", None),
        ("DELETE FROM decision_head WHERE claim_id = %(claim)s", None),
    ],
    ids=["the record", "a column", "the order", "a row removed", "the last row removed", "all rows removed", "the head removed"],
)  # fmt: skip
def test_replay_recomputes_every_decision_and_finds_what_was_tampered_with(
    rig: Rig, told: tuple[str, dict[str, Any]], text: str, found: str | None
) -> None:
    name, _ = told
    assert unsound(rig) == {}
    with tampering(rig, name) as change:
        for statement in text.split(";"):
            change(statement)
        broken = unsound(rig)
    assert {claim_id for claim_id, _ in broken} == {name}
    assert found in broken.values()
    assert unsound(rig) == {}


def test_the_command_replays_everything_and_fails_when_a_row_was_changed(rig: Rig, told: tuple[str, dict[str, Any]]) -> None:
    name, _ = told
    done = replay_all(rig)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "different=0 broken_chain=0" in done.stdout
    with tampering(rig, name) as change:
        change("DELETE FROM decision WHERE claim_id = %(claim)s AND seq = 2")
        broken = replay_all(rig)
    assert broken.returncode == 1
    assert f"claim {name} decision 2: missing" in broken.stderr


@pytest.mark.parametrize(
    "text",
    [
        "UPDATE decision SET step = step",
        "DELETE FROM decision",
        "TRUNCATE decision",
        "UPDATE rule_set SET book = book",
        "DELETE FROM rule_set",
        "DELETE FROM decision_head",
        "UPDATE decision_head SET seq = seq - 1",
    ],
)
def test_the_database_refuses_to_change_or_remove_a_decision(rig: Rig, told: tuple[str, dict[str, Any]], text: str) -> None:
    with (
        psycopg.connect(rig.platform.databases["referrals"], autocommit=True) as conn,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        conn.execute(text)  # type: ignore[arg-type]


def test_after_an_erasure_nothing_can_be_read_and_the_chain_stays_whole(rig: Rig) -> None:
    name, _ = shown(rig)
    rows = rig.sql("SELECT count(*) FROM decision WHERE claim_id = %s", name)
    rig.publish(topics.EARNINGS_CIRCUMSTANCES, name, ClaimErased(claim_id=name))
    rig.drain()
    assert rig.sql("SELECT count(*) FROM decision_key WHERE claim_id = %s", name) == [(0,)]
    assert rig.sql("SELECT count(*) FROM decision WHERE claim_id = %s", name) == rows
    done = replay_all(rig)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "erased=0" not in done.stdout


def test_the_stored_record_cannot_be_read_without_the_key(rig: Rig, told: tuple[str, dict[str, Any]]) -> None:
    name, _ = told
    for (record,) in rig.sql("SELECT record FROM decision WHERE claim_id = %s", name):
        assert f"{name}-p".encode() not in bytes(record)


def test_counts_go_with_the_list_and_unknown_filters_are_refused(rig: Rig, told: tuple[str, dict[str, Any]]) -> None:
    name, item = told
    counts = rig.call(f"{name}-coach", "GET", "/v1/worklist/counts").json()
    assert (counts["total"], counts["unread"], counts["by_rule"]) == (1, 1, {"fell-below-aet": 1})
    for query, found in (
        ("?state=shown&rule=fell-below-aet&waiting_on=us&unassigned=false", 1),
        (f"?office={name}-office&coach={name}-coach&due=2099-01-01", 1),
        ("?office=elsewhere", 0),
        ("?state=contacted", 0),
        ("?unassigned=true", 0),
    ):
        assert len(rig.call(f"{name}-coach", "GET", f"/v1/worklist{query}").json()["items"]) == found, query
    assert rig.call(f"{name}-coach", "GET", "/v1/worklist?colour=red").status_code == 422
    assert rig.call(f"{name}-coach", "GET", "/v1/worklist?state=green").status_code == 422
    assert {"code", "text"} <= item["why_this_order"][0].keys()


def test_a_case_is_given_to_a_trained_coach_only_and_upstream_does_not_take_it_back(
    rig: Rig, told: tuple[str, dict[str, Any]]
) -> None:
    name, item = told
    path = f"/v1/cases/{item['case_id']}/assign"
    facts = {"offices": [f"{name}-office"], "trained_in_work": False, "minutes_per_day": 370}
    assert rig.call("operator", "PUT", f"/v1/coaches/{name}-other", facts).status_code == 201
    refused = rig.call(f"{name}-coach", "POST", path, {"coach_id": f"{name}-other", "reason": "manual"}, If_Match=item["etag"])
    assert (refused.status_code, refused.json()["code"]) == (409, "coach-not-available")
    assert "assign" in refused.json()["allowed"]
    assert rig.call("operator", "PUT", f"/v1/coaches/{name}-other", {**facts, "trained_in_work": True}).status_code == 428
    tag = rig.call("operator", "GET", f"/v1/coaches/{name}-other").headers["ETag"]
    changed = rig.call("operator", "PUT", f"/v1/coaches/{name}-other", {**facts, "trained_in_work": True}, If_Match=tag)
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    done = rig.call(f"{name}-coach", "POST", path, {"coach_id": f"{name}-other", "reason": "manual"}, If_Match=item["etag"])
    assert done.json()["coach_id"] == f"{name}-other"
    history = rig.call(f"{name}-coach", "GET", f"/v1/cases/{item['case_id']}/history?limit=1").json()
    assert history["items"][0]["event"] == "CaseReassigned"
    assert history["next"] is not None


def test_the_claimant_reads_their_own_decisions_and_nobody_elses(rig: Rig, told: tuple[str, dict[str, Any]]) -> None:
    name, _ = told
    own = rig.person(f"{name}-own", "claimant", claimant_id=f"{name}-p")
    other = rig.person(f"{name}-else", "claimant", claimant_id="somebody")
    assert len(rig.call(own, "GET", f"/v1/claimants/{name}-p/decisions?limit=2").json()["items"]) == 2
    assert rig.call(other, "GET", f"/v1/claimants/{name}-p/decisions").status_code == 404
    assert rig.call(own, "GET", "/v1/worklist").status_code == 403


def test_an_office_is_put_once_and_then_only_with_its_version(rig: Rig) -> None:
    office = rig.name()
    body = {
        "name": "Leeds",
        "nation": "england",
        "district": "North",
        "opening": [{"days": ["mon"], "from": "09:00", "to": "17:00"}],
        "rooms": {"desk": 4, "private": 1},
        "nearby": [],
    }
    made = rig.call("team-leader-1", "PUT", f"/v1/offices/{office}", body)
    assert (made.status_code, made.json()["version"]) == (201, 1)
    assert rig.call("team-leader-1", "PUT", f"/v1/offices/{office}", body).status_code == 428
    assert rig.call("coach-1", "PUT", f"/v1/offices/{office}", body).status_code == 403
    read = rig.call("coach-1", "GET", f"/v1/offices/{office}")
    assert read.json()["opening"] == body["opening"]
    assert read.headers["ETag"] == made.headers["ETag"]
