"""One running notifications service for all stories of this member."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.backends import Backends
from devstack.layout import Ports
from devstack.platform import Platform
from streaming.clock import advance

sys.path.insert(0, str(Path(__file__).parent))
from notifications_rig import Rig, Timepiece, start_of_tests


@pytest.fixture(scope="session")
def notifications_platform(backends: Backends, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Worker, relay, API, sender and sandboxes of this service alone."""
    with Platform.start(
        tmp_path_factory.mktemp("notifications"),
        backends,
        Ports.free(),
        clock="topic",
        database_prefix="notifications_tests_",
        fresh=True,
        env={"NOTIFY_TIMEOUT_S": "1", "SENDER_LEASE_S": "3", "NOTIFY_SETTLE_S": "1"},
        before_services=lambda: advance(backends.kafka.bootstrap, start_of_tests()),
        services=("notifications",),
    ) as platform:
        yield platform


@pytest.fixture(scope="session")
def timepiece() -> Timepiece:
    """Where the clock topic stands."""
    return Timepiece(start_of_tests())


@pytest.fixture
def rig(notifications_platform: Platform, timepiece: Timepiece) -> Iterator[Rig]:
    """Hands for a story."""
    made = Rig(notifications_platform, timepiece)
    yield made
    made.close()
