"""Loads the fixtures that tests of every member share, and says how properties are tried."""

from __future__ import annotations

from hypothesis import settings

pytest_plugins = ["tests.support.backends_plugin"]

# The same examples in every run: whether a change is good must not depend on luck.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")
