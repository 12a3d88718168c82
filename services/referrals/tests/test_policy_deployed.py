"""A higher threshold is a folder of policy files and a restart: reviews, and no fall, on the running service."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from referrals_facts import assessed, earned, months
from referrals_rig import Rig
from test_referrals_stories import open_claim
from typer.testing import CliRunner

from contracts import topics
from referrals.cli import app
from referrals.main import setup

ROLES = ("worker", "relay", "api")


def restart(rig: Rig, folder: Path | None) -> None:
    """Every process of the service, with the deployment's policy or the shipped one."""
    env = {} if folder is None else {"REFERRALS_POLICY_DIR": str(folder)}
    for role in ROLES:
        rig.platform.supervisor.restart(f"referrals-{role}", env, wait=False)
    rig.platform.supervisor.wait_healthy([f"referrals-{role}" for role in ROLES], timeout=60)


@pytest.fixture
def policy(rig: Rig, tmp_path: Path) -> Iterator[Path]:
    """1,101 pounds in place of 991 for periods that begin next month; the shipped policy is in force again afterwards."""
    rises = months(date(rig.now.year, rig.now.month, 8), 2)[1][0]
    part = tmp_path / "aet.yaml"
    part.write_text(
        "hours:\n  values:\n"
        '  - {from: "2022-09-26", value: {single: 18, couple: 29}, source: "a test", status: assumed}\n'
        f'  - {{from: "{rises}", value: {{single: 20, couple: 32}}, source: "a test", status: assumed}}\n'
    )
    written = CliRunner().invoke(app, ["policy", "write", str(tmp_path / "policy"), "--policy", str(part)])
    assert written.exit_code == 0, written.output
    yield tmp_path / "policy"
    restart(rig, None)


def test_a_deployed_rise_is_reviewed_and_flags_nobody_whose_pay_stood_still(rig: Rig, policy: Path) -> None:
    before, then = months(date(rig.now.year, rig.now.month, 8), 2)
    rig.go_to(before[1] + timedelta(days=1))
    steady, fallen = [open_claim(rig) for _ in range(3)], open_claim(rig)
    for name in (*steady, fallen):
        rig.publish(topics.EARNINGS_PERIOD, name, assessed(name, before, earned(f"{name}-p", 105_000)))
    rig.drain()
    restart(rig, policy)
    rig.go_to(then[1] + timedelta(days=1))
    for name, pay in (*((name, 105_000) for name in steady), (fallen, 60_000)):
        rig.publish(topics.EARNINGS_PERIOD, name, assessed(name, then, earned(f"{name}-p", pay)))
    rig.drain()
    rig.go_to(then[1] + timedelta(days=9))
    for name in steady:
        [(kind, body)] = rig.events(name, topics.PROGRESSION_FLAG)
        assert (kind, body["rule_id"]) == ("ReviewRaised", "threshold-change-review")
    told = rig.events(fallen, topics.PROGRESSION_FLAG)
    assert [kind for kind, _ in told] == ["FlagPlanned", "FlagRaised", "FlagShown"]
    assert told[0][1]["rule_set"] == setup(policy).book.version != setup().book.version
