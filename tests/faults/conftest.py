"""One platform for all cells: each plays the next days of the same world, under its own fault."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.faults.checker import Checker
from tests.faults.report import REPORT, Book, Cell
from tests.faults.stage import Theatre, start

from devstack.backends import Backends, default_var_dir


@pytest.fixture(scope="package")
def theatre(backends: Backends, tmp_path_factory: pytest.TempPathFactory, note: Callable[[str], None]) -> Iterator[Theatre]:
    """A running platform that has lived through some quiet weeks, equal to its reference."""
    began = time.monotonic()
    home: Path = tmp_path_factory.mktemp("faults")
    with start(backends, home) as stage:
        made = Theatre(stage)
        try:
            ready = time.monotonic()
            made.open()
            note(f"faults: platform up after {ready - began:.0f} s, quiet weeks played after {time.monotonic() - began:.0f} s")
            yield made
        finally:
            made.close()


@pytest.fixture(scope="session")
def book() -> Book:
    """The accounts of all cells of this run, on disk."""
    return Book(default_var_dir() / "faults" / REPORT)


@pytest.fixture(scope="package")
def checker(theatre: Theatre) -> Checker:
    """Looks at the platform as it is; nothing may be wrong before the first fault."""
    made = Checker(theatre)
    found = made.anomalies()
    assert found == {}, "\n".join(f"{name}: {one}" for name, all in found.items() for one in all[:8])
    return made


@pytest.fixture
def cell(request: pytest.FixtureRequest, theatre: Theatre, book: Book, note: Callable[[str], None]) -> Iterator[Cell]:
    """This cell's account, printed at the end of the run."""
    made = Cell(request.node.name.removeprefix("test_"), theatre.play.seed)
    began = time.monotonic()
    yield made
    if made.faults:
        made.took_s = time.monotonic() - began
        book.add(made)
        note(f"{made.line()}; the cell took {made.took_s:.0f} s")
