"""What the rules cost in the shell and in a plain loop, against gates; JSON, table and plot."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.measure import Result
from bench.report import Gate, show_gates
from bench.rules.run import Measured, Run, cpu, middle

RATIO, RATIO_TARGET = 0.4, 0.8
ADDED_US, ADDED_TARGET_US = 40, 20


def build(measured: Mapping[str, Measured], trivial: Sequence[Result]) -> dict[str, Any]:
    """Medians, every turn, and two gates for each service."""
    base = round(cpu(trivial, "client"), 1)
    services = {name: _service(one, base) for name, one in measured.items()}
    gates = [gate for name, one in services.items() for gate in _gates(name, one)]
    return {
        "services": services,
        "trivial_client_us": base,
        "turns": {name: {"shell": _turns(one.shell), "plain": _turns(one.plain)} for name, one in measured.items()},
        "trivial_turns": [asdict(one) for one in trivial],
        "gates": [{**asdict(gate), "met": gate.met} for gate in gates],
        "cores": os.cpu_count(),
    }


def _service(one: Measured, base: float) -> dict[str, Any]:
    shell, plain = middle(one.shell), middle(one.plain)
    client = cpu([turn.result for turn in one.shell], "client")
    return {
        "events": one.events,
        "shell": _contender(one.shell),
        "plain": _contender(one.plain),
        "ratio": round(shell.result.events_s / plain.result.events_s, 2),
        "added_us": round(client - base, 1),
        "alone_us": one.alone,
        "equal_rows": one.equal,
    }


def _contender(turns: Sequence[Run]) -> dict[str, Any]:
    results = [turn.result for turn in turns]
    return {
        "events_s": round(middle(turns).result.events_s),
        "cpu_us": {who: round(cpu(results, who), 1) for who in results[0].cpu_us},
        "per_transaction": round(middle(turns).per_transaction),
        "memory_mib": round(middle(turns).result.memory_mib),
    }


def _turns(turns: Sequence[Run]) -> list[dict[str, Any]]:
    return [asdict(turn) for turn in turns]


def _gates(name: str, one: Mapping[str, Any]) -> list[Gate]:
    return [
        Gate(f"{name}: against a plain loop with the same rules", one["ratio"], RATIO, RATIO_TARGET),
        Gate(f"{name}: client CPU beyond the trivial rule, µs an event", one["added_us"], ADDED_US, ADDED_TARGET_US,
             at_least=False),
    ]  # fmt: skip


def show(console: Console, made: Mapping[str, Any]) -> None:
    """The contenders, the rules alone, the gates."""
    table = Table(title="Medians; CPU in µs of one core an event", title_justify="left")
    for column in ("", "events/s", "client", "PostgreSQL", "a transaction"):
        table.add_column(column, justify="right" if column else "left")
    for name, one in made["services"].items():
        for who in ("shell", "plain"):
            row = one[who]
            spent = [f"{row['cpu_us'][what]:.1f}" for what in ("client", "postgresql")]
            table.add_row(f"{name}: {who}", f"{row['events_s']:,}", *spent, f"{row['per_transaction']:,}")
        table.add_row(f"{name}: alone, in memory", "", f"{sum(one['alone_us'].values()):.1f}", "", "")
    table.add_row("trivial rule: shell", "", f"{made['trivial_client_us']:.1f}", "", "")
    console.print(table)
    for name, one in made["services"].items():
        stages = ", ".join(f"{stage} {spent:.1f}" for stage, spent in one["alone_us"].items())
        rows = ", ".join(f"{what} {count:,}" for what, count in one["equal_rows"].items())
        console.print(f"{name} alone, µs: {stages}. Equal rows: {rows}", highlight=False)
    show_gates(console, made["gates"])


def plot(path: Path, made: Mapping[str, Any]) -> None:
    """Rates, and where the processor time goes."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    bars = [(f"{name}\n{who}", one[who]) for name, one in made["services"].items() for who in ("shell", "plain")]
    names = [name for name, _ in bars]
    figure, (rates, spent) = plt.subplots(1, 2, figsize=(10, 3.4))
    colours = ["#1d3f66" if name.endswith("shell") else "#9db4cc" for name in names]
    rates.bar_label(rates.bar(names, [one["events_s"] for _, one in bars], color=colours), fmt="{:,.0f}", fontsize=7)
    rates.set_ylabel("events a second (median)")
    client = [one["cpu_us"]["client"] for _, one in bars]
    spent.bar(names, client, color="#1d3f66", label="client")
    spent.bar(names, [one["cpu_us"]["postgresql"] for _, one in bars], bottom=client, color="#9db4cc", label="PostgreSQL")
    for place, one in enumerate(made["services"].values()):
        alone = sum(one["alone_us"].values())
        label = "rules alone" if place == 0 else None
        spent.hlines(alone, 2 * place - 0.4, 2 * place + 1.4, color="#b3541e", label=label)
    spent.set_ylabel("CPU, µs an event")
    spent.legend(fontsize=7)
    for axes in (rates, spent):
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)
