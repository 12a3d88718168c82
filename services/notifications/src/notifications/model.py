"""What the service remembers: one document per claim, per coach and per office. Frozen; rules return new ones.

Instants are UTC, days are London days. A claim's document is the lock root of everything about its people; a coach's
document is locked by whoever takes or frees a time, so that one time is never given twice.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from contracts.earnings import Claim, ClaimClaimant
from contracts.reference import CoachChanged, OfficeChanged
from contracts.referrals import ContactRequested
from contracts.vocabulary import (
    AllowedChannel,
    AppointmentChannel,
    AppointmentState,
    ContactBasis,
    Failure,
    Language,
    MessageChannel,
    Party,
    PreferredLanguage,
    Weekday,
)

MessageState = Literal["requested", "sending", "unknown", "sent", "delivered", "failed", "withdrawn"]


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """How a claimant wants to be reached, from a day on. sealed: everything that identifies or describes them, encrypted."""

    claimant_id: str
    version: int
    first: date
    last: date | None
    channels: tuple[AllowedChannel, ...]
    language: PreferredLanguage
    sealed: bytes


MOVED = "moved"
"""How a case ended on this claim whose person took it along to another."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a claimant's case. ended: the code of how it ended, None while it is open.

    exempt_behind: event id of the hold that took the exemption's place; the exemption is back when that is taken back.
    """

    case_id: str
    claimant_id: str
    coach_id: str | None
    office_id: str | None
    ended: str | None = None
    exempt_until: date | None = None
    exempt: bool = False
    exempt_behind: str | None = None


class Dispute(msgspec.Struct, frozen=True, kw_only=True):
    """Earnings the claimant says are wrong; period None = not tied to one."""

    claimant_id: str
    period_id: str | None


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """A contact, for the burden cap. event_id: of a contact outside our messages, which can be taken back."""

    claimant_id: str
    at: datetime
    event_id: str | None = None


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A request that waits until the claim's circumstances are known. cause_id: the event's own id."""

    cause_id: str
    request: ContactRequested


class Appointment(msgspec.Struct, frozen=True, kw_only=True):
    """One meeting. purpose: a code. seat: revision of the time, counted up by each move. why: code of how it ended."""

    appointment_id: str
    case_id: str
    claimant_id: str
    coach_id: str
    office_id: str | None
    starts_at: datetime
    minutes: int
    channel: AppointmentChannel
    private_room: bool
    contact_basis: ContactBasis
    purpose: str
    language: Language | None
    state: AppointmentState
    offered_at: datetime
    expires_at: datetime | None
    seat: int = 0
    ended_at: datetime | None = None
    why: str | None = None
    at_risk: str | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one party. regarding: appointment, engagement or consent id, or a code. seat: the appointment's then.

    due_at None: nothing is left to send, or it waits for contact details. provider_id: the provider's own id once it took
    the message. looked_up: fruitless look-ups since the last attempt.
    """

    message_id: str
    case_id: str | None
    claimant_id: str
    party: Party
    template: str
    template_version: int
    language: Language
    channel: MessageChannel
    purpose: str
    regarding: str
    seat: int
    state: MessageState
    requested_at: datetime
    due_at: datetime | None
    addressed: bool = True
    postponed: int = 0
    attempts: int = 0
    looked_up: int = 0
    provider_id: str | None = None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    failure: Failure | None = None
    withdrawn_why: str | None = None


class ClaimDoc(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one claim. snapshot None: its circumstances have not arrived yet (or were erased).

    erased_version: the snapshot known when the claim was erased; only a newer one brings it back.
    """

    claim_id: str
    snapshot: Claim | None = None
    erased: bool = False
    erased_version: int = 0
    erased_claimants: tuple[str, ...] = ()
    cases: dict[str, Case] = {}
    preferences: tuple[Preferences, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    contacts: tuple[Contact, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    appointments: dict[str, Appointment] = {}
    messages: dict[str, Message] = {}

    def person(self, claimant_id: str) -> ClaimClaimant | None:
        """The claimant's entry in the newest snapshot."""
        people = self.snapshot.claimants if self.snapshot else ()
        return next((person for person in people if person.claimant_id == claimant_id), None)


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """Interview hours on these days, London time; office None: the coach's first office."""

    days: tuple[Weekday, ...]
    from_: str = msgspec.field(name="from")
    to: str
    office_id: str | None = None


class Leave(msgspec.Struct, frozen=True, kw_only=True):
    """Days away, both inclusive."""

    from_: date = msgspec.field(name="from")
    until: date


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """A coach's own entries. minutes_per_day None: the figure of the reference data."""

    pattern: tuple[Window, ...]
    minutes_per_day: int | None = None
    leave: tuple[Leave, ...] = ()


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """A time that is taken: held for an offer or booked. private: in a private room of that office."""

    appointment_id: str
    claim_id: str
    starts_at: datetime
    minutes: int
    office_id: str | None = None
    private: bool = False


class CoachDoc(msgspec.Struct, frozen=True, kw_only=True):
    """A coach: reference facts, own calendar, and the times taken (future ones and those of the last days)."""

    coach_id: str
    facts: CoachChanged | None = None
    calendar: Calendar | None = None
    taken: tuple[Interval, ...] = ()


class OfficeDoc(msgspec.Struct, frozen=True, kw_only=True):
    """An office: reference facts, who works there, and the private rooms taken.

    guests: coaches who do not work there (any more) and have kept times there; some of the times may be over.
    """

    office_id: str
    facts: OfficeChanged | None = None
    coaches: tuple[str, ...] = ()
    guests: tuple[str, ...] = ()
    taken: tuple[Interval, ...] = ()
