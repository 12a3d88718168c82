"""Whether a person may be contacted about a period at all: facts of life, not of pay."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

from world.model import Claim, Person
from world.periods import Period

Stop = Literal["dead", "claim_closed", "claim_suspended", "no_requirements", "easement", "self_employed", "strike_or_absence"]

PLAN_DAYS = 1
DUE_DAYS = 7
SHOWN_DAYS = 9
"""Days after a period's end on which contact is planned, confirmed, and shown to a coach."""


def due_on(period: Period) -> date:
    """The day on which a conclusion about the period is confirmed."""
    return period.end + timedelta(days=DUE_DAYS)


def why_not(claim: Claim, person: Person, period: Period) -> Stop | None:
    """The fact that stops contact about the period, or None. Facts count from the day after they were published."""
    plan, due, shown = (period.end + timedelta(days=days) for days in (PLAN_DAYS, DUE_DAYS, SHOWN_DAYS))
    if person.death_known_on is not None and person.death_known_on < shown:
        return "dead"
    if claim.closed_on is not None and claim.closed_on < shown:
        return "claim_closed"
    if claim.suspended is not None and _suspended(claim.suspended, (plan, due, shown)):
        return "claim_suspended"
    if person.conditionality is not None and person.conditionality.legal_group == "no_requirements":
        return "no_requirements"
    for easement in person.easements:
        if not easement.voluntary_only and any(easement.since <= day <= easement.until for day in (due, shown)):
            return "easement"
    return None


def _suspended(spell: tuple[date, date | None], days: tuple[date, ...]) -> bool:
    set_on, lifted_on = spell
    return any(set_on < day and (lifted_on is None or day <= lifted_on) for day in days)
