"""`python -m notifications`."""

from __future__ import annotations

from notifications.cli import app

app()
