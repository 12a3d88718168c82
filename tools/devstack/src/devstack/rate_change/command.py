"""`python -m devstack rate-change`."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from devstack import backends

WIDE = 100
"""Characters that the report's table needs; in a log file every rule's name would be cut."""


def main(
    var_dir: Annotated[Path | None, typer.Option(help="Folder for data and logs (VAR_DIR, else var/ in the project)")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the synthetic world")] = 1,
    claimants: Annotated[int, typer.Option(min=200, help="People in the world; below 1,500 no bad file is sent")] = 30_000,
) -> None:
    """Raise a threshold by policy data alone: ask what if, deploy it, compare; then hold what a bad file would flag."""
    import structlog
    from rich.console import Console

    from devstack.rate_change import play

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    home = (var_dir or backends.default_var_dir()).resolve() / "rate-change"
    play.run(play.Options(seed=seed, claimants=claimants), home, Console(width=None if sys.stdout.isatty() else WIDE))
