"""`python -m earnings worker | relay | api | migrate | openapi | explain | surplus` and the operator commands."""

from __future__ import annotations

import base64
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from fastapi import FastAPI
from pydantic import SecretStr

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


@app.command()
def explain(
    claim: Annotated[str, typer.Argument(help="Claim id")],
    period: Annotated[str, typer.Argument(help="Period id, or any day in the period: 2026-06-08")],
) -> None:
    """Say where every figure of one assessment period comes from: payments, rules, versions, sources."""
    from rich.console import Console

    from earnings.explain_command import NotThere, find, show

    try:
        found = find(program.settings(), claim, period)
    except NotThere as missing:
        typer.echo(str(missing), err=True)
        raise typer.Exit(1) from None
    show(found, Console())


@app.command()
def surplus(
    on: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day of the first assessment period")],
    award: Annotated[str, typer.Option(help="Maximum award less unearned income, in pounds")],
    earnings: Annotated[list[str], typer.Option(help="Net earned income of each period in turn, in pounds")],
    work_allowance: Annotated[str, typer.Option(help="In pounds, or with_housing or without_housing")] = "0.00",
    de_minimis: Annotated[str | None, typer.Option(help="In pounds, instead of the figure in force")] = None,
) -> None:
    """Explain surplus earnings period by period (regulation 54A), with the figures in force. Nothing is stored or paid."""
    from earnings.policy_file import load_surplus, pence
    from earnings.rules.surplus import Month, explain

    policy = load_surplus(on.date(), None if de_minimis is None else pence(de_minimis))
    allowance = policy.work_allowances.get(work_allowance)
    months = [Month(pence(amount)) for amount in earnings]
    for line in explain(pence(award), pence(work_allowance) if allowance is None else allowance, months, policy):
        typer.echo(line)


@app.command()
def openapi(
    check: Annotated[bool, typer.Option("--check", help="Only tell whether the committed document is up to date")] = False,
) -> None:
    """Write `services/earnings/openapi.json` from the routes in code. Needs no environment."""
    from web.openapi import export

    path = Path(__file__).parents[2] / "openapi.json"
    if not export(_api(documented()), path, check=check):
        typer.echo("services/earnings/openapi.json is out of date: run `make generate`")
        raise typer.Exit(1)


@app.command()
def reconcile(
    decrypt: Annotated[bool, typer.Option("--decrypt", help="Open the documents too, with the data key service")] = False,
    out: Annotated[Path | None, typer.Option("--json", help="Write every count and finding to this file")] = None,
) -> None:
    """Read the upstream topics again and hold every message against the ledger. Exit code 1: something is unexplained."""
    from rich.console import Console

    from earnings.main import build_intake
    from earnings.reconcile import command

    settings = program.settings()
    unit = program.unit(settings, "reconcile")
    intake = build_intake(settings)
    found = command.reconcile(unit, intake, settings.kafka_bootstrap_servers, Console(stderr=True), decrypt=decrypt)
    command.show(Console(width=None if sys.stdout.isatty() else command.WIDE), found)
    if out is not None:
        command.write(out, found)
    if found.unexplained:
        raise typer.Exit(1)


@app.command()
def rebuild(limit: Annotated[int, typer.Option(help="Differences to show")] = 100) -> None:
    """Judge every claim again from the stored documents and compare. Writes and emits nothing. Exit code 1: facts differ.

    Differences are shown with their amounts: mind where they go.
    """
    from rich.console import Console
    from rich.progress import Progress

    from earnings.main import build_judge
    from earnings.rebuild import rebuild as judge_again

    settings = program.settings()
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("judging claims", total=None)
        found = judge_again(
            program.unit(settings, "rebuild"),
            build_judge(settings),
            lambda done, total: progress.update(task, completed=done, total=total),
        )
    typer.echo(f"{found.claims} claims\nstored    {found.before}\nre-folded {found.after}")
    for text in found.differences[:limit]:
        typer.echo(text)
    if found.before != found.after:
        typer.echo(f"{len(found.differences)} facts differ")
        raise typer.Exit(1)
    typer.echo("equal")


@app.command()
def backfill(
    rate: Annotated[float | None, typer.Option(min=0.1, help="Messages a second at most")] = None,
    outbox: Annotated[int, typer.Option(min=1, help="Wait for the relay while more events than this are unpublished")] = 50_000,
) -> None:
    """Take in what upstream replays, with events marked `backfill`, up to the present end of its topics; then stop.

    Stop the workers first, keep the relay running. A run that was stopped goes on where it was.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from earnings.backfill import LONGEST_THOUGHT_MS, Backfill, Pace
    from streaming.errors import Fatal, Infrastructure

    settings = program.settings().model_copy(update={"backfill": True})
    unit = program.unit(settings, "backfill", LONGEST_THOUGHT_MS)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"),
               TimeRemainingColumn())  # fmt: skip
    try:
        with Progress(*columns, console=Console(stderr=True)) as progress:
            run = Backfill(unit, settings.kafka_bootstrap_servers, Pace(rate, outbox))
            task = progress.add_task("", total=run.left)
            done = run.run(lambda topic, passed: progress.update(task, advance=passed, description=topic))
    except (Fatal, Infrastructure) as error:
        typer.echo(f"stopped: {error}; start again to go on from there", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{done} messages taken in")


@app.command()
def validate(
    file: Annotated[
        typer.FileBinaryRead, typer.Argument(help="One message a line, as it would be published; - reads standard input")
    ],
    topic: Annotated[str | None, typer.Option(help="Topic of every line; otherwise told from each message")] = None,
    decrypt: Annotated[bool, typer.Option("--decrypt", help="Open documents, with keys of the data key service")] = False,
    data_key_service_url: Annotated[str | None, typer.Option(envvar="DATA_KEY_SERVICE_URL")] = None,
    real_ninos: Annotated[bool, typer.Option("--real-ninos", help="As in production: test NINOs are refused")] = False,
) -> None:
    """Tell what would become of each message of a file, before it is published. Exit code 1: some would be refused.

    Prints line number, verdict, reason and topic, nothing of the messages. Needs no broker, database or settings.
    For the topics that earnings reads; CloudEvents headers are not in a file and so not checked.
    """
    from earnings.intake.prepare import INTAKE_TOPICS
    from earnings.validate import Validation, intake, report

    if topic is not None and topic not in INTAKE_TOPICS:
        raise typer.BadParameter(f"one of {', '.join(INTAKE_TOPICS)}", param_hint="--topic")
    if decrypt and data_key_service_url is None:
        raise typer.BadParameter("needs the address of the data key service", param_hint="--data-key-service-url")
    checks = Validation(intake(data_key_service_url, real_ninos=real_ninos), topic, decrypt)
    if report(checks.verdicts(file), typer.echo):
        raise typer.Exit(1)


def documented() -> Settings:
    """Settings that let the application be built for its own description; nothing is connected to."""
    key = SecretStr(base64.b64encode(bytes(32)).decode())
    return Settings.model_validate(
        {
            "environment": "test",
            "platform_clock": "wall",
            "kafka_bootstrap_servers": "127.0.0.1:9",
            "field_key": key,
            "pseudonym_key": key,
            "oidc_issuer": "http://127.0.0.1:9",
            "earnings_database_url": "postgresql://127.0.0.1:9/none",
            "data_key_service_url": "http://127.0.0.1:9",
        }
    )
