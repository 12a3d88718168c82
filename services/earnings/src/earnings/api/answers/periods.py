"""Assessment periods. Null money is not known, which is not nil."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from contracts.vocabulary import EarningsBasis, Marker, PeriodCause, PeriodStatus
from earnings.api.answers.fields import Frequency, Reason, Rule, Sentences
from web.answers import Answered


class PaymentOfPeriod(Answered):
    """A payment that has its home in the period. attributed_pence: what of it counts."""

    payment_id: str
    employer_id: str
    employer_name: str | None
    payment_date: date
    received_at: datetime
    gross_pence: int
    attributed_pence: int
    rule: Rule
    reason: Reason


class EmploymentOfPeriod(Answered):
    """One job in one period. paydays: those with a payment in the period."""

    employment_id: str
    employer_id: str
    gross_pence: int
    paydays: int
    frequency: Frequency
    started_on: date | None
    ended_on: date | None


class EntryOfPeriod(Answered):
    """One person's earnings in a period.

    gross_pence: by the general rule; attributed_pence: after decisions on single payments; gross_monthly_average_pence:
    what thresholds are compared with. net_pence: as the statement shows it, for the award. indicative: at least so much,
    gross pay is not known. payments, explanation: absent where the period, or the person's place in it, has gone.
    """

    claimant_id: str
    in_work: bool
    gross_pence: int | None
    attributed_pence: int | None
    net_pence: int | None
    gross_monthly_average_pence: int | None
    basis: EarningsBasis
    indicative: bool
    pay_pattern: Literal["monthly", "four_weekly", "fortnightly", "weekly", "irregular", "mixed", "none"]
    hours_band: Annotated[str | None, Field(description="HMRC's code of the normal weekly hours, A to E")]
    employments: list[EmploymentOfPeriod]
    quality: list[Marker]
    payments: list[PaymentOfPeriod] = Field(default_factory=list)
    explanation: Sentences = Field(default_factory=list)


class VersionOfPeriod(Answered):
    """A published assessment."""

    version: int
    why: PeriodCause
    assessed_at: datetime


class PeriodView(Answered):
    """An assessment period, first and last day inclusive. version: 0 for the one in progress, which is not published.

    Household figures, take_home_pay and statement_id: null as well for who sees one person only; evidence is empty then.
    """

    claim_id: str
    period_id: str
    upstream_period_id: str | None
    start: date
    end: date
    version: int
    supersedes: Annotated[int | None, Field(description="The version that this one replaces")]
    why: PeriodCause
    status: PeriodStatus
    claimants: list[EntryOfPeriod]
    household_net_pence: int | None
    household_gross_pence: int | None
    statement_id: str | None
    assessed_at: datetime
    evidence: Annotated[list[str], Field(description="Ids of payments and of the statement")]
    backfill: Annotated[bool, Field(description="Assessed while past messages were taken in")]
    take_home_pay: Annotated[str | None, Field(description="The statement's own text, in pounds")]
    versions: list[VersionOfPeriod]
    explanation: Sentences
