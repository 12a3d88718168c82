"""The report of a run of cells as a table, a plot, and (asked for) a document.

python -m tests.faults.summary var/faults/report.json [docs/faults.md]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
from matplotlib.figure import Figure
from tests.faults.report import CONFIDENT, INVARIANTS, RECOVERY_S

HEAD = "| cell | seed | events | anomalies | recovered after, s | p50 / p95 / p99, ms | took, s |\n|---|---|---|---|---|---|---|"


def row(cell: dict[str, Any]) -> str:
    """One line of the table."""
    found = ", ".join(f"{name.split()[0]} {count}" for name, count in cell["anomalies"].items() if count) or "0"
    recovered = ", ".join(f"{seconds:.1f}" for seconds in cell["recoveries_s"]) or "-"
    latency = " / ".join("-" if value is None else f"{1000 * value:.0f}" for value in cell["latency_s"].values())
    return f"| {cell['cell']} | {cell['seed']} | {cell['events']} | {found} | {recovered} | {latency} | {cell['took_s']:.0f} |"


def text(report: dict[str, Any]) -> str:
    """Table, bound and mutants."""
    cells = report["cells"]
    events = sum(cell["events"] for cell in cells)
    total = sum(sum(cell["anomalies"].values()) for cell in cells)
    slowest = max((seconds for cell in cells for seconds in cell["recoveries_s"]), default=0.0)
    bound = f"at most {CONFIDENT / events:.3%} of events at 95 %" if events and not total else "no bound"
    lines = [HEAD, *map(row, cells), ""]
    lines.append(f"{len(cells)} cells, {events} events, {total} anomalies of {len(INVARIANTS)} classes ({bound}).")
    lines.append(f"Slowest recovery {slowest:.1f} s, promised {RECOVERY_S:g} s.")
    lines.append(f"{report['cores']} cores, load {report['load']:.1f} at the end.")
    if report["mutants"]:
        lines += ["", "| broken promise | noticed by |", "|---|---|"]
        lines += [f"| {name} | {', '.join(classes) or 'nobody'} |" for name, classes in report["mutants"].items()]
    return "\n".join(lines) + "\n"


def plot(report: dict[str, Any], path: Path) -> None:
    """Seconds to recover, and latency, by cell."""
    cells = [cell for cell in report["cells"] if cell["recoveries_s"]]
    figure = Figure(figsize=(11, 2 + 0.22 * len(cells)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    names = [cell["cell"] for cell in cells]
    left.barh(names, [max(cell["recoveries_s"]) for cell in cells], color="#1d70b8")
    left.axvline(RECOVERY_S, color="#d4351c", linestyle="--")
    left.set_xlabel("longest recovery, s (dashed: promised)")
    left.invert_yaxis()
    for name, marker in (("p50", "o"), ("p95", "s"), ("p99", "^")):
        told = [(1000 * cell["latency_s"][name], cell["cell"]) for cell in cells if cell["latency_s"][name] is not None]
        right.plot([value for value, _ in told], [cell for _, cell in told], marker, label=name)
    right.set_xscale("log")
    right.set_xlabel("event to event that it caused, ms, faults included")
    right.legend()
    figure.savefig(path)


def main() -> None:
    source = Path(sys.argv[1])
    report = msgspec.json.decode(source.read_bytes())
    print(text(report))
    plot(report, source.with_suffix(".svg"))
    if len(sys.argv) > 2:
        target = Path(sys.argv[2])
        plot(report, target.with_suffix(".svg"))
        faults = "\n".join(f"- **{cell['cell']}**: {', '.join(cell['faults'])}" for cell in report["cells"])
        target.write_text(
            "# What the fault cells found\n\nWritten by `make faults`, then "
            "`python -m tests.faults.summary var/faults/report.json docs/faults.md`. Seeds repeat the plan; moments of crashes "
            f"and schedules of processes differ between runs.\n\n{text(report)}\n![Recovery and latency]({target.stem}.svg)\n\n"
            f"## Faults fired\n{faults}\n"
        )


if __name__ == "__main__":
    main()
