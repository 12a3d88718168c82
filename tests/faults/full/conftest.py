"""Another platform for the longer cells, on disks and a network that can be broken. Not part of `make test`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.faults.checker import Checker
from tests.faults.full import site
from tests.faults.full.crowd import Crowd
from tests.faults.full.keeper import Keeper
from tests.faults.full.run import Run
from tests.faults.full.site import Site
from tests.faults.report import Cell
from tests.faults.stage import PREFIX, Play, Theatre, start

from devstack.backends import default_var_dir

PLAY = Play(seed=23, claimants=160, months=15, legs=3, leg_days=29)

READY_S = 300.0
KEY_USES = 5
"""Few messages to a data key, so that its service is asked all the time."""


@pytest.fixture(scope="package")
def place() -> Iterator[Site]:
    """Backends of these cells alone."""
    with site.opened(default_var_dir() / "faults" / "site") as found:
        yield found


@pytest.fixture(scope="package")
def theatre(place: Site, tmp_path_factory: pytest.TempPathFactory, note: Callable[[str], None]) -> Iterator[Theatre]:
    """A platform behind the proxy that has lived through three quiet months, equal to its reference."""
    began = time.monotonic()
    home: Path = tmp_path_factory.mktemp("faults-full")
    with start(place.backends, home, PLAY, ports=place.ports, env=place.environment(PREFIX), ready_s=READY_S) as stage:
        made = Theatre(stage, PLAY, KEY_USES)
        try:
            made.open()
            note(f"faults: quiet months played after {time.monotonic() - began:.0f} s")
            yield made
        finally:
            made.close()


@pytest.fixture(scope="package")
def checker(theatre: Theatre) -> Checker:
    """Nothing may be wrong before the first fault."""
    made = Checker(theatre)
    found = made.anomalies()
    assert found == {}, "\n".join(f"{name}: {one}" for name, all in found.items() for one in all[:8])
    return made


@pytest.fixture(scope="package")
def keeper(theatre: Theatre) -> Iterator[Keeper]:
    """Starts again what ends."""
    with Keeper(theatre.stage.supervisor) as made:
        yield made


@pytest.fixture(scope="package")
def crowd(theatre: Theatre) -> Crowd:
    """People."""
    return Crowd(theatre)


@pytest.fixture
def run(place: Site, theatre: Theatre, crowd: Crowd, keeper: Keeper, checker: Checker, cell: Cell) -> Iterator[Run]:
    """Everything for a cell. Whatever happens in it, the next one begins with a whole platform."""
    made = Run(place, theatre, crowd, keeper, checker, cell)
    yield made
    place.mend()
    for disk in (place.broker_disk, place.database_disk):
        disk.free()
    for backend in (place.backends.kafka, place.backends.postgres):
        if not backend.alive():
            backend.restart()
    theatre.barrier.wait(theatre.now)
    if not made.passed:  # the cell has failed; that must not make the others fail
        theatre.resync()
        checker.forgive()
