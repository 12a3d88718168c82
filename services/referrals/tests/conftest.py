"""Hands for the tests of this member: the service in memory, and one running service for all stories."""

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
from referrals_rig import Rig, start_of_tests


@pytest.fixture(scope="session")
def referrals_platform(backends: Backends, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Worker, relay and API of this service alone."""
    with Platform.start(
        tmp_path_factory.mktemp("referrals"),
        backends,
        Ports.free(),
        clock="topic",
        database_prefix="referrals_tests_",
        fresh=True,
        before_services=lambda: advance(backends.kafka.bootstrap, start_of_tests()),
        services=("referrals",),
    ) as platform:
        yield platform


@pytest.fixture(scope="session")
def rig(referrals_platform: Platform) -> Iterator[Rig]:
    """Hands for the stories; the clock only goes forward, so they share it."""
    made = Rig(referrals_platform, start_of_tests())
    yield made
    made.close()
