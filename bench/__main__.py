"""`make bench`: the short benchmark of the event path, about five minutes. `python -m bench what-if`: what another policy costs
to try. `python -m bench --help`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench import backfill, latency, report, suite, what_if
from devstack import backends

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def main(
    asked: typer.Context,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each fast contender; the median counts")] = 3,
    events: Annotated[int, typer.Option(min=10_000, help="Events of the hot load")] = 200_000,
    wide_events: Annotated[int, typer.Option(min=10_000, help="Events of the wide load")] = 300_000,
    wide_keys: Annotated[int, typer.Option(min=10_000, help="Keys in the table before the wide load")] = 1_000_000,
    rate: Annotated[int, typer.Option(min=1, help="Events a second of the latency run")] = 2_000,
    var_dir: Annotated[Path | None, typer.Option(help="Folder for data and logs (default var/bench)")] = None,
) -> None:
    """Hot and wide loads through the shell, plain loops and Faust, in one run on one broker and database; results checked."""
    if asked.invoked_subcommand is not None:
        return
    console = Console()
    home = (var_dir or backends.default_var_dir() / "bench").resolve()
    with backends.start(home, fresh=True) as found:
        runs = suite.run(found, suite.Size(repeats, events, wide_events, wide_keys), console)
        relay = suite.relay(found, console)
        delays = latency.run(found, rate, console)
    made = report.build(runs, relay, delays)
    report.write(home, made)
    report.show(console, made)
    console.print(f"\n{home / 'report.json'} and {home / 'rates.png'} written")


@app.command("backfill")
def backfill_(
    messages: Annotated[int, typer.Option(min=100, max=10_000_000, help="Messages of the replay")] = 1_000_000,
    var_dir: Annotated[Path | None, typer.Option(help="Folder for data and logs (default var/bench)")] = None,
) -> None:
    """A replay of people, claims, statements (encrypted) and payments through `earnings backfill`; the result is checked.

    Fails when a message is missing or unexplained, or when memory grew.
    """
    console = Console()
    home = (var_dir or backends.default_var_dir() / "bench").resolve()
    with backends.start(home, fresh=True) as found:
        made = backfill.run(found, messages, console)
    backfill.write(made)
    backfill.show(console, made)
    console.print(f"{backfill.FIGURES} written")
    if made["memory_is_flat"] is False:
        raise typer.Exit(1)


@app.command("what-if")
def what_if_command(
    claimants: Annotated[int, typer.Option(min=1_000, help="Claimants, each with a year of periods")] = 100_000,
    processes: Annotated[int | None, typer.Option(min=1, help="Processes (default: one a core)")] = None,
    var_dir: Annotated[Path | None, typer.Option(help="Folder for data and logs (default var/bench)")] = None,
) -> None:
    """A year of many claimants under another policy, and the price of one evaluation beside a plain Python loop."""
    what_if.run(claimants, processes, (var_dir or backends.default_var_dir() / "bench").resolve(), Console())


if __name__ == "__main__":
    app()
