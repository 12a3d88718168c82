"""One running platform on the wall clock for all stories; each story makes its own household, so that none disturbs another."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from tests.support.foreign_feed import Foreign
from tests.support.story import Story

from devstack.backends import Backends
from devstack.layout import SERVICES, Ports
from devstack.platform import Platform


@pytest.fixture(scope="package")
def platform(backends: Backends, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """All four services with their workers, relays, APIs and senders."""
    var = tmp_path_factory.mktemp("stories")
    with Platform.start(var, backends, Ports.free(), database_prefix="stories_", fresh=True) as started:
        yield started


@pytest.fixture(scope="package")
def upstream(platform: Platform) -> Iterator[Foreign]:
    """Upstream's own client."""
    credentials = json.loads((platform.var_dir / "dev-credentials.json").read_text())
    client = Foreign(
        platform.url("earnings"), platform.bootstrap, platform.data_key_service, credentials, platform.supervisor.environment
    )
    yield client
    client.close()


@pytest.fixture
def story(platform: Platform, upstream: Foreign) -> Iterator[Callable[..., Story]]:
    """A function that begins a story."""
    begun: list[Story] = []

    def begin(*, couple: bool = False) -> Story:
        begun.append(Story(platform.credentials(), {name: platform.url(name) for name in SERVICES}, upstream, platform, couple))
        return begun[-1]

    yield begin
    for one in begun:
        one.close()
