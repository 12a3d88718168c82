"""`python -m bench.sizing`: what Great Britain would need, computed from the committed figures into docs/sizing.md."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from bench import figures

PAGE = Path(__file__).parents[1] / "docs" / "sizing.md"
BEGIN, END = "<!-- computed by python -m bench.sizing: begin -->", "<!-- end -->"
CLAIMANTS = 2_500_000
HOURS = 30 * 24
MONTH_S = HOURS * 3_600
SPREADS = {"evenly over the month": MONTH_S, "a month in one day": 86_400, "a month in one hour": 3_600}
BUSY = 0.6
"""Share of a core that may be busy at the peak, so that a worker that dies can be stood in for."""
CORE_HOUR, GIB_MONTH = 0.04, 0.10
"""Pounds, assumed: the order of what large providers ask. A core that is there is paid for, busy or not."""
PARTITIONS = (12, 24, 48, 96, 192, 384)
MISSING = (
    "The figures are not there yet: `python -m bench growth --keep` and `python -m bench end-to-end --keep` measure them,"
    " then `python -m bench.sizing` writes this part."
)


def render(whole: Mapping[str, Any] | None, growth: Mapping[str, Any] | None) -> str:
    """The computed part of the page, Markdown. whole: figures of end-to-end; growth: of growth."""
    if whole is None or growth is None:
        return MISSING
    burst = whole["burst"]
    month = CLAIMANTS * burst["messages_a_claimant"]
    grown = max(1.0, growth["flat"]["postgresql"])
    spent = {who: ms * (grown if who == "postgresql" else 1.0) for who, ms in burst["cpu_ms_a_message"].items()}
    first, last = growth["flat"]["from"], growth["flat"]["to"]
    lines = [
        f"- Messages: {CLAIMANTS:,} claimants × {burst['messages_a_claimant']} messages in {burst['days']} days "
        f"= {month:,.0f} a month.",
        f"- CPU of a message: {sum(spent.values()):.2f} ms over all processes, of which PostgreSQL "
        f"{burst['cpu_ms_a_message']['postgresql']:.2f} × {grown:.2f} (tables of {last:,} claimants against {first:,}).",
        f"- Whole month: {month:,.0f} × {sum(spent.values()):.2f} ms = {month * sum(spent.values()) / 3.6e6:,.1f} core hours.",
        "",
        "| cores | ms a message | " + " | ".join(SPREADS) + " |",
        "|---|---:|" + "---:|" * len(SPREADS),
        _row("messages a second", "", [f"{month / seconds:,.1f}" for seconds in SPREADS.values()]),
    ]
    for who, ms in spent.items():
        lines.append(_row(who, f"{ms:.2f}", [f"{month / seconds * ms / 1000:,.2f}" for seconds in SPREADS.values()]))
    busiest = max(ms for who, ms in spent.items() if who.endswith("-worker"))
    most = [workers(month / seconds * busiest / 1000) for seconds in SPREADS.values()]
    total = sum(spent.values())
    cores = [month / seconds * total / 1000 for seconds in SPREADS.values()]
    lines += [
        _row("all", f"{total:.2f}", [f"{count:,.1f}" for count in cores]),
        _row("£ a month for these cores", "", [f"{count / BUSY * HOURS * CORE_HOUR:,.0f}" for count in cores]),
        _row("workers of the busiest service", "", [str(count) for count in most]),
        _row("partitions", "", [str(partitions(count)) for count in most]),
    ]
    lines += [
        "",
        f"Cores = messages/s × ms of CPU ÷ 1000. Workers = cores of the service's worker ÷ {BUSY} (share of a core that may be "
        "busy), rounded up; partitions: twice as many at least. "
        f"£ = cores ÷ {BUSY} × {HOURS} hours × £{CORE_HOUR:.2f} a core hour, an assumed price.",
        "",
        f"| database | bytes a message | GiB a month | GiB a year | £ a month after a year, at £{GIB_MONTH:.2f} a GiB |",
        "|---|---:|---:|---:|---:|",
    ]
    for service, size in burst["stored_bytes_a_message"].items():
        gib = month * size / 2**30
        lines.append(f"| {service} | {size:,} | {gib:,.1f} | {gib * 12:,.0f} | {gib * 12 * GIB_MONTH:,.0f} |")
    return "\n".join(lines)


def _row(label: str, price: str, cells: Sequence[str]) -> str:
    return f"| {label} | {price} | {' | '.join(cells)} |"


def workers(cores: float) -> int:
    """How many processes of one core share this load with room to spare; one at least."""
    return max(1, math.ceil(cores / BUSY))


def partitions(count: int) -> int:
    """The smallest usual number that gives every worker two."""
    return next((number for number in PARTITIONS if number >= 2 * count), 2 * count)


def replaced(page: str, computed: str) -> str:
    """The page with its computed part exchanged. Raises ValueError without the marks."""
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n{computed}\n{END}{rest.split(END)[1]}"


def main() -> None:
    """Write the computed part of docs/sizing.md."""
    computed = render(figures.read("end-to-end"), figures.read("growth"))
    PAGE.write_text(replaced(PAGE.read_text(), computed))
    typer.echo(f"{PAGE} written")
    raise typer.Exit(1 if computed == MISSING else 0)


if __name__ == "__main__":
    typer.run(main)
