"""What a cell says of itself: seeds, events, faults, anomalies of each class, seconds to recover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.faults.checker import Anomalies

INVARIANTS = (
    "I1 conservation", "I2 effect once", "I3 atomicity", "I4 order", "I5 determinism", "I6 sent twice", "I8 isolation",
    "I10 audit",
)  # fmt: skip
RECOVERY_S = 60.0


@dataclass
class Cell:
    """One fault cell's account."""

    name: str
    seed: int
    events: int = 0
    faults: list[str] = field(default_factory=list)
    recoveries: list[float] = field(default_factory=list)
    anomalies: Anomalies = field(default_factory=dict)

    def line(self) -> str:
        """One line. Zero anomalies is told as a bound at 95 %, never as never."""
        total = sum(map(len, self.anomalies.values()))
        counted = ", ".join(f"{name.split()[0]} {len(self.anomalies.get(name, ()))}" for name in INVARIANTS)
        bound = f"; at most {3 / self.events:.2%} of events at 95 %" if self.events and not total else ""
        recovered = ", ".join(f"{seconds:.1f}" for seconds in self.recoveries) or "-"
        return (
            f"{self.name}: seed {self.seed}, {self.events} events, faults: {', '.join(self.faults) or 'none'}; "
            f"anomalies {total} ({counted}){bound}; recovered after {recovered} s"
        )

    def verify(self) -> None:
        """Fails with the anomalies, or when a recovery took too long."""
        shown = [f"{name}: {one}" for name, found in self.anomalies.items() for one in found[:8]]
        assert not shown, f"{self.line()}\n" + "\n".join(shown)
        assert self.faults, "no fault was fired"
        assert max(self.recoveries, default=0) <= RECOVERY_S, self.line()


def of(cells: Sequence[Cell]) -> list[str]:
    return [cell.line() for cell in cells]
