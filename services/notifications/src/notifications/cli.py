"""`python -m notifications worker | relay | api | sender | migrate | openapi` and the operator commands."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from notifications.settings import NAME, PORT, Settings
from streaming import cli, logs
from streaming.spec import Spec

if TYPE_CHECKING:
    from fastapi import FastAPI

FOLDER = Path(__file__).parents[2]


def _api(settings: Settings) -> FastAPI:
    from notifications.api.app import build_api

    return build_api(settings)


def _spec(settings: Settings) -> Spec:
    from notifications.main import build_spec

    return build_spec(settings)


program: cli.Program[Settings] = cli.Program(
    name=NAME,
    settings=lambda: Settings(),  # type: ignore[call-arg]  # read from the environment
    database_url=lambda settings: settings.notifications_database_url,
    spec=_spec,
    api=_api,
    migrations=FOLDER / "migrations",
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


@app.command()
def openapi(
    check: Annotated[bool, typer.Option("--check", help="Only tell whether the committed document is up to date")] = False,
) -> None:
    """Write `services/notifications/openapi.json` from the routes in code. Needs no environment."""
    from web.openapi import export

    if not export(_api(documented()), FOLDER / "openapi.json", check=check):
        typer.echo("services/notifications/openapi.json is out of date: run `make generate`")
        raise typer.Exit(1)


def documented() -> Settings:
    """Settings that let the application be built for its own description; nothing is connected to."""
    nowhere = "127.0.0.1:9"
    return Settings.model_validate(
        {
            "environment": "test",
            "kafka_bootstrap_servers": nowhere,
            "field_key": base64.b64encode(bytes(32)).decode(),
            "oidc_issuer": f"http://{nowhere}",
            "notifications_database_url": f"postgresql://{nowhere}/none",
            "notify_api_key": "none",
            "notify_base_url": f"http://{nowhere}",
            "notify_receipts_token": "none",
        }
    )
