"""Events of the earnings service: who is on a claim, what was paid, what each assessment period held.

Money is integer pence, dates are calendar days in Europe/London, instants are UTC.
"""

from __future__ import annotations

from datetime import date

import msgspec

from contracts.vocabulary import (
    AgeBand,
    ClaimStatus,
    EarningsBasis,
    Instant,
    Jurisdiction,
    LegalGroup,
    PeriodCause,
    PeriodStatus,
    QueryRaiser,
)

# ---- earnings.circumstances.v1 ----


class Easement(msgspec.Struct, frozen=True, kw_only=True):
    """Effect of an easement, never its story. `until` is the last day; contact is allowed from `no_contact_until` on."""

    from_: date = msgspec.field(name="from")
    until: date | None = None
    no_contact_until: date | None = None
    voluntary_only: bool
    review_on: date | None = None


class Conditionality(msgspec.Struct, frozen=True, kw_only=True):
    """What the threshold of expected earnings depends on, from a day on. Null = not known."""

    from_: date = msgspec.field(name="from")
    age_band: AgeBand
    expected_hours: int | None = None
    legal_group: LegalGroup | None = None
    partner_ineligible: bool | None = None


class ClaimClaimant(msgspec.Struct, frozen=True, kw_only=True):
    """One person on a claim."""

    claimant_id: str
    coach_id: str | None = None
    office_id: str | None = None
    work_group: str | None = None
    self_employed: bool
    dead: bool
    nino_known: bool
    easements: tuple[Easement, ...] = ()
    conditionality: tuple[Conditionality, ...] = ()
    arm_stratum: str | None = None


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """The whole claim. `version` rises strictly; readers drop lower or equal. One or two claimants."""

    claim_id: str
    version: int
    status: ClaimStatus
    couple: bool
    entitlement_date: date
    payment_day: int
    closed_date: date | None = None
    jurisdiction: Jurisdiction | None = None
    claimants: tuple[ClaimClaimant, ...]


class _ClaimEvent(msgspec.Struct, frozen=True, kw_only=True):
    claim_id: str
    claim: Claim
    changed: tuple[str, ...] = ()
    backfill: bool = False


class ClaimOpened(_ClaimEvent, frozen=True, kw_only=True):
    """A claim became known."""


class ClaimChanged(_ClaimEvent, frozen=True, kw_only=True):
    """Something about the claim itself changed; `changed` names the fields."""


class ClaimSuspended(_ClaimEvent, frozen=True, kw_only=True):
    """A suspension date was set, also one in the future."""


class ClaimResumed(_ClaimEvent, frozen=True, kw_only=True):
    """The suspension or the closing was taken back."""


class ClaimClosed(_ClaimEvent, frozen=True, kw_only=True):
    """The closed date was reached."""


class ClaimErased(msgspec.Struct, frozen=True, kw_only=True):
    """Forget this claim: everything about it is erased. Carries no snapshot."""

    claim_id: str


class ClaimantChanged(_ClaimEvent, frozen=True, kw_only=True):
    """Something about one person on the claim changed."""

    claimant_id: str


class ClaimantErased(_ClaimEvent, frozen=True, kw_only=True):
    """Forget this person; the snapshot no longer holds them."""

    claimant_id: str


class ClaimantMoved(_ClaimEvent, frozen=True, kw_only=True):
    """A person went from one claim to another; published once under each claim's key with that claim's snapshot."""

    claimant_id: str
    from_claim_id: str
    to_claim_id: str


# ---- earnings.payment.v1 ----


class _PersonEvent(msgspec.Struct, frozen=True, kw_only=True):
    claim_id: str
    claimant_id: str


class PaymentAttributed(_PersonEvent, frozen=True, kw_only=True):
    """A payment belongs to a period, by `rule`, for `reason` (codes). `version` rises strictly for each payment."""

    payment_id: str
    employment_id: str
    employer_id: str
    gross_pence: int
    payment_date: date
    received_at: Instant
    period_id: str
    rule: str
    reason: str
    version: int


class PaymentReallocated(_PersonEvent, frozen=True, kw_only=True):
    """A decision maker moved a payment to another period."""

    payment_id: str
    from_period_id: str
    to_period_id: str
    legal_basis: str
    decided_by_role: str


class PaymentInvalidated(_PersonEvent, frozen=True, kw_only=True):
    """The payment no longer counts, in its own period."""

    payment_id: str
    cause: str


class EmploymentStarted(_PersonEvent, frozen=True, kw_only=True):
    """A job was first seen or its start became known."""

    employment_id: str
    employer_id: str
    employer_name: str | None = None
    started_on: date
    frequency: str


class EmploymentEnded(_PersonEvent, frozen=True, kw_only=True):
    """The employer reported that the person left."""

    employment_id: str
    employer_id: str
    ended_on: date


class EarningsQueryRaised(_PersonEvent, frozen=True, kw_only=True):
    """Doubtful earnings data; `blocking` withholds the period's conclusion. What a person raised is an open dispute too."""

    query_id: str
    period_id: str
    cause: str
    blocking: bool
    raised_by: QueryRaiser = "data"


class EarningsQueryResolved(_PersonEvent, frozen=True, kw_only=True):
    """A person or later data settled the query."""

    query_id: str
    resolution: str


# ---- earnings.period.v1 ----


class PeriodEmployment(msgspec.Struct, frozen=True, kw_only=True):
    """One job in one period. `paydays` = number of paydays with a payment in the period."""

    employment_id: str
    employer_id: str
    gross_pence: int
    paydays: int
    frequency: str
    started_on: date | None = None
    ended_on: date | None = None


class PeriodClaimant(msgspec.Struct, frozen=True, kw_only=True):
    """One person's earnings in a period. Null money = not known; `quality` holds `vocabulary.Marker` codes."""

    claimant_id: str
    in_work: bool
    gross_pence: int | None = None
    attributed_pence: int | None = None
    net_pence: int | None = None
    gross_monthly_average_pence: int | None = None
    basis: EarningsBasis
    indicative: bool
    pay_pattern: str
    hours_band: str | None = None
    employments: tuple[PeriodEmployment, ...] = ()
    quality: tuple[str, ...] = ()


class PeriodAssessed(msgspec.Struct, frozen=True, kw_only=True):
    """An assessment period (first and last day inclusive) as all evidence known at `assessed_at` shows it.

    version rises strictly for each period; supersedes = the version it replaces. Household figures never go to one
    person's view.
    """

    claim_id: str
    period_id: str
    upstream_period_id: str | None = None
    start: date
    end: date
    version: int
    supersedes: int | None = None
    why: PeriodCause
    status: PeriodStatus
    claimants: tuple[PeriodClaimant, ...]
    household_net_pence: int | None = None
    household_gross_pence: int | None = None
    statement_id: str | None = None
    assessed_at: Instant
    evidence: tuple[str, ...] = ()
    backfill: bool = False
