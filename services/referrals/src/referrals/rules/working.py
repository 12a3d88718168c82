"""How a period's status comes about, step by step, for the coach: thresholds, test, regime, and the transitional counter.

The person's own figures only. Nothing here decides anything; it is recorded with the decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache

import msgspec

from referrals.rules.dated import PolicyGap
from referrals.rules.history import Ap
from referrals.rules.rule_set import Policy
from referrals.rules.thresholds import (
    Basis,
    Status,
    Thresholds,
    aet_arithmetic,
    aet_met_by,
    below_in_a_row,
    cet_arithmetic,
    thresholds,
)


class Working(msgspec.Struct, frozen=True, kw_only=True):
    """aet, cet: arithmetic of the person's own thresholds. test: what was compared. regime: operational name, None if withheld.

    tailored: a coach set the hours. transitional_below: periods in a row below the AET of the award's start, of so many.
    """

    aet: str
    cet: str
    test: str
    tailored: bool
    legal_group: str | None
    regime: str | None
    transitional_below: int | None
    transitional_of: int
    text_cy: str | None = None


def working(policy: Policy, basis: Basis, aps: Sequence[Ap], award_start: date | None, periods: int) -> Working | None:
    """The working for the last period; None when the policy has no figures for it."""
    now = aps[-1]
    try:
        regime = None if now.status is None else regime_of(policy, now.status, basis.legal_group, now.start)
        return Working(
            aet=aet_arithmetic(policy, now.start),
            cet=cet_arithmetic(policy, basis, now.start),
            test=_test(now),
            tailored=basis.expected_hours is not None and basis.expected_hours != _usual_hours(policy, basis, now.start),
            legal_group=basis.legal_group,
            regime=regime,
            transitional_below=transitional_count(policy, aps, award_start, periods),
            transitional_of=periods,
        )
    except PolicyGap:
        return None


def regime_of(policy: Policy, status: Status, legal_group: str | None, on: date) -> str:
    """The lighter of the group that earnings lead to and the person's own group applies (Welfare Reform Act 2012 ss.19-22)."""
    rows = policy.regimes.at(on)
    by_status = next(row for row in rows if row.status == status)
    own = next((row for row in rows if row.legal == legal_group and row.status is None), None)
    order = policy.legal_groups
    if own is None or order.index(by_status.legal) <= order.index(own.legal):
        return by_status.operational
    return own.operational


def transitional_count(policy: Policy, aps: Sequence[Ap], award_start: date | None, periods: int) -> int | None:
    """Periods in a row below the AET of the award's start (SI 2014/1230 reg 56). A withheld one neither counts nor breaks."""
    if award_start is None:
        return None
    try:
        alone, couple = _frozen(policy, award_start)
    except PolicyGap:
        return None
    judged = [ap for ap in aps if ap.status is not None and not ap.carried]
    below = [0 if _met(ap, couple if _in_couple(ap) else alone) else 1 for ap in judged]
    counters, _ = below_in_a_row([-step for step in below], 0, periods)
    return counters[-1] if counters else 0


@lru_cache(maxsize=4096)
def _frozen(policy: Policy, on: date) -> tuple[Thresholds, Thresholds]:
    """Thresholds of that day for somebody alone and for a member of a couple; worked out once a day."""
    couple = thresholds(policy, Basis(), Basis(), on)
    return msgspec.structs.replace(couple, aet_couple=None), couple


def _in_couple(ap: Ap) -> bool:
    return ap.thresholds is not None and ap.thresholds.aet_couple is not None


def _met(ap: Ap, limits: Thresholds) -> bool:
    return aet_met_by(ap.amount or 0, ap.household or 0, limits) != "none"


def _usual_hours(policy: Policy, basis: Basis, on: date) -> int:
    usual = policy.expected_hours.at(on)
    return usual.get(basis.legal_group or "all_requirements", usual["all_requirements"])


def _test(ap: Ap) -> str:
    if ap.status is None or ap.amount is None or ap.thresholds is None:
        return "No conclusion: the figures of the period are in doubt or missing."
    own, single = ap.amount, ap.thresholds.aet_single
    compared = f"{own / 100:.2f} {'is at or above' if own >= single else 'is below'} {single / 100:.2f}"
    match ap.status:
        case "WE":
            return f"The conditionality earnings threshold is reached. {compared} (administrative threshold, one person)."
        case "LT" if own < single:
            return f"{compared}; the household's test is passed."
        case _:
            return f"{compared}."
