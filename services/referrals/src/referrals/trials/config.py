"""Reads the experiments, and refuses those that cannot be drawn fairly."""

from __future__ import annotations

from importlib import resources
from itertools import combinations
from typing import Literal

import msgspec
import yaml

from referrals.rules.trials import Experiment


class ExperimentsFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file's content."""

    schema: Literal["experiments/1"]
    experiments: tuple[Experiment, ...]


def shipped_experiments() -> tuple[Experiment, ...]:
    """The experiments of the file in this package."""
    return read_experiments(resources.files("referrals").joinpath("trials", "experiments.yaml").read_text(encoding="utf-8"))


def read_experiments(text: str) -> tuple[Experiment, ...]:
    """Raises ValueError naming what is wrong."""
    found = msgspec.convert(yaml.safe_load(text), ExperimentsFile).experiments
    for experiment in found:
        _check(experiment)
    for one, other in combinations(found, 2):
        if one.id == other.id:
            raise ValueError(f"{one.id}: listed twice")
        if one.from_ <= other.until and other.from_ <= one.until:
            raise ValueError(f"{one.id} and {other.id} run on the same days: a person is in one experiment at a time")
    return found


def _check(experiment: Experiment) -> None:
    names = [arm.name for arm in experiment.arms]
    if len(names) < 2 or len(set(names)) < len(names):
        raise ValueError(f"{experiment.id}: two or more arms with different names are wanted")
    if experiment.until < experiment.from_:
        raise ValueError(f"{experiment.id}: ends before it begins")
    for weights in ({arm.name: arm.weight for arm in experiment.arms}, *experiment.weights.values()):
        if not set(weights) <= set(names) or any(weight < 0 for weight in weights.values()):
            raise ValueError(f"{experiment.id}: weights belong to arms and are not negative")
        if sum(weights.get(arm.name, arm.weight) for arm in experiment.arms) <= 0:
            raise ValueError(f"{experiment.id}: weights must not all be nil")
