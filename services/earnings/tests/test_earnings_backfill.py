"""A replay of the whole feed: taken in with marks, once, however often it is stopped; nothing happens behind."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date

import psycopg
import pytest

from devstack.backends import Backends
from devstack.demo import recording
from devstack.layout import Ports
from devstack.platform import Platform
from world import generate
from world.publish import publish

WAIT_S = 60.0


@pytest.fixture(scope="module")
def platform(backends: Backends, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Earnings with six months of a small world in its topics, all of it in the past."""
    home = tmp_path_factory.mktemp("backfill")
    with Platform.start(home, backends, Ports.free(), database_prefix="backfill_", services=("earnings",), fresh=True) as made:
        yield made


def start(platform: Platform, *options: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "earnings", "backfill", *options]
    return subprocess.Popen(argv, env=platform.supervisor.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end(running: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = running.communicate(timeout=WAIT_S)
    return running.returncode, out, err


def taken(platform: Platform) -> int:
    with psycopg.connect(platform.databases["earnings"]) as conn:
        row = conn.execute("SELECT count(*) FROM ledger").fetchone()
    return 0 if row is None else int(row[0])


def test_it_refuses_to_run_beside_workers(platform: Platform) -> None:
    code, _, said = end(start(platform))
    assert code == 1
    assert "earnings workers are connected" in said


def test_a_replay_that_is_killed_goes_on_and_takes_everything_in_once_marked(platform: Platform) -> None:
    platform.supervisor.stop("earnings-worker")
    world = generate(seed=5, claimants=30, months=6, start=date(2026, 3, 1))
    sent = sum(
        publish(
            world,
            bootstrap_servers=platform.bootstrap,
            data_key_service_url=platform.data_key_service,
            show_progress=False,
        ).values()
    )
    first = start(platform, "--rate", "150")
    deadline = time.monotonic() + WAIT_S
    while not (before := taken(platform)):
        assert first.poll() is None, first.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    first.kill()
    first.communicate()
    code, said, err = end(start(platform))
    assert code == 0, err
    assert 0 < before < sent, "killed in the middle"
    done = subprocess.run(
        [sys.executable, "-m", "earnings", "reconcile"], env=platform.supervisor.environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert 0 < int(said.split()[0]) < sent
    preferences = "upstream.claimant.contact-preferences.v1"
    ours = recording.read(platform.bootstrap).messages
    assert taken(platform) == sent - ours[preferences]
    assert end(start(platform))[1] == "0 messages taken in\n"


def test_everything_published_by_a_replay_is_marked_and_each_closed_period_is_told_about_once(platform: Platform) -> None:
    deadline = time.monotonic() + WAIT_S
    with psycopg.connect(platform.databases["earnings"], autocommit=True) as conn:
        while conn.execute("SELECT EXISTS (SELECT FROM outbox)").fetchone() == (True,):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    told = recording.read(platform.bootstrap)
    periods = [event.body for event in told.of("PeriodAssessed")]
    assert len(periods) > 60
    assert all(body["backfill"] for body in periods)
    claims = [event.body for event in told.events if "claim" in event.body]
    assert claims
    assert all(body["backfill"] for body in claims)
    assert sum(body["version"] == 1 for body in periods) >= 0.9 * len(periods), "judged from everything, not message by message"
