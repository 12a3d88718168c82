"""A platform in process, with small stand-ins for the services."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from devstack import credentials
from devstack.backends import Backends
from devstack.errors import ProcessFailed
from devstack.layout import Ports
from devstack.platform import Platform
from devstack.processes import marked

STANDINS = Path(__file__).parent / "standins"


@pytest.fixture(autouse=True)
def standins() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(STANDINS))
        yield


def _start(backends: Backends, var_dir: Path, *services: str, fresh: bool = False) -> Platform:
    return Platform.start(var_dir, backends, Ports.free(), services=services, database_prefix=f"p{os.getpid()}_", fresh=fresh)


def test_processes_of_the_named_services_run_and_all_end_with_the_block(backends: Backends, var_dir: Path) -> None:
    with _start(backends, var_dir, "notifications") as platform:
        assert set(platform.supervisor.names()) == {
            "sandboxes",
            *(f"notifications-{r}" for r in ("worker", "relay", "api", "sender")),
        }
        assert platform.supervisor.dead() == []
        assert httpx.get(f"{platform.url('notifications')}/anything").status_code == 200
        assert platform.environment["NOTIFY_BASE_URL"] == platform.notify
        platform.add_clients(credentials.client("coach-77", "coach", coach_id="coach-77"))
        assert "coach-77" in platform.credentials().clients
    assert marked(var_dir) == []


def test_an_older_platform_gives_way_where_both_would_be_one_consumer_group(backends: Backends, var_dir: Path) -> None:
    old, other, new = (var_dir / name for name in ("old", "other", "new"))
    for folder in (old, other, new):
        folder.mkdir()
    with _start(backends, old, "earnings"), _start(backends, other, "referrals"), _start(backends, new, "earnings"):
        assert marked(old) == []
        assert len(marked(other)) == len(marked(new)) == 4
        with _start(backends, old, "notifications", fresh=True):
            assert marked(other) == marked(new) == []


def test_a_failing_start_names_the_process_and_leaves_nothing(
    backends: Backends, var_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANDIN_FAIL", "earnings-relay")
    with pytest.raises(ProcessFailed, match=r"earnings-relay ended with exit code 3[\s\S]*bad day"):
        _start(backends, var_dir, "earnings")
    assert marked(var_dir) == []
