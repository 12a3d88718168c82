"""`python -m devstack up | down | status | topics`."""

from __future__ import annotations

import os
import shlex
import sys
import time
from pathlib import Path
from typing import Annotated, Literal

import httpx
import typer

from devstack import backends, state, supervisor, topics
from devstack.credentials import FILE
from devstack.demo.command import main as demo
from devstack.errors import DevstackError
from devstack.kafka import Kafka
from devstack.layout import SERVICES, Ports
from devstack.platform import Platform, require_ports
from devstack.postgres import Postgres
from devstack.rate_change.command import main as rate_change

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="The whole platform on this machine.")

SETTINGS = "dev.env"
"""For `. var/dev.env`."""

VarDir = Annotated[Path | None, typer.Option(help="Folder for data, logs and pid files (VAR_DIR, else var/ in the project)")]


def main() -> None:
    """Run the command line; an expected failure is one message and exit code 1."""
    try:
        app()
    except DevstackError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)


@app.command()
def up(var_dir: VarDir = None) -> None:
    """Start everything in the background, wait until it is healthy, and print the addresses."""
    began = time.monotonic()
    home, ports = _home(var_dir), Ports.from_environment()
    running = [one.name for one in supervisor.noted(home) if one.handle().alive()]
    if running:
        raise DevstackError(f"the platform is already running ({', '.join(running)}); stop it first (make down)")
    require_ports(ports)
    found = backends.start(home, kafka_port=ports.kafka, detached=True)
    clock: Literal["wall", "topic"] = "topic" if os.environ.get("PLATFORM_CLOCK") == "topic" else "wall"
    try:
        partitions = int(os.environ.get("PARTITIONS") or topics.number(found.kafka.bootstrap))
        platform = Platform.start(
            home,
            found,
            ports,
            clock=clock,
            partitions=partitions,
            progress=lambda step: typer.echo(f"starting {step} …", err=True),
        )
    except BaseException:
        found.stop()
        raise
    platform.supervisor.detach()
    _write_settings(platform)
    typer.echo(f"\nready after {time.monotonic() - began:.0f} s\n")
    _print_addresses(platform)


def _write_settings(platform: Platform) -> None:
    """The settings and development keys that the services run with, for a shell that runs their commands."""
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in sorted(platform.environment.items())]
    path = platform.var_dir / SETTINGS
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(lines)


def _print_addresses(platform: Platform) -> None:
    rows = [(f"{service.replace('_', '-')} API", platform.url(service)) for service in SERVICES]
    rows += [("issuer", platform.issuer), ("data key service", platform.data_key_service), ("GOV.UK Notify", platform.notify)]
    rows += [("Kafka", platform.bootstrap), ("PostgreSQL", platform.backends.postgres.where)]
    rows += [
        ("credentials", str(platform.var_dir / FILE)),
        ("settings", f". {platform.var_dir / SETTINGS}"),
        ("logs", str(platform.var_dir / "log")),
    ]
    for name, address in rows:
        typer.echo(f"  {name:<18} {address}")


@app.command()
def down(var_dir: VarDir = None) -> None:
    """Stop everything that `up` started, also after crashes; data stays."""
    home = _home(var_dir)
    stopped = supervisor.stop_noted(home)
    if state.read(home) is not None:
        found = backends.attach(home)
        found.stop()
        stopped += list(found.kinds())
    swept = supervisor.sweep(home)
    left = f", and {swept} left over" if swept else ""
    typer.echo(f"stopped {len(stopped)} processes{left}" if stopped or swept else "nothing was running")


@app.command()
def status(var_dir: VarDir = None) -> None:
    """Show each process with its port and health; exit code 1 if something is not well."""
    home = _home(var_dir)
    rows = [*_backend_rows(home), *_process_rows(home)]
    if not rows:
        typer.echo("nothing is running; start it with: make up")
        raise typer.Exit(1)
    typer.echo(f"{'process':<24} {'pid':>8} {'port':>6}  state")
    for name, pid, port, shown in rows:
        typer.echo(f"{name:<24} {pid:>8} {port:>6}  {shown}")
    if any(shown not in ("healthy", "answers") for *_, shown in rows):
        raise typer.Exit(1)


Row = tuple[str, str, str, str]


def _backend_rows(home: Path) -> list[Row]:
    kept = state.read(home)
    if kept is None:
        return []
    found = backends.attach(home)
    rows: list[Row] = []
    if kept.kafka is not None:
        rows.append(_backend_row("kafka", kept.kafka, found.kafka))
    if kept.postgres is not None:
        rows.append(_backend_row("postgresql", kept.postgres, found.postgres))
    return rows


def _backend_row(name: str, kept: state.Kept, running: Kafka | Postgres) -> Row:
    shown = "answers" if running.responds() else "does not answer" if running.alive() else "dead"
    return f"{name} ({kept.kind})", str(kept.pid or "-"), str(kept.port or "-"), shown


def _process_rows(home: Path) -> list[Row]:
    rows: list[Row] = []
    with httpx.Client(timeout=3.0) as http:
        for one in supervisor.noted(home):
            shown = "dead" if not one.handle().alive() else "frozen" if one.handle().frozen() else "not ready"
            if shown == "not ready" and one.health is not None and supervisor.answers_ok(http, one.health):
                shown = "healthy"
            rows.append((one.name, str(one.pid), str(one.port or "-"), shown))
    return rows


app.command("demo")(demo)
app.command("rate-change")(rate_change)
app.command("topics")(topics.main)


def _home(var_dir: Path | None) -> Path:
    home = (var_dir or backends.default_var_dir()).resolve()
    home.mkdir(parents=True, exist_ok=True)
    return home
