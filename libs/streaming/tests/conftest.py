"""Fixtures of the shell's own tests."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from devstack.backends import Backends

sys.path.insert(0, str(Path(__file__).parent))  # the toy service is imported by the tests and by their worker processes
_numbers = itertools.count()


@pytest.fixture
def shell_database(backends: Backends) -> Callable[[], str]:
    """A function that makes an empty database and returns its address."""
    return lambda: backends.postgres.create_database(f"shell_{next(_numbers)}", replace=True)
