"""Backends for tests: one Kafka and one PostgreSQL per test process, databases cloned from a migrated template.

A backend that cannot be had is an error of every test that needs it, never a skip. With pytest-xdist every process has
backends of its own, because consumer groups are named after services: two platforms cannot share a broker.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devstack import backends as devstack_backends
from devstack import layout, topics
from devstack.backends import Backends

PARTITIONS = topics.LOCAL_PARTITIONS
_NUMBERS = itertools.count(1)
_USED = pytest.StashKey[dict[str, str]]()
_NOTES = pytest.StashKey[list[str]]()

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
TOGETHER = ("tests/faults", "tests/e2e", "tests/integration", "services/notifications/tests", "services/referrals/tests")
"""Folders whose tests share a running platform, so their order is always the same; of the others, each file can go to any
process."""

LONG = "tests/faults/full"
"""Cells that `make test` leaves out and `make faults` runs."""
LONG_LIMIT_S = 900

FreshDatabase = Callable[[str], str]
"""Service → url of a migrated, empty database of its own; dropped after the test."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "backend: needs Kafka or PostgreSQL (set by itself on tests that use `backends`)")
    config.addinivalue_line(
        "markers", "long: a fault cell of `make faults` (its own mark, or its folder's); `make test` leaves it out and says so"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "backends" in getattr(item, "fixturenames", ()):
            item.add_marker("backend")
        file = item.nodeid.partition("::")[0]
        if file.startswith(LONG):
            item.add_marker("backend")
            item.add_marker("long")
            item.add_marker(pytest.mark.timeout(LONG_LIMIT_S))
    items.sort(key=lambda item: not item.nodeid.startswith(TOGETHER))  # the longest first, so that both processes end together


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests that share fixtures go to one process, in order."""
    from xdist.scheduler import LoadScopeScheduling

    class ByPlatform(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return next((folder for folder in TOGETHER if file.startswith(folder)), file)

    return ByPlatform(config, log)


def home() -> Path:
    """Where this process's backends keep data and logs."""
    return devstack_backends.default_var_dir() / "test" / WORKER


def pytest_report_header() -> str:
    return f"backends: started by the first test that needs them, data and logs under {home()}"


def pytest_sessionfinish(session: pytest.Session) -> None:
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["backends"] = session.config.stash.get(_USED, {})
        output["notes"] = session.config.stash.get(_NOTES, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """What a process of pytest-xdist used and noted, when it ends."""
    output = getattr(node, "workeroutput", {})
    node.config.stash.setdefault(_USED, {}).update(output.get("backends", {}))
    node.config.stash.setdefault(_NOTES, []).extend(output.get("notes", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    used = config.stash.get(_USED, {})
    text = ", ".join(f"{name} {kind}" for name, kind in used.items()) or "none was needed"
    terminalreporter.write_line(f"backends used: {text}")
    for line in config.stash.get(_NOTES, []):
        terminalreporter.write_line(f"note: {line}")


@pytest.fixture(scope="session")
def note(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Say something at the end of the run that a pass alone would hide, such as a check that had to be a weaker one."""
    return pytestconfig.stash.setdefault(_NOTES, []).append


@pytest.fixture(scope="session")
def backends(pytestconfig: pytest.Config) -> Iterator[Backends]:
    """Kafka and PostgreSQL of this run, empty at its start."""
    with devstack_backends.start(home(), fresh=True) as found:
        pytestconfig.stash[_USED] = found.kinds()
        yield found


@pytest.fixture(scope="session")
def bootstrap(backends: Backends) -> str:
    """Kafka's address, with every topic of the registry created with four partitions."""
    topics.create(backends.kafka.bootstrap, PARTITIONS)
    return backends.kafka.bootstrap


@pytest.fixture(scope="session")
def migrated_template(backends: Backends) -> Callable[[str], str]:
    """Service → name of a database with its newest schema; migrated once per run."""
    made: dict[str, str] = {}

    def template(service: str) -> str:
        if service not in made:
            name = f"test_{os.getpid()}_{service}_template"
            migrate(service, backends.postgres.create_database(name, replace=True))
            made[service] = name
        return made[service]

    return template


@pytest.fixture
def fresh_database(backends: Backends, migrated_template: Callable[[str], str]) -> Iterator[FreshDatabase]:
    """A callable: service (import package) → url of a new migrated database."""
    names: list[str] = []

    def fresh(service: str) -> str:
        template = migrated_template(service)
        names.append(f"test_{os.getpid()}_{service}_{next(_NUMBERS)}")
        return backends.postgres.create_database(names[-1], template, replace=True)

    yield fresh
    for name in names:
        backends.postgres.drop_database(name)


def migrate(service: str, database_url: str) -> None:
    """Run `python -m <service> migrate` on one database; fails with its output."""
    environment = layout.environment(layout.Ports(), bootstrap="127.0.0.1:9092", databases={service: database_url})
    done = subprocess.run(
        [sys.executable, "-m", service, "migrate"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        pytest.fail(f"python -m {service} migrate ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
