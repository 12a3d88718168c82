"""Randomised arms: which arm a person falls into, drawn from the experiment's seed and the person alone.

The draw knows no claim, no day and no order of arrival, so that a replay, a move to another claim or a merge of two records
gives the same arm. Strata may have weights of their own; a person's stratum is noted when the arm is drawn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal

import msgspec

Trait = Literal["jurisdiction", "couple", "office", "work_group", "self_employed"]


class Arm(msgspec.Struct, frozen=True, kw_only=True):
    """weight: share of people. holdout: nothing is shown to a coach for these people while the experiment runs."""

    name: str
    weight: int
    holdout: bool = False


class Experiment(msgspec.Struct, frozen=True, kw_only=True):
    """until: last day. strata: traits that make a person's stratum, unless upstream names one.

    weights: stratum → arm → weight, where it differs from the arms' own.
    """

    id: str
    seed: str
    from_: date = msgspec.field(name="from")
    until: date
    arms: tuple[Arm, ...]
    strata: tuple[Trait, ...] = ()
    weights: dict[str, dict[str, int]] = {}

    def runs(self, on: date) -> bool:
        return self.from_ <= on <= self.until

    def arm(self, name: str) -> Arm | None:
        return next((arm for arm in self.arms if arm.name == name), None)


class Allotment(msgspec.Struct, frozen=True, kw_only=True):
    """An arm that was drawn for a person. exposed_at: when it first made a difference, or would have."""

    experiment: str
    arm: str
    stratum: str
    on: date
    exposed_at: datetime | None = None


def draw(experiment: Experiment, claimant_id: str, stratum: str) -> Arm:
    """The person's arm."""
    own = experiment.weights.get(stratum, {})
    weights = [own.get(arm.name, arm.weight) for arm in experiment.arms]
    text = "\x1f".join((experiment.seed, experiment.id, claimant_id))
    # 64 bits against sums of weights of at most thousands: the unevenness of the remainder is nothing.
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % sum(weights)
    for arm, weight in zip(experiment.arms, weights, strict=True):
        if number < weight:
            return arm
        number -= weight
    raise AssertionError("weights add up")


def merged(one: Sequence[Allotment], other: Sequence[Allotment]) -> tuple[Allotment, ...]:
    """Of two records of one person: per experiment the arm drawn first, and the first exposure to it."""
    found: dict[str, Allotment] = {}
    for allotment in sorted((*one, *other), key=lambda a: (a.on, a.arm, a.stratum)):
        known = found.setdefault(allotment.experiment, allotment)
        times = [a.exposed_at for a in (known, allotment) if a.exposed_at is not None and a.arm == known.arm]
        found[allotment.experiment] = msgspec.structs.replace(known, exposed_at=min(times, default=None))
    return tuple(sorted(found.values(), key=lambda a: (a.on, a.experiment)))
