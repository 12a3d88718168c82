"""`python -m referrals …`: the shell's commands, replay of decisions, the policy in force, the API's document."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Annotated

import typer
from fastapi import FastAPI
from pydantic import SecretStr

from referrals import replaying
from referrals.cli_policy import policy
from referrals.settings import PORT, ReferralsSettings
from referrals.whatif import commands
from streaming.cli import Program, make
from streaming.crypto import FieldCipher
from streaming.database import connector
from streaming.spec import Spec


def _api(settings: ReferralsSettings) -> FastAPI:
    from referrals.main import build_api

    return build_api(settings)


def _spec(settings: ReferralsSettings) -> Spec:
    from referrals.main import build_spec

    return build_spec(settings)


PROGRAM: Program[ReferralsSettings] = Program(
    name="referrals",
    settings=lambda: ReferralsSettings(),  # type: ignore[call-arg]  # read from the environment
    database_url=lambda settings: settings.referrals_database_url,
    spec=_spec,
    api=_api,
    migrations=Path(__file__).parents[2] / "migrations",
    port=PORT,
)
app = make(PROGRAM)
commands.add(app, PROGRAM)
app.add_typer(policy, name="policy")


@app.command()
def replay(
    everything: Annotated[bool, typer.Option("--all", help="Every stored decision; without it nothing is checked")] = False,
) -> None:
    """Recompute stored decisions and check the hash chain; exits 1 when one differs.

    There is no smaller share to ask for: without --all nothing is read or checked, and the command ends with 2.
    """
    if not everything:
        raise typer.BadParameter("nothing was checked: say --all for every stored decision", param_hint="--all")
    settings = PROGRAM.settings()
    cipher = FieldCipher(settings.field_key.get_secret_value())
    counts = {"identical": 0, "different": 0, "broken_chain": 0, "erased": 0}
    with connector(PROGRAM.database_url(settings), "referrals replay")() as conn:
        for found in replaying.check_all(conn, cipher):
            counts["broken_chain"] += not found.chained
            if found.verdict is not None:
                counts[found.verdict] += 1
            if not found.sound:
                typer.echo(f"claim {found.claim_id} decision {found.seq}: {found.verdict or 'missing'}", err=True)
    typer.echo(" ".join(f"{name}={count}" for name, count in counts.items()))
    if counts["different"] or counts["broken_chain"]:
        raise typer.Exit(1)


@app.command()
def openapi(
    only_check: Annotated[bool, typer.Option("--check", help="Only tell whether the committed document is up to date")] = False,
) -> None:
    """Write `services/referrals/openapi.json` from the routes in code. Needs no environment."""
    from web.openapi import export

    path = Path(__file__).parents[2] / "openapi.json"
    if not export(_api(documented()), path, check=only_check):
        typer.echo("services/referrals/openapi.json is out of date: run `make generate`")
        raise typer.Exit(1)


def documented() -> ReferralsSettings:
    """Settings that let the application be built for its own description; nothing is connected to."""
    return ReferralsSettings.model_validate(
        {
            "environment": "test",
            "platform_clock": "wall",
            "kafka_bootstrap_servers": "127.0.0.1:9",
            "field_key": SecretStr(base64.b64encode(bytes(32)).decode()),
            "oidc_issuer": "http://127.0.0.1:9",
            "referrals_database_url": "postgresql://127.0.0.1:9/none",
        }
    )
