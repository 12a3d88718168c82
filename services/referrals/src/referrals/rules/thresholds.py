"""Administrative and conditionality earnings thresholds of a person in a period (SI 2013/376 regs 88, 90, 99(6)).

Money is pence. `exact` values are fractions of a penny, before rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import lru_cache
from typing import Literal

import msgspec

from referrals.rules.rule_set import Policy

Status = Literal["IWS", "LT", "WE"]
"""Intensive Work Search (below the AET), Light Touch, Working Enough (at or above the CET)."""

RANK: dict[Status, int] = {"IWS": 0, "LT": 1, "WE": 2}
_FALLBACK_HOURS = "all_requirements"


class Basis(msgspec.Struct, frozen=True, kw_only=True):
    """What a person's CET depends on. None = not known, so that an assumption is used and named."""

    age_band: str | None = "nlw"
    expected_hours: int | None = 35
    legal_group: str | None = "all_requirements"
    partner_ineligible: bool | None = False


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """The thresholds of one person in one period, by value. aet_couple None: not a member of a couple.

    cet: what the tested amount (own, or combined in a couple) must reach. nlw: pence an hour at the period's start.
    assumed: inputs that were not known.
    """

    aet_single: int
    aet_couple: int | None
    cet: int
    assumed: tuple[str, ...]
    nlw: int

    @property
    def cet_basis(self) -> str:
        return "assumed" if self.assumed else "known"


@dataclass(frozen=True, slots=True)
class Amount:
    """A threshold before and after rounding."""

    exact: Fraction
    used: int


def pounds_text(amount: Amount) -> str:
    """`991.00 (exact 991.38)`"""
    return f"{amount.used / 100:.2f} (exact {float(amount.exact) / 100:.2f})"


