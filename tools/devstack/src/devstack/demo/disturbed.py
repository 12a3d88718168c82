"""`make demo KILLS=n`: the same play twice, once in peace and once with workers and relays killed; the ends must be equal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from devstack.demo import play
from devstack.demo.digest import Digest, differences
from devstack.errors import DevstackError


def run(options: play.Options, home: Path, console: Console) -> None:
    """Raises DevstackError with what differs: something lost, doubled or sent twice."""
    console.rule("the reference: nobody is killed")
    quiet: list[Digest] = []
    play.run(replace(options, kills=0, ordered=True), home / "reference", console, examine=quiet.append)
    console.rule(f"the same play, every worker and relay killed {options.kills} times")
    killed: list[Digest] = []
    play.run(replace(options, ordered=True), home, console, examine=killed.append)
    wrong = differences(quiet[0], killed[0])
    if wrong:
        raise DevstackError("after the kills the platform ended differently:\n  " + "\n  ".join(wrong[:40]))
    compared = ", ".join(f"{name} {len(values):,}" for name, values in killed[0].items())
    console.print(f"Every worker and relay was killed {options.kills} times, after at least a tenth of the play.")
    console.print(f"Equal to the reference, nothing sent twice, nothing missing. Compared: {compared}")
