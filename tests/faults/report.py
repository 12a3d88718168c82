"""What a cell says of itself: seeds, events, faults, anomalies of each class, seconds to recover, latencies; and the book
of all cells, on disk after each of them."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from tests.faults.stage import Leg

REPORT = "report.json"
INVARIANTS = (
    "I1 conservation", "I2 effect once", "I3 atomicity", "I4 order", "I5 determinism", "I6 sent twice", "I7 recovery",
    "I8 isolation", "I9 tenancy", "I10 audit",
)  # fmt: skip
RECOVERY_S = 60.0
CONFIDENT = 3.0
"""Zero anomalies among n: at 95 % at most this / n."""


@dataclass
class Cell:
    """One fault cell's account. latencies_s: from an event to one that it caused, during the cell's legs."""

    name: str
    seed: int
    events: int = 0
    faults: list[str] = field(default_factory=list)
    recoveries: list[float] = field(default_factory=list)
    anomalies: dict[str, list[str]] = field(default_factory=dict)
    latencies_s: list[float] = field(default_factory=list)
    unknown_sends: int = 0
    took_s: float = 0.0

    def add(self, leg: Leg) -> None:
        """Count a leg that was played under this cell's fault."""
        self.events += leg.events
        self.recoveries.append(leg.recovery_s)
        self.latencies_s += leg.latencies_s

    def percentile(self, share: float) -> float | None:
        """Of the latencies, seconds; None without any."""
        ordered = sorted(self.latencies_s)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None

    def line(self) -> str:
        """One line. Zero anomalies is told as a bound at 95 %, never as never."""
        total = sum(map(len, self.anomalies.values()))
        counted = ", ".join(f"{name.split()[0]} {len(self.anomalies.get(name, ()))}" for name in INVARIANTS)
        bound = f"; at most {CONFIDENT / self.events:.2%} of events at 95 %" if self.events and not total else ""
        recovered = ", ".join(f"{seconds:.1f}" for seconds in self.recoveries) or "-"
        return (
            f"{self.name}: seed {self.seed}, {self.events} events, faults: {', '.join(self.faults) or 'none'}; "
            f"anomalies {total} ({counted}){bound}; recovered after {recovered} s"
        )

    def verify(self) -> None:
        """Fails with the anomalies, or when a recovery took too long."""
        slow = [f"recovered after {seconds:.1f} s" for seconds in self.recoveries if seconds > RECOVERY_S]
        if slow:
            self.anomalies["I7 recovery"] = slow
        shown = [f"{name}: {one}" for name, found in self.anomalies.items() for one in found[:8]]
        assert not shown, f"{self.line()}\n" + "\n".join(shown)
        assert self.faults, "no fault was fired"

    def told(self) -> dict[str, Any]:
        """For the report file."""
        return {
            "cell": self.name,
            "seed": self.seed,
            "events": self.events,
            "faults": [one if n == 1 else f"{one} ({n} times)" for one, n in Counter(self.faults).items()],
            "anomalies": {name: len(self.anomalies.get(name, ())) for name in INVARIANTS},
            "unknown_sends": self.unknown_sends,
            "recoveries_s": [round(seconds, 2) for seconds in self.recoveries],
            "latency_s": {name: self.percentile(share) for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))},
            "took_s": round(self.took_s, 1),
        }


class Book:
    """The accounts of a run, in one JSON file that is whole at any time. mutants: broken promise → classes that noticed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._cells: list[dict[str, Any]] = []
        self._mutants: dict[str, list[str]] = {}

    def add(self, cell: Cell) -> None:
        """Note a cell."""
        self._cells.append(cell.told())
        self._write()

    def caught(self, mutant: str, classes: set[str]) -> None:
        """Note that a broken promise was noticed, and by which invariants."""
        self._mutants[mutant] = sorted(classes)
        self._write()

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        whole = {"cores": os.cpu_count(), "load": os.getloadavg()[0], "cells": self._cells, "mutants": self._mutants}
        beside = self._path.with_suffix(".new")
        beside.write_bytes(msgspec.json.format(msgspec.json.encode(whole), indent=1))
        beside.rename(self._path)