def round_down(exact: Fraction, rounding: str) -> int:
    """Pence after the rounding named in the policy."""
    if rounding == "down_to_pound":
        return int(exact // 100) * 100
    if rounding == "none":
        return penny(exact)
    raise ValueError("unknown rounding")


def penny(exact: Fraction) -> int:
    """Nearest penny, half up."""
    return int((exact + Fraction(1, 2)) // 1)


def monthly(hours: int, rate: int) -> Fraction:
    """Pence a month for weekly hours at a rate."""
    return Fraction(hours * rate * 52, 12)


def aet(policy: Policy, on: date, rounding: str | None = None) -> tuple[Amount, Amount]:
    """Administrative earnings threshold on a day: (single, couple). Raises PolicyGap."""
    flat = policy.aet_flat.find(on)
    if flat is not None:
        single, couple = Fraction(flat.value.single), Fraction(flat.value.couple)
    else:
        hours, rate = policy.aet_hours.at(on), policy.bands["nlw"].at(on)
        single, couple = monthly(hours.single, rate), monthly(hours.couple, rate)
    how = rounding or policy.aet_rounding.at(on)
    return Amount(single, round_down(single, how)), Amount(couple, round_down(couple, how))


@lru_cache(maxsize=4096)
def aet_arithmetic(policy: Policy, on: date) -> str:
    """How the threshold for one person comes about, e.g. `18 h x 12.71 x 52 / 12 = 991.38, rounded down to the pound`."""
    single, _ = aet(policy, on)
    if policy.aet_flat.find(on) is not None:
        return f"{single.used / 100:.2f}, set as an amount"
    return _product(policy.aet_hours.at(on).single, policy.bands["nlw"].at(on), single, policy.aet_rounding.at(on))


@lru_cache(maxsize=4096)
def cet_arithmetic(policy: Policy, basis: Basis, on: date) -> str:
    """As `aet_arithmetic`, for a person's own part of the conditionality earnings threshold."""
    amount, _ = cet_person(policy, basis, on)
    hours, rate = cet_factors(policy, basis, on)[:2]
    return _product(hours, rate, amount, policy.cet_rounding.at(on))


def _product(hours: int, rate: int, amount: Amount, rounding: str) -> str:
    how = ", rounded down to the pound" if rounding == "down_to_pound" else ""
    return f"{hours} h x {rate / 100:.2f} x 52 / 12 = {float(amount.exact) / 100:.2f}{how}"


def band_of_age(policy: Policy, age: int, on: date) -> str:
    """The minimum wage band of an age on a day."""
    if age >= policy.nlw_age.at(on):
        return "nlw"
    if age >= 21:
        return "age_21_to_22"
    return "age_18_to_20" if age >= 18 else "age_16_to_17"


def cet_person(policy: Policy, basis: Basis, on: date) -> tuple[Amount, tuple[str, ...]]:
    """One person's CET and the names of the inputs that had to be assumed. Raises PolicyGap."""
    hours, rate, assumed = cet_factors(policy, basis, on)
    exact = monthly(hours, rate)
    return Amount(exact, round_down(exact, policy.cet_rounding.at(on))), assumed


def cet_factors(policy: Policy, basis: Basis, on: date) -> tuple[int, int, tuple[str, ...]]:
    """Weekly hours (tailored ones first), pence an hour for the person's age, and what had to be assumed. Raises PolicyGap."""
    assumed = []
    hours = basis.expected_hours
    if hours is None:
        defaults = policy.expected_hours.at(on)
        hours = defaults.get(basis.legal_group or _FALLBACK_HOURS, defaults[_FALLBACK_HOURS])
        assumed.append("expected_hours")
    band = basis.age_band
    if band is None:
        band = "nlw"
        assumed.append("age")
    if basis.legal_group is None:
        assumed.append("legal_group")
    rates = policy.bands[band]
    # Under 23 and over 20 is a band of its own only while the NLW starts at 23.
    rate = policy.bands["nlw"].at(on) if band == "age_21_to_22" and rates.find(on) is None else rates.at(on)
    return hours, rate, tuple(assumed)


def cet_ineligible_partner(policy: Policy, on: date) -> Amount:
    """What reg 90 adds for a partner who cannot claim: 35 hours at the NLW."""
    exact = monthly(policy.ineligible_partner_hours.at(on), policy.bands["nlw"].at(on))
    return Amount(exact, round_down(exact, policy.cet_rounding.at(on)))


def joint(policy: Policy, parts: Sequence[Amount], on: date, couple_rounding: str | None = None) -> Amount:
    """The sum of several people's CET, truncated as the policy says."""
    exact = sum((part.exact for part in parts), Fraction(0))
    if (couple_rounding or policy.couple_rounding.at(on)) == "truncate_sum":
        return Amount(exact, round_down(exact, policy.cet_rounding.at(on)))
    return Amount(exact, sum(part.used for part in parts))


def thresholds(
    policy: Policy,
    own: Basis,
    partner: Basis | None,
    on: date,
    *,
    aet_rounding: str | None = None,
    couple_rounding: str | None = None,
) -> Thresholds:
    """Thresholds of a person whose period starts on that day; `partner` = the other claimant of a joint claim."""
    single, couple = aet(policy, on, aet_rounding)
    mine, assumed = cet_person(policy, own, on)
    parts = [mine]
    if partner is not None:
        theirs, theirs_assumed = cet_person(policy, partner, on)
        parts.append(theirs)
        # Which of the partner's inputs is missing is the partner's business.
        assumed += ("partner",) if theirs_assumed else ()
    elif own.partner_ineligible:
        parts.append(cet_ineligible_partner(policy, on))
    elif own.partner_ineligible is None:
        assumed += ("partner_ineligible",)
    in_couple = partner is not None or bool(own.partner_ineligible)
    return Thresholds(
        aet_single=single.used,
        aet_couple=couple.used if in_couple else None,
        cet=joint(policy, parts, on, couple_rounding).used,
        assumed=assumed,
        nlw=policy.bands["nlw"].at(on),
    )


def aet_met_by(own: int, household: int, limits: Thresholds) -> Literal["own", "combined", "none"]:
    """Which test of reg 99(6) the amounts pass."""
    if own >= limits.aet_single:
        return "own"
    if limits.aet_couple is not None and household >= limits.aet_couple:
        return "combined"
    return "none"


def status_of(own: int, household: int, limits: Thresholds) -> Status:
    """The CET is tested first: with few expected hours it can be below the AET."""
    if household >= limits.cet:
        return "WE"
    return "IWS" if aet_met_by(own, household, limits) == "none" else "LT"


def nlw_hours(pence: int, nlw: int) -> Fraction:
    """Weekly hours that the monthly amount would buy at the NLW. Not an estimate of hours worked."""
    return Fraction(pence * 12, 52 * nlw)


def below_in_a_row(amounts: Sequence[int], frozen_aet: int, periods: int) -> tuple[list[int], int | None]:
    """Transitional protection (SI 2014/1230 reg 56): consecutive periods below the award's first AET.

    Returns the counter after each period and the number of the period after which protection ends, if it does.
    """
    counters: list[int] = []
    ended = None
    for number, amount in enumerate(amounts, 1):
        counters.append((counters[-1] if counters else 0) + 1 if amount < frozen_aet else 0)
        if ended is None and counters[-1] == periods:
            ended = number
    return counters, ended
