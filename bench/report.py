"""Ratios and gates, as table, JSON and plot. Absolute numbers are of this machine and this hour; ratios travel better."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.latency import Delays
from bench.measure import Result
from bench.suite import Rate, median

SHELL = "shell, 2 lanes"


@dataclass(frozen=True, slots=True)
class Gate:
    """A figure that must not be passed. at_least: otherwise at most. target: what we aim for."""

    name: str
    value: float | None
    gate: float
    target: float
    at_least: bool = True

    @property
    def met(self) -> bool | None:
        """None: not measured."""
        if self.value is None:
            return None
        return self.value >= self.gate if self.at_least else self.value <= self.gate


def build(runs: list[Result], relay: Rate, delays: Delays) -> dict[str, Any]:
    """Everything measured, and the gates."""
    return {
        "runs": [asdict(result) for result in runs],
        "relay": asdict(relay),
        "latency_ms": asdict(delays),
        "gates": [{**asdict(gate), "met": gate.met} for gate in _gates(runs, relay, delays)],
    }


def _gates(runs: list[Result], relay: Rate, delays: Delays) -> list[Gate]:
    def ratio(load: str, peer: str) -> float | None:
        ours, theirs = median(runs, load, SHELL), median(runs, load, peer)
        return None if ours is None or theirs is None else round(ours.events_s / theirs.events_s, 2)

    def cpu(load: str, who: str) -> float | None:
        ours = median(runs, load, SHELL)
        return None if ours is None else round(ours.cpu_us[who], 1)

    ours = median(runs, "hot", SHELL)
    outputs = None if ours is None else round(relay.events_s / (ours.events_s / 20), 2)
    return [
        Gate("hot: against the plain confluent loop", ratio("hot", "plain confluent loop"), 1.0, 1.3),
        Gate("hot: against confluent with 2 writers", ratio("hot", "plain confluent, 2 writers"), 0.55, 0.8),
        Gate("hot: against Faust batches", ratio("hot", "Faust, batches of 1000"), 7, 12),
        Gate("hot: against naive Faust", ratio("hot", "Faust, one event one transaction"), 30, 50),
        Gate("hot: client CPU, µs an event", cpu("hot", "client"), 16, 10, at_least=False),
        Gate("hot: PostgreSQL CPU, µs an event", cpu("hot", "postgresql"), 11, 6, at_least=False),
        Gate("wide: against confluent with 2 writers", ratio("wide", "plain confluent, 2 writers"), 0.5, 0.75),
        Gate("wide: PostgreSQL CPU, µs an event", cpu("wide", "postgresql"), 22, 15, at_least=False),
        Gate(f"p99 at {delays.rate:,} events/s, ms", delays.p99, 250, 80, at_least=False),
        Gate("relay rate / rate of outputs at full drain", outputs, 1.5, 3),
    ]


def write(home: Path, made: dict[str, Any]) -> None:
    """report.json and rates.png."""
    (home / "report.json").write_text(json.dumps(made, indent=2) + "\n")
    plot(home / "rates.png", made["runs"])


def plot(path: Path, runs: list[dict[str, Any]]) -> None:
    """Median rates as bars, one group a load."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(f"{run['load']}: {run['contender']}" for run in runs))
    rates = [_median([run["events_s"] for run in runs if f"{run['load']}: {run['contender']}" == name]) for name in names]
    figure, axes = plt.subplots(figsize=(9, 0.45 * len(names) + 1.2))
    bars = axes.barh(names, rates, color=["#1d3f66" if "shell" in name else "#9db4cc" for name in names])
    axes.bar_label(bars, labels=[f"{rate:,.0f}" for rate in rates], padding=3)
    axes.invert_yaxis()
    axes.set_xlabel("events a second (median)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def show(console: Console, made: dict[str, Any]) -> None:
    """The gates; a missed ratio warns, wrong results have stopped the run before."""
    table = Table(title="Gates (median of the runs above; results checked equal)", title_justify="left")
    for column in ("", "measured", "gate", "target", ""):
        table.add_column(column, justify="right" if column else "left")
    word: dict[bool | None, str] = {True: "met", False: "MISSED", None: "not measured"}
    sign: Callable[[bool], str] = lambda at_least: "≥" if at_least else "≤"  # noqa: E731
    for gate in made["gates"]:
        mark = sign(gate["at_least"])
        table.add_row(gate["name"], str(gate["value"]), f"{mark} {gate['gate']}", f"{mark} {gate['target']}", word[gate["met"]])
    console.print(table)
