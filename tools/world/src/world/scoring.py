"""Agreement of flags with the truth: precision and recall of each rule, and what explains every difference."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Literal

from world.truth.judge import RULES

NEAR = timedelta(days=70)
"""A note this many days before the period can still explain a difference (look-back, runs)."""


@dataclass(frozen=True, slots=True, order=True)
class Flag:
    """A flag that stands at the end of the play (raised, not withdrawn, its reason not gone)."""

    rule: str
    claimant_id: str
    period_start: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A label without a flag (missed) or a flag without a label (unexpected). causes: empty when nothing explains it."""

    kind: Literal["missed", "unexpected"]
    flag: Flag
    story: str
    causes: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Score:
    """Of one rule. precision and recall are 1.0 when there is nothing to be wrong about."""

    agreed: int = 0
    flagged: int = 0
    labelled: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def precision(self) -> float:
        """Share of flags that have a label."""
        return self.agreed / self.flagged if self.flagged else 1.0

    @property
    def recall(self) -> float:
        """Share of labels that have a flag."""
        return self.agreed / self.labelled if self.labelled else 1.0


def labels(truth: dict[str, Any]) -> set[Flag]:
    """The labels of a truth document as flags."""
    return {Flag(row["rule"], row["claimant_id"], date.fromisoformat(row["start"])) for row in truth["labels"]}


def score(truth: dict[str, Any], standing: Iterable[Flag]) -> dict[str, Score]:
    """Compares standing flags with a truth document, rule by rule."""
    expected, actual = labels(truth), set(standing)
    notes: dict[str, list[dict[str, Any]]] = {}
    for note in truth["notes"]:
        notes.setdefault(note["claimant_id"], []).append(note)
    result: dict[str, Score] = {}
    for rule in RULES:
        wanted = {flag for flag in expected if flag.rule == rule}
        got = {flag for flag in actual if flag.rule == rule}
        one = Score(agreed=len(wanted & got), flagged=len(got), labelled=len(wanted))
        for kind, flags in (("missed", wanted - got), ("unexpected", got - wanted)):
            for flag in sorted(flags):
                story = truth["stories"].get(flag.claimant_id, "nobody of this world")
                causes = _causes(flag, notes.get(flag.claimant_id, ()))
                one.differences.append(Difference(kind=kind, flag=flag, story=story, causes=causes))  # type: ignore[arg-type]
        result[rule] = one
    return result


def _causes(flag: Flag, notes: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    found = []
    for note in notes:
        start = date.fromisoformat(note["start"])
        about = note["rule"] in (None, flag.rule)
        if about and start - timedelta(days=1) <= flag.period_start <= start + NEAR:
            stage = note["detail"].get("stage")
            found.append(f"{note['cause']} ({stage})" if stage else str(note["cause"]))
    return tuple(dict.fromkeys(found))
