"""`python -m notifications worker | relay | api | sender | migrate | …`"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

from fastapi import FastAPI

from notifications.main import NAME, build_spec
from notifications.settings import PORT, Settings
from streaming import cli, logs


def _api(settings: Settings) -> FastAPI:
    from notifications.api.app import build_api

    return build_api(settings)


program = cli.Program(
    name=NAME,
    settings=cast("Callable[[], Settings]", Settings),  # read from the environment
    database_url=lambda settings: settings.notifications_database_url,
    spec=build_spec,
    api=_api,
    migrations=Path(__file__).parents[2] / "migrations",
    port=PORT,
)
app = cli.make(program)


@app.command()
def sender() -> None:
    """Hand due messages to the provider until SIGTERM."""
    from notifications.main import run_sender

    settings = program.settings()
    logs.configure(NAME, "sender")
    run_sender(settings)
