"""A what-if over the running service's own database: by HTTP and by the command; nothing else changes."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from referrals_rig import Rig, eventually
from test_referrals_stories import shown

POLICY = {"aet": {"hours": {"values": [{"from": "2022-09-26", "value": {"single": 8, "couple": 20}, "source": "a test",
                                          "status": "assumed"}]}}}  # fmt: skip
"""A threshold of 440 pounds: nobody of these tests falls below it."""


def asked(rig: Rig, who: str, **changes: Any) -> Any:
    body = {"policy": POLICY, "from": "2026-01-01", "to": rig.now.date().isoformat(), "offices": None, **changes}
    return rig.call(who, "POST", "/v1/what-if", body)


def answer(rig: Rig, who: str, location: str) -> dict[str, Any]:
    def ready() -> dict[str, Any] | None:
        body: dict[str, Any] = rig.call(who, "GET", location).json()
        return body if body["state"] == "done" else None

    return eventually(ready, "the what-if is answered", within=90)


@pytest.fixture(scope="module")
def told(rig: Rig) -> tuple[str, str]:
    """(claim with a fall on the worklist, a team leader of its office)"""
    name, _ = shown(rig)
    return name, rig.person(f"{name}-leader", "team-leader", office_ids=(f"{name}-office",))


def everything_else(rig: Rig) -> list[tuple[Any, ...]]:
    """What a what-if must leave alone."""
    tables = ("document", "decision", "outbox", "due", "worklist")
    return [
        rig.sql(f"SELECT count(*), coalesce(md5(string_agg(t::text, '' ORDER BY t::text)), '') FROM {table} t")[0]  # noqa: S608
        for table in tables
    ]


def test_a_team_leader_asks_and_sees_who_when_how_many_and_the_hours(rig: Rig, told: tuple[str, str]) -> None:
    name, leader = told
    before = everything_else(rig)
    made = asked(rig, leader)
    assert made.status_code == 202
    location = made.headers["Location"]
    assert location == f"/v1/what-if/{made.json()['what_if_id']}"
    body = answer(rig, leader, location)
    assert everything_else(rig) == before
    report = body["report"]
    assert body["progress"]["done"] == body["progress"]["of"] >= 1
    fall = report["rules"]["fell-below-aet"]
    assert (fall["actual"]["flags"], fall["what_if"]["flags"], fall["added"], fall["removed"]) == (1, 0, 0, 1)
    assert fall["actual"]["coach_hours"] == 0.7
    [place] = [p for p in report["weeks"] if "fell-below-aet" in p["rules"]]
    assert (place["office_id"], place["rules"]["fell-below-aet"]) == (f"{name}-office", [1, 0])
    rows = rig.call(leader, "GET", f"{location}/flags?change=removed").json()["items"]
    assert [(row["claimant_id"], row["rule_id"], row["change"]) for row in rows] == [(f"{name}-p", "fell-below-aet", "removed")]
    drawn = rig.call(leader, "GET", f"{location}/plot.svg")
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    assert "fell-below-aet" in drawn.text


def test_an_analyst_sees_every_office_and_nobodys_id(rig: Rig, told: tuple[str, str]) -> None:
    name, leader = told
    made = asked(rig, "analyst-1")
    location = made.headers["Location"]
    body = answer(rig, "analyst-1", location)
    assert body["report"]["claims"] >= 1
    rows = rig.call("analyst-1", "GET", f"{location}/flags?limit=200")
    assert rows.json()["items"]
    assert f"{name}-p" not in rows.text
    assert f'"{name}"' not in rows.text
    assert rig.call(leader, "GET", location).status_code == 404


def test_what_cannot_be_asked_is_refused(rig: Rig, told: tuple[str, str]) -> None:
    name, leader = told
    assert asked(rig, leader, offices=["elsewhere"]).json()["code"] == "office-not-yours"
    assert asked(rig, leader, policy={"aet": {"hours": "often"}}).json()["code"] == "policy-invalid"
    misspelt = asked(rig, leader, policy={"aet": {"hors": POLICY["aet"]["hours"]}})
    assert (misspelt.status_code, misspelt.json()["code"]) == (422, "policy-invalid")
    assert "aet.hors: there is no such key" in misspelt.text
    assert asked(rig, leader, **{"from": (rig.now + timedelta(days=400)).date().isoformat()}).json()["code"] == "window-invalid"
    for far in (rig.now.date() + timedelta(days=367), date.max):
        late = asked(rig, leader, to=far.isoformat())
        assert (late.status_code, late.json()["code"]) == (422, "window-invalid")
    assert asked(rig, f"{name}-coach").status_code == 403
    assert rig.call(leader, "GET", "/v1/what-if/unknown").status_code == 404


def test_the_same_request_twice_is_one_question(rig: Rig, told: tuple[str, str]) -> None:
    _, leader = told
    body = {"policy": POLICY, "from": "2026-01-01", "to": "2026-02-01"}
    first, again = (rig.call(leader, "POST", "/v1/what-if", body, Idempotency_Key=f"twice-{leader}") for _ in range(2))
    assert first.headers["Location"] == again.headers["Location"]
    answer(rig, leader, first.headers["Location"])


def test_the_command_writes_report_plot_and_people_and_shows_how_far_it_is(
    rig: Rig, told: tuple[str, str], tmp_path: Path
) -> None:
    name, _ = told
    policy = tmp_path / "aet.yaml"
    policy.write_text(json.dumps(POLICY["aet"]))
    command = [sys.executable, "-m", "referrals", "what-if", "--policy", str(policy), "--out", str(tmp_path / "out")]
    span = ["--from", "2026-01-01", "--to", rig.now.date().isoformat(), "--office", f"{name}-office"]
    done = subprocess.run(
        [*command, *span], env={**rig.platform.supervisor.environment}, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "coach hours" in done.stdout
    assert "claims" in done.stdout
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (report["claims"], report["offices"], report["rules"]["fell-below-aet"]["removed"]) == (1, [f"{name}-office"], 1)
    assert (tmp_path / "out" / "plot.svg").read_text().startswith("<svg")
    [row] = [json.loads(line) for line in (tmp_path / "out" / "flags.jsonl").read_text().splitlines()]
    assert (row["claimant_id"], row["change"]) == (f"{name}-p", "removed")


def test_the_command_refuses_a_span_that_no_record_fills_and_an_office_that_nobody_knows(
    rig: Rig, told: tuple[str, str], tmp_path: Path
) -> None:
    name, _ = told
    policy = tmp_path / "aet.yaml"
    policy.write_text(json.dumps(POLICY["aet"]))
    for said, complaint in (
        (["--from", "2026-03-01", "--to", "2026-02-01"], "2026-03-01, the first day, is after 2026-02-01"),
        (["--to", "9999-12-31"], "9999-12-31 is more than 366 days from today"),
        (["--office", f"{name}-office", "--office", "no-such-office"], "nobody on record is at no-such-office"),
    ):
        command = [sys.executable, "-m", "referrals", "what-if", "--policy", str(policy), "--out", str(tmp_path / "out"), *said]
        done = subprocess.run(
            command, env={**rig.platform.supervisor.environment}, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 2, done.stdout + done.stderr
        assert complaint in " ".join(done.stderr.replace("│", " ").split())
    assert not (tmp_path / "out").exists()
