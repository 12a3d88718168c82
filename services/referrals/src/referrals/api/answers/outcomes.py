"""What periods brought, for evaluation."""

from __future__ import annotations

from datetime import date

from web.answers import Answered


class OutcomeView(Answered):
    """One period of one person. person: a pseudonym. gross_change_pence null: no period before, or one was withheld.

    experiment, stratum, assigned_on null: no arm of the experiment asked for. exposed_on: the day it first made a difference.
    """

    person: str
    period_start: date
    period_end: date
    version: int
    gross_change_pence: int | None
    in_work: bool
    experiment: str | None
    arm: str | None
    stratum: str | None
    assigned_on: date | None
    exposed_on: date | None
