"""One running earnings service for all tests of this folder that speak to it from outside."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.support.documented_answers import Documented
from tests.support.foreign_feed import Foreign

from devstack.backends import Backends
from devstack.layout import Ports
from devstack.platform import Platform


@pytest.fixture(scope="package")
def answers() -> Documented:
    """Holds every answer of the service against its API document."""
    return Documented.of("earnings")


@pytest.fixture(scope="package")
def feed(backends: Backends, tmp_path_factory: pytest.TempPathFactory, answers: Documented) -> Iterator[Foreign]:
    """An upstream team's client of a running worker, relay and API, with a data key service and an issuer."""
    var = tmp_path_factory.mktemp("foreign")
    with Platform.start(var, backends, Ports.free(), database_prefix="foreign_", services=("earnings",), fresh=True) as platform:
        credentials = json.loads((var / "dev-credentials.json").read_text())
        environment = platform.supervisor.environment
        client = Foreign(platform.url("earnings"), platform.bootstrap, platform.data_key_service, credentials, environment)
        client.http.event_hooks = {"response": [answers]}
        yield client
        client.close()
