"""The latent facts of the synthetic world: what is really so, whether or not anybody reports it.

Money: integer pence, gross. Hours: hundredths of an hour a week. Days: London calendar dates. Nothing here is a message;
`world.feed` turns facts into messages and `world.truth` judges them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Frequency = Literal["M1", "W4", "W2", "W1", "IR"]
LegalGroup = Literal["all_requirements", "work_preparation", "work_focused_interview_only", "no_requirements"]
AgeBand = Literal["nlw", "age_18_to_20"]
EventKind = Literal[
    "job_start",
    "job_end",
    "hours_fall",
    "hours_rise",
    "raise",
    "wage_floor_rise",
    "strike",
    "unpaid_absence",
    "shift_pattern",
]
ReportKind = Literal["original", "correction", "invalidation", "duplicate", "conflict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """A Jobcentre."""

    office_id: str
    name: str
    nation: Literal["england", "scotland", "wales"]
    district: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Coach:
    """A Work Coach, at home in one office."""

    coach_id: str
    office_id: str
    minutes_per_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Employer:
    """A payroll scheme: office number and reference make the PAYE reference `123/A246`."""

    office_number: str
    reference: str
    name: str

    @property
    def paye_reference(self) -> str:
        """As the platform writes it."""
        return f"{self.office_number}/{self.reference}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """How a person wants to be reached, from `since` on. quiet: from and to (HH:MM) of every day; works: of Monday to Friday."""

    since: date
    channels: tuple[str, ...]
    email: str | None
    phone: str | None
    language: Literal["en", "cy"]
    needs: tuple[str, ...] = ()
    address: str | None = None
    quiet: tuple[str, str] | None = None
    works: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Easement:
    """Effect of an easement: first and last day, known upstream on `decided_on`."""

    since: date
    until: date
    voluntary_only: bool
    decided_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditionality:
    """What is expected of a person from the claim's first day on. hours None: the usual number of the legal group."""

    age_band: AgeBand
    hours: int | None
    legal_group: LegalGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """From `day` on another office and coach."""

    day: date
    office_id: str
    coach_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One claimant. died_on: the day of death; death_known_on: the day upstream publishes it."""

    person_id: str
    nino: str
    first_name: str
    last_name: str
    office_id: str
    coach_id: str | None
    contact: tuple[Contact, ...]
    conditionality: Conditionality | None
    easements: tuple[Easement, ...] = ()
    moves: tuple[Move, ...] = ()
    self_employed_pence: int = 0
    died_on: date | None = None
    death_known_on: date | None = None
    nino_known_on: date | None = None
    story: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One claim. arrives_on: the day its first messages are published. Suspension: (set on, lifted on or None).
    erased_on: the day upstream deletes the contract."""

    claim_id: str
    people: tuple[str, ...]
    entitlement: date
    arrives_on: date
    closed_on: date | None = None
    closure_reason: str | None = None
    suspended: tuple[date, date | None] | None = None
    erased_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a job pays from `since` on: weekly hours (hundredths) at pence an hour."""

    since: date
    hours_x100: int
    wage_pence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One employment. payday: day of the month for M1 and IR, else the first payday that is reported.

    real False: nobody works here; a payroll posted somebody else's pay to this person by mistake.
    """

    job_id: str
    person_id: str
    employer: str
    payroll_id: str
    sequence: int | None
    frequency: Frequency
    started_on: date
    ended_on: date | None
    payday: int | date
    terms: tuple[Terms, ...]
    pension_percent: int = 0
    real: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentEvent:
    """Something that really happened to a person's work. before, after: monthly pence at the terms then."""

    event_id: str
    person_id: str
    job_id: str
    day: date
    kind: EventKind
    before_pence: int
    after_pence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Payslip:
    """True pay of one payday. periods_covered above 1: pay for several months at once. final: carries the leaving date."""

    slip_id: str
    job_id: str
    person_id: str
    payday: date
    gross_pence: int
    strike: bool = False
    absence: bool = False
    final: bool = False
    periods_covered: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One submission of an employer about a payslip: what it said, and the day it arrived.

    ytd_pence: *taxable* pay of the tax year so far, as the payroll believes it. said_on: the day the submission was made;
    later deliveries of the same submission keep it.
    """

    slip_id: str
    unique_id: str
    kind: ReportKind
    gross_pence: int
    ytd_pence: int
    said_on: date
    on: date
    late_reason: str | None = None
    invalid_since: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that is so between `start` and `end` (both inside the play)."""

    seed: int
    start: date
    end: date
    offices: tuple[Office, ...]
    coaches: tuple[Coach, ...]
    employers: tuple[Employer, ...]
    persons: dict[str, Person]
    claims: tuple[Claim, ...]
    jobs: dict[str, Job]
    slips: dict[str, Payslip]
    reports: tuple[Report, ...]
    events: tuple[LatentEvent, ...]
    broken: bool = True
    claim_of: dict[str, Claim] = field(default_factory=dict)
