"""Outcomes, reviews and data queries: recorded whatever else holds, and never a reason for contact."""

from __future__ import annotations

import msgspec

from referrals.rules.findings import Finding, finding
from referrals.rules.history import History, is_two_wages, moved, own_change, pay_is_cause, previous
from referrals.rules.rule_set import Parameters


def crossed_above_aet(history: History, _: Parameters) -> Finding:
    """Previous conclusion IWS with own pay, now LT or WE, pay is the cause and the own amount is higher."""
    now, before = history[-1], previous(history)
    return finding(
        "crossed-above-aet",
        {"rise_pence": own_change(history)},
        below_aet_before=before is not None and before.status == "IWS",
        paid_before=before is not None and bool(before.amount),
        above_aet_now=now.status in ("LT", "WE"),
        pay_is_cause=pay_is_cause(history),
        own_pay_higher=own_change(history) > 0,
    )


def sustained_above_aet(history: History, parameters: Parameters) -> Finding:
    """Exactly so many conclusions in a row at LT or WE, the first of them a crossing."""
    concluded = [place for place, ap in enumerate(history) if ap.status is not None]
    run = concluded[-parameters.sustained_above_periods :]
    complete = len(run) == parameters.sustained_above_periods and history[-1].status is not None
    return finding(
        "sustained-above-aet",
        above_aet_throughout=complete and all(history[place].status in ("LT", "WE") for place in run),
        began_with_crossing=complete and crossed_above_aet(history[: run[0] + 1], parameters).holds,
    )


def cet_reached(history: History, _: Parameters) -> Finding:
    """The status becomes WE, pay is the cause and the own amount is higher."""
    now, before = history[-1], previous(history)
    return finding(
        "cet-reached",
        {"cet_basis": now.thresholds.cet_basis} if now.thresholds is not None else {},
        not_working_enough_before=before is not None and before.status != "WE",
        working_enough_now=now.status == "WE",
        pay_is_cause=pay_is_cause(history),
        own_pay_higher=own_change(history) > 0,
    )


def threshold_change_review(history: History, _: Parameters) -> Finding:
    """The status moved, but under the previous thresholds this amount keeps the previous status."""
    return finding("threshold-change-review", status_moved=moved(history) != 0, pay_is_not_cause=not pay_is_cause(history))


def household_change_review(history: History, _: Parameters) -> Finding:
    """The status moved because of pay, but the own amount did not move that way."""
    direction, change = moved(history), own_change(history)
    return finding(
        "household-change-review",
        status_moved=direction != 0,
        pay_is_cause=pay_is_cause(history),
        own_pay_did_not_move_that_way=(change >= 0 if direction < 0 else change <= 0),
    )


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A doubt about the data of a period; a blocking one withholds the conclusion."""

    cause: str
    blocking: bool


def earnings_queries(history: History, parameters: Parameters) -> tuple[Query, ...]:
    """One query per cause. A neighbour of a period with two wages has none of its own."""
    now = history[-1]
    causes = []
    for cause in (*parameters.blocking, *parameters.not_blocking):
        present = cause in now.blocking or cause in now.markers
        if present and (cause != "two_wages" or is_two_wages(now)):
            causes.append(Query(cause=cause, blocking=cause in parameters.blocking))
    return tuple(causes)


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """What a period brought, for evaluation only. gross_change_pence None: no period before, or one of the two withheld."""

    gross_change_pence: int | None
    in_work: bool
    arm: str | None


def observe(history: History, arm: str | None) -> Observation:
    """For every claimant in scope, contacted or not."""
    now = history[-1]
    before = history[-2] if len(history) > 1 else None
    change = None
    if before is not None and now.own_known and before.own_known:
        change = (now.attributed or 0) - (before.attributed or 0)
    return Observation(gross_change_pence=change, in_work=now.in_work, arm=arm)
