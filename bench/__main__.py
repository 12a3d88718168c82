"""`make bench`: the short benchmark of the event path, about five minutes. `python -m bench --help`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench import latency, report, suite
from devstack import backends


def main(
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each fast contender; the median counts")] = 3,
    events: Annotated[int, typer.Option(min=10_000, help="Events of the hot load")] = 200_000,
    wide_events: Annotated[int, typer.Option(min=10_000, help="Events of the wide load")] = 300_000,
    wide_keys: Annotated[int, typer.Option(min=10_000, help="Keys in the table before the wide load")] = 1_000_000,
    rate: Annotated[int, typer.Option(min=1, help="Events a second of the latency run")] = 2_000,
    var_dir: Annotated[Path | None, typer.Option(help="Folder for data and logs (default var/bench)")] = None,
) -> None:
    """Hot and wide loads through the shell, plain loops and Faust, in one run on one broker and database; results checked."""
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


if __name__ == "__main__":
    typer.run(main)
