"""Waiting for a fact, bounded."""

from __future__ import annotations

import time
from collections.abc import Callable

from devstack.errors import DevstackError


def until(fact: Callable[[], bool], timeout: float, otherwise: str, *, poll: float = 0.02) -> None:
    """Return as soon as `fact` holds; DevstackError (`otherwise`) after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not fact():
        if time.monotonic() > deadline:
            raise DevstackError(f"{otherwise} within {timeout:.0f} s")
        time.sleep(poll)
