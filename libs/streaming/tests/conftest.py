"""Fixtures of the shell's own tests."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devstack.backends import Backends

sys.path.insert(0, str(Path(__file__).parent))  # the toy service is imported by the tests and by their worker processes
from rig import Rig

_numbers = itertools.count()


@pytest.fixture
def shell_database(backends: Backends) -> Callable[[], str]:
    """A function that makes an empty database and returns its address."""
    return lambda: backends.postgres.create_database(f"shell_{next(_numbers)}", replace=True)


@pytest.fixture
def rig(backends: Backends, shell_database: Callable[[], str], tmp_path: Path) -> Iterator[Rig]:
    """Topics, a database and processes of the tally service, of this test alone."""
    made = Rig(backends.kafka.bootstrap, shell_database(), f"tally{next(_numbers)}", tmp_path)
    yield made
    made.close()
