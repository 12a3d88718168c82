"""Alembic's entry point; the work is the shell's."""

from streaming.migrate import run_env

run_env()
