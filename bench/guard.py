"""`make bench-check`: the newest report's ratios against committed floors. Absolute times are never compared.

Exit 1 when a ratio is below its floor; with CI=true it only warns, because machines that are rented by the minute are noisy.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from devstack import backends

FLOORS = Path(__file__).with_name("floors.json")
REPORTS = ("report.json", "suite.json")


def newest(home: Path) -> Path | None:
    """The report that was written last: of the short benchmark or of the whole suite."""
    found = [home / name for name in REPORTS if (home / name).exists()]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def floors() -> dict[str, float]:
    """Name of a gate → the least ratio that is accepted."""
    found: dict[str, float] = json.loads(FLOORS.read_text())
    return found


def below(gates: Sequence[Mapping[str, Any]], least: Mapping[str, float]) -> list[str]:
    """What is below its floor, and what has a floor but was not measured."""
    values = {gate["name"]: gate["value"] for gate in gates}
    wrong = []
    for name, floor in least.items():
        value = values.get(name)
        if value is None:
            wrong.append(f"{name}: not measured, the floor is {floor}")
        elif value < floor:
            wrong.append(f"{name}: {value} is below the floor of {floor}")
    return wrong


def exit_code(wrong: Sequence[str], environ: Mapping[str, str]) -> int:
    """0 when nothing is wrong, and on a build server whatever is."""
    return 1 if wrong and environ.get("CI", "").lower() != "true" else 0


def main(
    var_dir: Annotated[Path | None, typer.Option(help="Folder with the reports (default var/bench)")] = None,
) -> None:
    """Compare, say what is below its floor, and end with 0, 1, or 2 without a report."""
    path = newest(var_dir or backends.default_var_dir() / "bench")
    if path is None:
        typer.echo("there is no report: run make bench first")
        raise typer.Exit(2)
    wrong = below(json.loads(path.read_text())["gates"], floors())
    for line in wrong:
        typer.echo(line)
    typer.echo(f"{path}: {len(floors()) - len(wrong)} of {len(floors())} ratios are at or above their floor")
    raise typer.Exit(exit_code(wrong, os.environ))


if __name__ == "__main__":
    typer.run(main)
