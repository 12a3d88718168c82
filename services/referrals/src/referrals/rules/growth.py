"""Growth of pay over a window of periods, in pounds and in hours at the National Living Wage."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache

from referrals.rules.history import Ap
from referrals.rules.thresholds import nlw_hours


def light_touch(last: Sequence[Ap]) -> bool:
    """Every period of the window is at LT."""
    return all(ap.status == "LT" for ap in last)


def growth(last: Sequence[Ap]) -> tuple[Fraction, Fraction] | None:
    """(percent, NLW hours a week) from the first to the last period of a window with own pay and a conclusion in each."""
    first, final = last[0], last[-1]
    if any(ap.status is None or not ap.amount for ap in last) or first.thresholds is None or final.thresholds is None:
        return None
    begin, end = first.amount or 0, final.amount or 0
    hours = nlw_hours(end, final.thresholds.nlw) - nlw_hours(begin, first.thresholds.nlw)
    return Fraction((end - begin) * 100, begin), hours


def grew_over(last: Sequence[Ap], min_percent: str, min_hours: str) -> bool | None:
    """Growth needs both: a rise that only follows the NLW is none. None: it cannot be measured."""
    measured = growth(last)
    return None if measured is None else measured[0] >= exact(min_percent) and measured[1] >= exact(min_hours)


@cache
def exact(decimal: str) -> Fraction:
    """A policy's decimal text as an exact number; there are few, and they are read with every evaluation."""
    return Fraction(decimal)
