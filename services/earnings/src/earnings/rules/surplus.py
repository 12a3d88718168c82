"""Surplus earnings: what exceeds the relevant threshold is carried into the next assessment periods (regulation 54A).

Explained, for one past or supposed run of periods; never for payment. Money is pence, net earned income. Not applied to recent
victims of domestic violence, which this platform does not know and must not ask.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from earnings.rules.average import half_up
from earnings.rules.policy import SurplusPolicy
from earnings.rules.words import money

WARNINGS = {
    "de_minimis_determination_not_seen": "no determination of the de minimis for this time was found; the last one is taken to"
    " go on. If it does not, the statutory 300.00 applies.",
}
"""Warning → words."""


class Award(NamedTuple):
    """maximum: the award before any deduction, unearned income already off it. deduction, paid: pence."""

    maximum: int
    deduction: int
    paid: int


class Thresholds(NamedTuple):
    """nil: earned income at which the award is nil. relevant: what must be exceeded for a surplus."""

    nil: int
    relevant: int


class Month(NamedTuple):
    """One assessment period's earned income and self-employed loss."""

    earnings: int
    loss: int = 0


class Period(NamedTuple):
    """What one assessment period's calculation rests on. maximum: the award before deductions, unearned income already off it;
    policy: the figures in force on its first day."""

    maximum: int
    work_allowance: int
    month: Month
    policy: SurplusPolicy


class Carried(NamedTuple):
    """One assessment period with what was carried in and out, and the sums in words."""

    surplus_in: int
    counted: int
    award: int
    surplus_out: int
    explanation: tuple[str, ...]


def award(maximum: int, counted: int, work_allowance: int, taper: Fraction) -> Award:
    """The maximum award less the taper of the income above the work allowance, to the nearest penny (regulation 22)."""
    deduction = half_up(max(0, counted - work_allowance) * taper)
    return Award(maximum, deduction, max(0, maximum - deduction))


def thresholds(maximum: int, work_allowance: int, policy: SurplusPolicy) -> Thresholds:
    """maximum: maximum award less unearned income."""
    nil = half_up(Fraction(maximum) / policy.taper) + work_allowance
    return Thresholds(nil, nil + policy.de_minimis)


def carry(maximum: int, work_allowance: int, months: Sequence[Month], policy: SurplusPolicy) -> list[Carried]:
    """Period by period from the first, the award's figures being the same in all."""
    return carry_through([Period(maximum, work_allowance, month, policy) for month in months])


def carry_through(periods: Sequence[Period]) -> list[Carried]:
    """Period by period from the first. A surplus is worked down by the relevant threshold in each, for at most
    `further_periods` after the one it arose in."""
    found: list[Carried] = []
    surplus = carried_for = 0
    for maximum, work_allowance, month, policy in periods:
        limit = thresholds(maximum, work_allowance, policy)
        expired = carried_for > policy.further_periods
        coming = 0 if expired else surplus
        counted = max(0, month.earnings - month.loss + coming)
        paid = award(maximum, counted, work_allowance, policy.taper)
        surplus = max(0, counted - limit.relevant)
        carried_for = 0 if not surplus else 1 if expired or not coming else carried_for + 1
        found.append(Carried(coming, counted, paid.paid, surplus, tuple(_words(month, coming, counted, paid, surplus, limit))))
    return found


def carried_into(periods: Sequence[Period | None]) -> frozenset[int]:
    """Places of the periods into which a surplus is carried. None: nothing is known of that period, so that nothing is said
    of those after it until a surplus arises anew; whether one comes into it rests on the periods before."""
    found: set[int] = set()
    run: list[Period] = []
    for place, period in enumerate([*periods, None]):
        if period is not None:
            run.append(period)
            continue
        if run:
            first, nothing = place - len(run), run[-1]._replace(month=Month(0))
            passed = carry_through([*run, nothing])
            found |= {first + number for number, carried in enumerate(passed) if carried.surplus_in}
        run = []
    return frozenset(place for place in found if place < len(periods))


def explain(maximum: int, work_allowance: int, months: Sequence[Month], policy: SurplusPolicy) -> list[str]:
    """The whole calculation in words: thresholds, each period, sources, and every warning."""
    limit = thresholds(maximum, work_allowance, policy)
    said = [
        f"The award is nil from {money(limit.nil)} of earned income: {money(maximum)} divided by {float(policy.taper)},"
        f" and a work allowance of {money(work_allowance)}.",
        f"Above {money(limit.relevant)}, {money(policy.de_minimis)} more, earned income is carried on.",
    ]
    for number, carried in enumerate(carry(maximum, work_allowance, months, policy), 1):
        said += [f"Period {number}: {sentence}" for sentence in carried.explanation]
    said += [f"Source of {name}: {source}." for name, source in policy.sources.items()]
    return [*said, *(f"Warning: {WARNINGS[warning]}" for warning in policy.warnings)]


def _words(month: Month, coming: int, counted: int, paid: Award, surplus: int, limit: Thresholds) -> list[str]:
    said = [f"Earned income {money(month.earnings)}"]
    if month.loss:
        said[0] += f", less a loss of {money(month.loss)}"
    if coming:
        said[0] += f", with a surplus of {money(coming)} carried in"
    said[0] += f": {money(counted)} counts."
    said.append(f"The deduction is {money(paid.deduction)}; of {money(paid.maximum)}, {money(paid.paid)} is left.")
    if surplus:
        said.append(f"{money(surplus)} is above the relevant threshold of {money(limit.relevant)} and is carried on.")
    return said
