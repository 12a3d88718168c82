"""`python -m devstack demo`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from devstack import backends

Percent = Annotated[
    float | None, typer.Option(min=0, max=100, help="Per cent of payslips; any of these replaces the world's own share")
]


def main(
    var_dir: Annotated[Path | None, typer.Option(help="Folder for data and logs (VAR_DIR, else var/ in the project)")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the synthetic world and of everybody's choices")] = 1,
    claimants: Annotated[int, typer.Option(min=20, help="People in the world")] = 500,
    months: Annotated[int, typer.Option(min=6, max=9, help="Months played")] = 8,
    kills: Annotated[int, typer.Option(min=0, help="SIGKILLs of each worker and relay; compared with an undisturbed play")] = 0,
    corrections: Percent = None,
    late: Percent = None,
    duplicates: Percent = None,
    conflicts: Percent = None,
) -> None:
    """Play a synthetic world through the whole platform, day by day, and report what came of it."""
    import structlog
    from rich.console import Console

    from devstack.demo import disturbed, play
    from world.reports import Rates

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))

    given = {"corrections": corrections, "late": late, "duplicates": duplicates, "conflicts": conflicts}
    shares = {name: percent / 100 for name, percent in given.items() if percent is not None}
    options = play.Options(
        seed=seed, claimants=claimants, months=months, kills=kills, rates=Rates(**shares, beyond=late is not None)
    )
    home = (var_dir or backends.default_var_dir()).resolve() / "demo"
    console = Console()
    if kills:
        disturbed.run(options, home, console)
    else:
        play.run(options, home, console)
