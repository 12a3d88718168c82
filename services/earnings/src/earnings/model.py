"""What the service keeps: one frozen struct for each lock root. Money is pence, days are London days, instants UTC.

Arrays on the wire: a new field goes to the end, with a default.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

Basis = Literal["max", "received_date", "payment_date"]
CorrectionBasis = Literal["original_period", "received_period"]
Action = Literal["reallocate", "disregard", "replace"]


class Order(msgspec.Struct, frozen=True, array_like=True, order=True):
    """Which version of an upstream record is newer: its order time, then its place in the log."""

    at: datetime
    partition: int
    offset: int


class Source(msgspec.Struct, frozen=True, array_like=True):
    """The ledger row of the message that brought a waiting fact."""

    topic: str
    partition: int
    offset: int


class Payment(msgspec.Struct, frozen=True, array_like=True):
    """One RTI payment as reported.

    employer: PAYE reference `123/A246`. job: employment sequence number or payroll id, as text. received_at, received_on:
    when the platform could know it (attribution); submitted_at: when HMRC had it (order of corrections, lateness).
    gross: taxable pay plus pension contributions under net pay arrangements. content: digest of the used fields.
    """

    payment_id: str
    employer: str
    job: str
    payroll_id: str | None
    paid_on: date
    received_at: datetime
    received_on: date
    submitted_at: datetime
    gross: int
    taxable: int
    year_to_date: int | None
    frequency: str
    source: Source
    content: bytes = b""
    periods_covered: int = 1
    late_reason: str | None = None
    started_on: date | None = None
    ended_on: date | None = None
    after_leaving: bool = False
    irregular: bool = False
    strike_or_absence: bool = False
    hours_band: str | None = None
    employer_name: str | None = None
    invalid_from: date | None = None
    conflict: bool = False
    waiting: bool = False


class Person(msgspec.Struct, frozen=True, array_like=True):
    """A NINO (known by its keyed hash only): the claimants who bear it and what they were paid."""

    claimants: tuple[str, ...] = ()
    payments: tuple[Payment, ...] = ()


class PaymentKey(msgspec.Struct, frozen=True, array_like=True):
    """Which person an RTI payment id belongs to; outlives the payment's body."""

    person: str
    content: bytes
    invalid: bool = False


class Easement(msgspec.Struct, frozen=True, array_like=True):
    """The newest easement of a person: effect only."""

    version: int
    starts: date
    until: date | None = None
    no_contact_until: date | None = None
    voluntary_only: bool = False
    review_on: date | None = None


class Conditionality(msgspec.Struct, frozen=True, array_like=True):
    """What is expected of a person from a day on."""

    version: int
    starts: date
    age_band: str
    expected_hours: int | None = None
    legal_group: str | None = None
    partner_ineligible: bool | None = None


class Membership(msgspec.Struct, frozen=True, array_like=True):
    """A claim that names this claimant. entitlement decides which of two claims counts a payment."""

    claim_id: str
    entitlement: date


class Claimant(msgspec.Struct, frozen=True, array_like=True):
    """One person as UC Full Service describes them. order None: only others have named them yet.

    past_claims: that named them once; an erasure reaches these too.
    """

    order: Order | None = None
    content: bytes = b""
    deleted: bool = False
    person: str | None = None
    coach_id: str | None = None
    office_id: str | None = None
    work_group: str | None = None
    dead: bool = False
    sealed_names: bytes = b""
    easement: Easement | None = None
    conditionality: tuple[Conditionality, ...] = ()
    claims: tuple[Membership, ...] = ()
    past_claims: tuple[str, ...] = ()


class Contract(msgspec.Struct, frozen=True, array_like=True):
    """The newest version of a claim's contract."""

    people: tuple[str, ...]
    entitlement: date
    started: date | None
    payment_day: int
    closed_on: date | None = None
    closure_reason: str | None = None
    suspended_on: date | None = None
    updated_at: datetime | None = None


