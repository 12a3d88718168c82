"""Ratios and gates, as table, JSON and plot. Absolute numbers are of this machine and this hour; ratios travel better."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.latency import Delays
from bench.measure import SHELL, Result
from bench.suite import Rate, median

PLAIN = "plain confluent loop"
WIDE = 125
"""Characters that the table of contenders needs; narrower output (a log file) would break every name."""


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


def build(runs: list[Result], missing: dict[str, str], relay: Rate, delays: Sequence[Delays]) -> dict[str, Any]:
    """Everything measured, and the gates. missing: contenders that could not be installed."""
    return {
        "runs": [asdict(result) for result in runs],
        "contenders": _contenders(runs),
        "missing": missing,
        "relay": asdict(relay),
        "latency_ms": [asdict(one) for one in delays],
        "gates": [{**asdict(gate), "met": gate.met} for gate in _gates(runs, relay, delays)],
        "cores": os.cpu_count(),
    }


def _contenders(runs: list[Result]) -> list[dict[str, Any]]:
    """Each contender's median run on each load, with its rate as a multiple of the plain loop's."""
    made = []
    for load, name in dict.fromkeys((run.load, run.contender) for run in runs):
        one, plain = median(runs, load, name), median(runs, load, PLAIN)
        assert one is not None
        times = None if plain is None else round(one.events_s / plain.events_s, 3)
        made.append({**asdict(one), "to_plain_loop": times})
    return made


def _gates(runs: list[Result], relay: Rate, delays: Sequence[Delays]) -> list[Gate]:
    def ratio(load: str, peer: str) -> float | None:
        ours, theirs = median(runs, load, SHELL.name), median(runs, load, peer)
        return None if ours is None or theirs is None else round(ours.events_s / theirs.events_s, 2)

    def cpu(load: str, who: str) -> float | None:
        ours = median(runs, load, SHELL.name)
        return None if ours is None else round(ours.cpu_us[who], 1)

    ours = median(runs, "hot", SHELL.name)
    outputs = None if ours is None else round(relay.events_s / (ours.events_s / 20), 2)
    return [
        Gate("hot: against the plain confluent loop", ratio("hot", PLAIN), 1.0, 1.3),
        Gate("hot: against confluent with 2 writers", ratio("hot", "plain confluent, 2 writers"), 0.55, 0.8),
        Gate("hot: against quixstreams", ratio("hot", "quixstreams, batching sink"), 1.6, 2.5),
        Gate("hot: against Faust batches", ratio("hot", "Faust, batches of 1000"), 7, 12),
        Gate("hot: against naive Faust", ratio("hot", "Faust, one event one transaction"), 30, 50),
        Gate("hot: client CPU, µs an event", cpu("hot", "client"), 16, 10, at_least=False),
        Gate("hot: PostgreSQL CPU, µs an event", cpu("hot", "postgresql"), 11, 6, at_least=False),
        Gate("wide: against confluent with 2 writers", ratio("wide", "plain confluent, 2 writers"), 0.5, 0.75),
        Gate("wide: PostgreSQL CPU, µs an event", cpu("wide", "postgresql"), 22, 15, at_least=False),
        Gate("p99 at 2,000 events/s, ms", next((one.p99 for one in delays if one.rate == 2_000), None), 250, 80, at_least=False),
        Gate("relay rate / rate of outputs at full drain", outputs, 1.5, 3),
    ]


def plot(path: Path, made: Mapping[str, Any]) -> None:
    """Median rates as bars, on a scale that leaves the slow ones visible."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    contenders = made["contenders"]
    names = [f"{one['load']}: {one['contender']}" for one in contenders]
    rates = [one["events_s"] for one in contenders]
    figure, axes = plt.subplots(figsize=(9, 0.45 * len(names) + 1.2))
    bars = axes.barh(names, rates, color=["#1d3f66" if "shell" in name else "#9db4cc" for name in names])
    axes.bar_label(bars, labels=[f"{rate:,.0f}" for rate in rates], padding=3)
    axes.set_xscale("log")
    axes.set_xlim(left=100)
    axes.invert_yaxis()
    axes.set_xlabel("events a second (median, logarithmic)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def show(console: Console, made: dict[str, Any]) -> None:
    """The contenders and the gates; a missed ratio warns, wrong results have stopped the run before."""
    rows = Table(title="Medians; CPU in µs of one core an event", title_justify="left")
    for column in ("", "events/s", "× plain", "client", "PostgreSQL", "broker", "peak MiB", "first commit, s"):
        rows.add_column(column, justify="right" if column else "left")
    for one in made["contenders"]:
        cpu = [f"{one['cpu_us'][who]:.1f}" for who in ("client", "postgresql", "kafka")]
        times = "" if one["to_plain_loop"] is None else f"{one['to_plain_loop']:.2f}"
        rows.add_row(f"{one['load']}: {one['contender']}", f"{one['events_s']:,.0f}", times, *cpu, f"{one['memory_mib']:,.0f}",
                     f"{one['startup_s']:.1f}")  # fmt: skip
    Console(width=max(console.width, WIDE)).print(rows)
    for name in made["missing"]:
        console.print(f"[bold]{name} was not measured: it could not be installed[/bold]")
    show_gates(console, made["gates"])


def show_gates(console: Console, gates: Sequence[Mapping[str, Any]]) -> None:
    """Each gate beside what was measured."""
    table = Table(title="Gates (median of the runs above; results checked equal)", title_justify="left")
    for column in ("", "measured", "gate", "target", ""):
        table.add_column(column, justify="right" if column else "left")
    word: dict[bool | None, str] = {True: "met", False: "MISSED", None: "not measured"}
    sign: Callable[[bool], str] = lambda at_least: "≥" if at_least else "≤"  # noqa: E731
    for gate in gates:
        mark = sign(gate["at_least"])
        table.add_row(gate["name"], str(gate["value"]), f"{mark} {gate['gate']}", f"{mark} {gate['target']}", word[gate["met"]])
    console.print(table)
