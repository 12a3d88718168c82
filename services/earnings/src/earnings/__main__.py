"""`python -m earnings`."""

from __future__ import annotations

from earnings.cli import app

app()
