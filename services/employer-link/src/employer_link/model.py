"""What employer-link knows: frozen structs, stored as msgpack documents. No behaviour beyond simple look-ups.

Dates are Europe/London calendar dates, instants are aware UTC.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from msgspec import Struct

from contracts.vocabulary import Answer, Ask, EngagementEnd, EngagementState, Party

ConsentState = Literal["live", "withdrawn", "expired"]

ALWAYS_SHOWN: tuple[str, ...] = ("engagement_id", "state", "consent_expires_on", "next_mover", "due_on")
"""What the employer needs to take part; says nothing about the person beyond what the consent's existence says."""
PERSONAL: tuple[str, ...] = ("employee_name", "payroll_id")
"""Identify the person; shown only while the engagement is open."""
CONSENTABLE: tuple[str, ...] = (*PERSONAL, "ask", "coach_contact", "plan")
EMPLOYER_FIELDS: tuple[str, ...] = (
    "engagement_id", "state", "employee_name", "payroll_id", "ask", "coach_contact",
    "consent_expires_on", "plan", "next_mover", "due_on",
)  # fmt: skip
"""Everything an employer can ever see (interface §3, employer-link)."""


class Illegal(Exception):
    """A move that may not be made now.

    code: stable name. allowed: the moves that are legal now for this party. next_allowed_on: first day, if waiting helps.
    """

    def __init__(self, code: str, *, allowed: tuple[str, ...] = (), next_allowed_on: date | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.allowed = allowed
        self.next_allowed_on = next_allowed_on


class Policy(Struct, frozen=True, kw_only=True):
    """The numbers of policy/employer-contact.yaml; all but cap_contacts in days."""

    cap_contacts: int
    cap_days: int
    consent_max_days: int
    share: int
    answer: int
    more_time: int
    approve: int
    wrong_contact: int
    finish: int
    default_action: int
    overdue_days: int


class OnBehalf(Struct, frozen=True, kw_only=True):
    """Who recorded an act of the claimant, why, and on what evidence. Stays in this database."""

    coach_id: str
    reason: str
    evidence: str


class Consent(Struct, frozen=True, kw_only=True):
    """What a claimant lets one employer know. Live up to and including `expires_on`."""

    consent_id: str
    claimant_id: str
    employer_id: str
    fields: tuple[str, ...]
    purpose: str
    expires_on: date
    wording_version: str
    given_at: datetime
    on_behalf: OnBehalf | None = None
    state: ConsentState = "live"
    ended_at: datetime | None = None
    ended_on_behalf: OnBehalf | None = None


class Action(Struct, frozen=True, kw_only=True):
    """One thing somebody has agreed to do. announced: ActionDue has been published."""

    action_id: str
    owner: Party
    due_on: date
    announced: bool = False
    done_on: date | None = None


class Engagement(Struct, frozen=True, kw_only=True):
    """One conversation of claimant, coach and employer about one ask.

    next_mover and due_on are set at every moment before `closed`, and only then. approvals: in the order given.
    shared_on: the day the employer first saw it; None means they never did.
    """

    engagement_id: str
    case_id: str
    claimant_id: str
    employer_id: str
    consent_id: str
    ask: Ask
    opened_at: datetime
    state: EngagementState = "draft"
    answer: Answer | None = None
    actions: tuple[Action, ...] = ()
    approvals: tuple[Party, ...] = ()
    next_mover: Party | None = "coach"
    due_on: date | None = None
    shared_on: date | None = None
    closed_reason: EngagementEnd | None = None
    revision: int = 1


class Person(Struct, frozen=True, kw_only=True):
    """A claimant as the newest claim snapshot has them."""

    coach_id: str | None = None
    office_id: str | None = None
    dead: bool = False


class Case(Struct, frozen=True, kw_only=True):
    """A case of the progression service; coach and office follow its reassignments."""

    claimant_id: str
    coach_id: str | None = None
    office_id: str | None = None
    open: bool = True


class Employment(Struct, frozen=True, kw_only=True):
    """A job known from payments."""

    claimant_id: str
    employer_id: str
    started_on: date | None = None
    ended_on: date | None = None


class Claim(Struct, frozen=True, kw_only=True):
    """Lock root. Everything agreed under one claim, and the facts that these agreements rest on.

    version: of the newest snapshot applied; 0: none has come yet. erased_people: nothing that comes of them later is kept.
    """

    claim_id: str
    version: int = 0
    status: Literal["open", "suspended", "closed", "erased"] = "open"
    people: dict[str, Person] = {}
    cases: dict[str, Case] = {}
    employments: dict[str, Employment] = {}
    consents: dict[str, Consent] = {}
    engagements: dict[str, Engagement] = {}
    erased_people: frozenset[str] = frozenset()


class Claimant(Struct, frozen=True, kw_only=True):
    """Lock root that outlives claims: a "do not contact my employer" follows the person to the next claim.

    nobody: no employer may be contacted. on_behalf: who recorded the newest word, if not the claimant. claims: those that name
    the person; with the last of them that is erased the stop is forgotten too.
    """

    claimant_id: str
    nobody: bool = False
    forbidden: frozenset[str] = frozenset()
    on_behalf: OnBehalf | None = None
    claims: frozenset[str] = frozenset()

    @property
    def has_stop(self) -> bool:
        """Whether any employer must not be contacted."""
        return self.nobody or bool(self.forbidden)

    def forbids(self, employer_id: str) -> bool:
        """The hard stop for this employer."""
        return self.nobody or employer_id in self.forbidden


class Contact(Struct, frozen=True, kw_only=True):
    """One contact of an employer begun by the service. override: the coach's reason for going beyond the cap."""

    on: date
    engagement_id: str
    channel: str
    outcome: str
    override: str | None = None


class Webhook(Struct, frozen=True, kw_only=True):
    """Where an employer wants to be told. secret: encrypted at rest."""

    webhook_id: str
    url: str
    secret: bytes
    created_at: datetime


class Employer(Struct, frozen=True, kw_only=True):
    """Lock root: one PAYE scheme. feed_head: number of the newest entry of its event feed."""

    employer_id: str
    name: str | None = None
    paye_reference: str | None = None
    invited: bool = False
    contacts: tuple[Contact, ...] = ()
    feed_head: int = 0
    webhooks: tuple[Webhook, ...] = ()


class Delivery(Struct, frozen=True, kw_only=True):
    """Lock root: one webhook message on its way. Deleted when it has arrived, was suppressed or given up."""

    delivery_id: str
    webhook_id: str
    employer_id: str
    claim_id: str
    engagement_id: str
    event_id: str
    type: str
    at: datetime
    attempts: int = 0
    next_at: datetime


class Coach(Struct, frozen=True, kw_only=True):
    """Lock root: a coach as reference data has them."""

    coach_id: str
    version: int
    offices: tuple[str, ...]
    active: bool


class Office(Struct, frozen=True, kw_only=True):
    """Lock root: an office as reference data has it."""

    office_id: str
    version: int
    name: str
