"""`python -m employer_link worker | relay | api | sender | migrate` and the operator commands."""

from __future__ import annotations

from pathlib import Path

from employer_link.main import NAME, build_api, build_spec
from employer_link.settings import Settings
from streaming import cli, logs

program: cli.Program[Settings] = cli.Program(
    name=NAME,
    settings=lambda: Settings(),  # type: ignore[call-arg]  # read from the environment
    database_url=lambda settings: settings.employer_link_database_url,
    spec=lambda settings: build_spec(),
    api=build_api,
    migrations=Path(__file__).parents[2] / "migrations",
    port=8104,
)
app = cli.make(program)


@app.command()
def sender() -> None:
    """Deliver webhooks until SIGTERM."""
    from employer_link.senders import run_sender

    settings = program.settings()
    logs.configure(NAME, "sender")
    run_sender(program, settings)
