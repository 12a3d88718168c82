"""Loads the fixtures that tests of every member share."""

from __future__ import annotations

pytest_plugins = ["tests.support.backends_plugin"]
