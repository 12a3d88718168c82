"""Decisions at rest: recomputed from their records, chained, and found out when somebody changes them. And the plain routes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from referrals_rig import Rig
from test_referrals_stories import shown


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


def change(rig: Rig, claim_id: str, text: str) -> None:
    with psycopg.connect(rig.platform.databases["referrals"], autocommit=True) as conn:
        assert conn.execute(f"UPDATE decision SET {text} WHERE claim_id = %s AND seq = 2", (claim_id,)).rowcount == 1  # type: ignore[arg-type]  # noqa: S608


@pytest.mark.parametrize(
    ("there", "back"),
    [
        ("record = set_byte(record, 40, get_byte(record, 40) # 1)", "record = set_byte(record, 40, get_byte(record, 40) # 1)"),
        ("as_of = as_of + 1", "as_of = as_of - 1"),
    ],
    ids=["the record", "a column"],
)
def test_replay_recomputes_every_decision_and_finds_one_that_was_changed(
    rig: Rig, told: tuple[str, dict[str, Any]], there: str, back: str
) -> None:
    name, _ = told
    done = replay_all(rig)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "different=0 broken_chain=0" in done.stdout
    change(rig, name, there)
    try:
        found = replay_all(rig)
        assert found.returncode == 1
        assert "broken_chain=0" not in found.stdout
    finally:
        change(rig, name, back)


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
