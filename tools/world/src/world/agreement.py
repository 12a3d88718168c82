"""Agreement of attributed payments with the truth: how many stand in the period they belong to, and why the others do not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A payment in another period than the truth says. causes: empty when nothing explains it."""

    payment_id: str
    claim_id: str
    start: date | None
    causes: tuple[str, ...]


@dataclass(slots=True)
class Agreement:
    """payments: labelled. misses: those that stand elsewhere, or nowhere."""

    payments: int = 0
    misses: list[Miss] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Of the payments that stand where they belong."""
        return 1.0 if not self.payments else 1 - len(self.misses) / self.payments


def agreement(truth: Mapping[str, Any], placed: Mapping[str, str], period_id: Callable[[str, date], str]) -> Agreement:
    """placed: payment id -> period id, as last published. period_id: of a claim and the period's first day."""
    notes: dict[str, set[str]] = {}
    for note in truth["notes"]:
        if note["cause"] in ("dead", "claim_closed"):
            notes.setdefault(note["claimant_id"], set()).add(note["cause"])
    found = Agreement(len(truth["payments"]))
    for row in truth["payments"]:
        start = None if row["start"] is None else date.fromisoformat(row["start"])
        wanted = None if start is None else period_id(row["claim_id"], start)
        if placed.get(row["payment_id"]) != wanted:
            causes = [f"{row['because']}"] if start is None else []
            causes += sorted(notes.get(row["claimant_id"], ()))
            found.misses.append(Miss(payment_id=row["payment_id"], claim_id=row["claim_id"], start=start, causes=tuple(causes)))
    return found
