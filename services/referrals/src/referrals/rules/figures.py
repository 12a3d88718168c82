"""Figures that a rule's text and its coach need when the rule holds: the person's own numbers only."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from referrals.rules.findings import decimals
from referrals.rules.growth import growth
from referrals.rules.history import History, own_change, window
from referrals.rules.predicates import Number, Numbers, gap_days, leaving_dates, periods_below, shortfall
from referrals.rules.thresholds import nlw_hours

Shown = dict[str, Number]


def _last_leaving_date(history: History, _: Numbers) -> Shown:
    return {"last_leaving_date": max(leaving_dates(history[-1])).isoformat()}


def _pay(history: History, _: Numbers) -> Shown:
    return {"pay_pence": history[-1].attributed or 0}


def _gap(history: History, _: Numbers) -> Shown:
    return {"gap_days": gap_days(history) or 0}


def _shortfall(history: History, _: Numbers) -> Shown:
    now = history[-1]
    missing = shortfall(now)
    hours = "" if now.thresholds is None else decimals(nlw_hours(missing, now.thresholds.nlw))
    return {"shortfall_pence": missing, "shortfall_hours": hours}


def _periods_below(history: History, _: Numbers) -> Shown:
    return {"periods": periods_below(history)[0]}


def _growth(history: History, numbers: Numbers) -> Shown:
    last = window(history, int(numbers["periods"]))
    measured = growth(last) if last is not None else None
    return {} if measured is None else {"growth_percent": decimals(measured[0]), "nlw_hours_gain": decimals(measured[1])}


def _rise(history: History, _: Numbers) -> Shown:
    return {"rise_pence": own_change(history)}


def _cet_basis(history: History, _: Numbers) -> Shown:
    limits = history[-1].thresholds
    return {} if limits is None else {"cet_basis": limits.cet_basis}


FIGURES: Mapping[str, Callable[[History, Numbers], Shown]] = {
    "last_leaving_date@1": _last_leaving_date,
    "pay@1": _pay,
    "gap@1": _gap,
    "shortfall@1": _shortfall,
    "periods_below@1": _periods_below,
    "growth@1": _growth,
    "rise@1": _rise,
    "cet_basis@1": _cet_basis,
}
