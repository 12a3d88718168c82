"""`python -m referrals`."""

from __future__ import annotations

from referrals.cli import app

app()
