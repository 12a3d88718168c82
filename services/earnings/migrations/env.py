"""Alembic's entry: one history for this service's database."""

from __future__ import annotations

from streaming.migrate import run_env

run_env()
