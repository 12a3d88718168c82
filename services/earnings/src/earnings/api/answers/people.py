"""A person: payments, names."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from earnings.api.answers.fields import Frequency, Reason, Rule, Sentences
from web.answers import Answered


class YearToDateCheck(Answered):
    """What the year-to-date figures imply for a report, against what it says."""

    previous_pence: int
    implied_pence: int
    reported_pence: int
    matches: bool


class PaymentView(Answered):
    """A payment reported for a person, where it counts and why. claim_id, period_*: null when it counts nowhere.

    attribution_date: the day that decides the period. version: of the place last published, null before that.
    no_longer_valid: the day HMRC took the payment back from. conflict: another report has the same number and differs.
    """

    payment_id: str
    claimant_id: str
    claim_id: str | None
    employment_id: str
    employer_id: str
    employer_name: str | None
    payment_date: date
    received_at: datetime
    frequency: Frequency
    gross_pence: int
    attribution_date: date
    attributed_pence: int
    period_id: str | None
    period_start: date | None
    period_end: date | None
    rule: Rule
    reason: Reason
    late_reason: Annotated[str | None, Field(description="HMRC's code of why the report was late, A to H; H: a correction")]
    no_longer_valid: date | None
    conflict: bool
    version: int | None
    year_to_date_check: Annotated[YearToDateCheck | None, Field(description="Null without an earlier figure of the year")]
    explanation: Sentences


class EmploymentOfPerson(Answered):
    """A job as payments show it. payroll_id: the newest reported."""

    employment_id: str
    employer_id: str
    employer_name: str | None
    payroll_id: str | None
    started_on: date | None
    ended_on: date | None


class ProfileView(Answered):
    """Names and payroll ids of one person. Null names: upstream gave none. name: first and last."""

    claimant_id: str
    name: str | None
    first_name: str | None
    last_name: str | None
    employments: list[EmploymentOfPerson]


class Profiles(Answered):
    """Those of the people asked for that are known, in that order."""

    items: list[ProfileView]
