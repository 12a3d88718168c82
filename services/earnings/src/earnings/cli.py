"""`python -m earnings worker | relay | api | migrate | openapi` and the operator commands."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from earnings.settings import PORT, Settings
from streaming import cli
from streaming.spec import Spec


def _api(settings: Settings) -> FastAPI:
    from earnings.main import build_api

    return build_api(settings)


def _spec(settings: Settings) -> Spec:
    from earnings.main import build_spec

    return build_spec(settings)


program: cli.Program[Settings] = cli.Program(
    name="earnings",
    settings=lambda: Settings(),  # type: ignore[call-arg]  # read from the environment
    database_url=lambda settings: settings.earnings_database_url,
    spec=_spec,
    api=_api,
    migrations=Path(__file__).parents[2] / "migrations",
    port=PORT,
)
app = cli.make(program)
