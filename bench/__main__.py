"""`make bench`: the short benchmark of the event path, about three minutes. `python -m bench --help` lists the longer ones."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import psutil
import structlog
import typer
from rich.console import Console

from bench import backfill, end_to_end, figures, growth, latency, report, suite, what_if
from bench.rules import report as rules_report
from bench.rules import run as rules_run
from devstack import backends

VarDir = Annotated[Path | None, typer.Option(help="Folder for data and logs (default var/bench)")]
Keep = Annotated[bool, typer.Option("--keep", help="Also write the figures to bench/figures, to be committed")]
RATE, RATES, MESSAGE_RATES = [2_000], [100, 500, 2_000], [10, 100, 500, 2_000]
ROWS = [10_000, 100_000, 1_000_000, 10_000_000]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def main(
    asked: typer.Context,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each fast contender; the median counts")] = 3,
    events: Annotated[int, typer.Option(min=10_000, help="Events of the hot load")] = 200_000,
    wide_events: Annotated[int, typer.Option(min=10_000, help="Events of the wide load")] = 300_000,
    wide_keys: Annotated[int, typer.Option(min=10_000, help="Keys in the table before the wide load")] = 1_000_000,
    rate: Annotated[list[int], typer.Option(min=1, help="Events a second of a latency run; give it several times")] = RATE,
    var_dir: VarDir = None,
) -> None:
    """Hot and wide loads through the shell, plain loops and Faust, in one run on one broker and database; results checked."""
    if asked.invoked_subcommand is None:
        _measure("report", suite.Size(repeats, events, wide_events, wide_keys), rate, var_dir)


@app.command("suite")
def whole(
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each contender; the median counts")] = 3,
    events: Annotated[int, typer.Option(min=10_000, help="Events of the hot load")] = 200_000,
    wide_events: Annotated[int, typer.Option(min=10_000, help="Events of the wide load")] = 300_000,
    wide_keys: Annotated[int, typer.Option(min=10_000, help="Keys in the table before the wide load")] = 1_000_000,
    rate: Annotated[list[int], typer.Option(min=1, help="Events a second of a latency run")] = RATES,
    keep: Keep = False,
    var_dir: VarDir = None,
) -> None:
    """The whole comparison: all contenders with the peers in their own environment, hot and wide, latency at several rates."""
    _measure("suite", suite.Size(repeats, events, wide_events, wide_keys, whole=True), rate, var_dir, keep)


@app.command("growth")
def growth_(
    events: Annotated[int, typer.Option(min=10_000, help="Events of each run")] = 200_000,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each point; the median counts")] = 3,
    rows: Annotated[list[int], typer.Option(min=1_000, max=10_000_000, help="Sizes of the table, rising")] = ROWS,
    kills: Annotated[int, typer.Option(min=1, help="SIGKILLs of the worker")] = 10,
    keep: Keep = False,
    var_dir: VarDir = None,
) -> None:
    """The price of an event as tables, workers, partitions, fetches and one key grow; recovery after SIGKILL."""
    console, home = Console(), _home(var_dir)
    os.environ.setdefault("POSTGRES_SHARED_BUFFERS", f"{min(4096, psutil.virtual_memory().total // 2**22)}MB")
    with backends.start(home, fresh=True) as found:
        made = growth.run(found, growth.Size(events, repeats, tuple(rows), kills), console)
    growth.show(console, made)
    _write("growth", made, growth.plot, home, keep, console)


@app.command("end-to-end")
def end_to_end_(
    rate: Annotated[list[int], typer.Option(min=1, help="Upstream messages a second; several times")] = MESSAGE_RATES,
    outage: Annotated[int, typer.Option(min=5, help="Seconds without a broker")] = 60,
    largest: Annotated[int, typer.Option(min=60, help="People of the largest world")] = 3_000,
    keep: Keep = False,
    var_dir: VarDir = None,
) -> None:
    """The whole platform at steady rates of messages: from message to plan, flag, worklist and accepted message."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    console, home = Console(), _home(var_dir)
    with backends.start(home, fresh=True) as found:
        made = end_to_end.run(found, end_to_end.Size(tuple(rate), outage, largest), console)
    end_to_end.show(console, made)
    _write("end-to-end", made, end_to_end.plot, home, keep, console)


@app.command("rules")
def rules_(
    messages: Annotated[int, typer.Option(min=1_000, help="Wages through the earnings rules")] = 60_000,
    assessments: Annotated[int, typer.Option(min=300, help="Assessed periods through the progression rules")] = 15_000,
    events: Annotated[int, typer.Option(min=10_000, help="Events of the hot load, for the trivial rule")] = 200_000,
    repeats: Annotated[int, typer.Option(min=1, help="Turns of each contender; the median counts")] = 3,
    keep: Keep = False,
    var_dir: VarDir = None,
) -> None:
    """The services' own rules in the shell and in a plain loop that applies the very same ones; every fact is compared."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    console, home = Console(), _home(var_dir)
    with backends.start(home, fresh=True) as found:
        made = rules_report.build(*rules_run.run(found, rules_run.Size(repeats, messages, assessments, events), console))
    rules_report.show(console, made)
    _write("rules", made, rules_report.plot, home, keep, console)


def _write(
    name: str, made: dict[str, Any], plot: Callable[[Path, dict[str, Any]], None], home: Path, keep: bool, console: Console
) -> None:
    """Figures and plot into the folder of the run and, to be committed, into that of the kept ones."""
    for folder in (home, figures.HOME) if keep else (home,):
        figures.write(folder / f"{name}.json", made)
        plot(folder / f"{name}.png", made)
        console.print(f"{folder / name}.json and .png written", soft_wrap=True)


def _measure(name: str, size: suite.Size, rates: list[int], var_dir: Path | None, keep: bool = False) -> None:
    console, home = Console(), _home(var_dir)
    with backends.start(home, fresh=True) as found:
        runs, missing = suite.run(found, size, console)
        relay = suite.relay(found, console)
        delays = latency.run(found, rates, console)
    made = report.build(runs, missing, relay, delays)
    report.show(console, made)
    _write(name, made, report.plot, home, keep, console)


def _home(var_dir: Path | None) -> Path:
    return (var_dir or backends.default_var_dir() / "bench").resolve()


@app.command("backfill")
def backfill_(
    messages: Annotated[int, typer.Option(min=100, max=10_000_000, help="Messages of the replay")] = 1_000_000,
    var_dir: VarDir = None,
) -> None:
    """A replay of people, claims, statements (encrypted) and payments through `earnings backfill`; the result is checked.

    Fails when a message is missing or unexplained, or when memory grew.
    """
    console = Console()
    home = _home(var_dir)
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
    var_dir: VarDir = None,
) -> None:
    """A year of many claimants under another policy, and the price of one evaluation beside a plain Python loop."""
    what_if.run(claimants, processes, _home(var_dir), Console())


if __name__ == "__main__":
    app()
