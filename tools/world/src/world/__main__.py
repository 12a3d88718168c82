"""Entry point of `python -m world`."""

from __future__ import annotations

from world.cli import app

app(prog_name="world")