class Statement(msgspec.Struct, frozen=True, array_like=True):
    """One assessment period's calculation. Amounts are household net pay in pence; take_home is upstream's own text.

    maximum: the award before earnings and other deductions, unearned income off it; None: not shown. allowance: which work
    allowance applies, if any. Both serve the marker of surplus earnings only.
    """

    statement_id: str
    order: Order
    start: date
    end: date
    source: Source
    upstream_period_id: str | None = None
    take_home: str | None = None
    net: int | None = None
    employed: int | None = None
    self_reported: int | None = None
    self_employed: bool = False
    waiting: bool = False
    maximum: int | None = None
    allowance: str | None = None


class StatementKey(msgspec.Struct, frozen=True, array_like=True):
    """The newest version seen of a statement id, and its claim. A delete keeps it as a tombstone."""

    order: Order
    content: bytes = b""
    claim_id: str | None = None
    deleted: bool = False


class Determination(msgspec.Struct, frozen=True, array_like=True):
    """A decision maker's act on one payment. to_start: first day of the period it moves to."""

    determination_id: str
    payment_id: str
    action: Action
    legal_basis: str
    decided_at: datetime
    to_start: date | None = None
    gross: int | None = None
    decided_by_role: str = "decision-maker"
    reason: str = ""


class Query(msgspec.Struct, frozen=True, array_like=True):
    """Doubtful earnings of one person in one period. by: `data` (a rule found it) or `person`."""

    query_id: str
    claimant_id: str
    start: date
    cause: str
    blocking: bool
    by: str
    raised_at: datetime
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    resolution: str | None = None


class Contest(msgspec.Struct, frozen=True, array_like=True):
    """A claimant disputes earnings: of the period that begins on `start`, or with `onwards` of every later one too."""

    claimant_id: str
    start: date
    onwards: bool = False


class Assessed(msgspec.Struct, frozen=True, array_like=True):
    """The last published assessment of a period. gone: the period no longer exists (its boundary moved)."""

    start: date
    end: date
    version: int
    content: bytes
    closed: bool = True
    gone: bool = False


class Attributed(msgspec.Struct, frozen=True, array_like=True):
    """Where a payment was last published to belong. It stays when the payment leaves the claim, so that versions never fall.

    rule: the rule that placed it, or `not_of_this_claim`. invalid: it no longer counts, which was published.
    """

    start: date
    gross: int
    rule: str
    version: int
    invalid: bool = False
    claimant_id: str = ""


class JobSeen(msgspec.Struct, frozen=True, array_like=True):
    """What was last published about a job."""

    claimant_id: str
    started_on: date
    ended_on: date | None = None


class Published(msgspec.Struct, frozen=True, array_like=True):
    """The last published snapshot of the claim (JSON without its version)."""

    version: int
    snapshot: bytes


class FirstDetermined(msgspec.Struct, frozen=True, array_like=True):
    """The entitlement date that the earliest version of a contract named: its cycle of periods is kept (regulation 21A)."""

    order: Order
    entitlement: date


class Claim(msgspec.Struct, frozen=True, array_like=True):
    """Everything about one claim. contract None: only statements, or a deletion, are known.

    next_change: the moment the claim's calendar timer is set to. past_statements: ids of deleted or moved statements.
    """

    contract: Contract | None = None
    order: Order | None = None
    content: bytes = b""
    deleted: bool = False
    statements: tuple[Statement, ...] = ()
    determinations: tuple[Determination, ...] = ()
    queries: tuple[Query, ...] = ()
    contests: tuple[Contest, ...] = ()
    published: Published | None = None
    assessed: tuple[Assessed, ...] = ()
    attributed: dict[str, Attributed] = {}
    jobs: dict[str, JobSeen] = {}
    next_change: datetime | None = None
    past_statements: tuple[str, ...] = ()
    first: FirstDetermined | None = None
