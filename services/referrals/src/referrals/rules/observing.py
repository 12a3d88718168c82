"""What is noted about every period, whatever the rules say: doubts about its data, and what it brought, for evaluation."""

from __future__ import annotations

import msgspec

from referrals.rules.history import History, is_two_wages
from referrals.rules.rule_set import Parameters


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
