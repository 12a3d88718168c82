"""Events of the notifications service: appointments and messages. No addresses, no wording."""

from __future__ import annotations

import msgspec

from contracts.vocabulary import (
    AppointmentChannel,
    ContactBasis,
    Failure,
    Instant,
    Language,
    MessageChannel,
    Party,
)

# ---- notifications.appointment.v1 ----


class _AppointmentEvent(msgspec.Struct, frozen=True, kw_only=True):
    appointment_id: str
    case_id: str | None = None
    claim_id: str
    claimant_id: str


class AppointmentOffered(_AppointmentEvent, frozen=True, kw_only=True):
    """A slot is held for the claimant; voluntary ones wait for acceptance."""

    coach_id: str
    office_id: str | None = None
    starts_at: Instant
    minutes: int
    channel: AppointmentChannel
    contact_basis: ContactBasis


class AppointmentBooked(_AppointmentEvent, frozen=True, kw_only=True):
    """The claimant accepted, or a mandatory notice went out."""


class AppointmentDeclined(_AppointmentEvent, frozen=True, kw_only=True):
    """The claimant said no; without consequence."""


class AppointmentExpired(_AppointmentEvent, frozen=True, kw_only=True):
    """The offer was not answered in time; without consequence."""


class AppointmentMoved(_AppointmentEvent, frozen=True, kw_only=True):
    """Another start, same appointment."""

    from_: Instant = msgspec.field(name="from")
    to: Instant


class AppointmentCancelled(_AppointmentEvent, frozen=True, kw_only=True):
    """Cancelled by a role (or `system`), for a coded reason."""

    by: str
    reason: str


class AppointmentAtRisk(_AppointmentEvent, frozen=True, kw_only=True):
    """It may not take place; `cause` is a code."""

    cause: str


class AppointmentAttended(_AppointmentEvent, frozen=True, kw_only=True):
    """They met."""


class AppointmentMissed(_AppointmentEvent, frozen=True, kw_only=True):
    """They did not meet. A failed delivery is never evidence of non-compliance."""

    delivery_confirmed: bool
    reason: str | None = None


class NoSlotFound(msgspec.Struct, frozen=True, kw_only=True):
    """No slot fits; `would_help` holds `vocabulary.WouldHelp` codes so that a person can widen the search."""

    case_id: str
    claim_id: str
    claimant_id: str
    would_help: tuple[str, ...]


# ---- notifications.message.v1 ----


class _MessageEvent(msgspec.Struct, frozen=True, kw_only=True):
    message_id: str
    case_id: str | None = None
    claim_id: str
    claimant_id: str | None = None


class MessageRequested(_MessageEvent, frozen=True, kw_only=True):
    """A message is to be sent. `regarding` = what it is about: an id or a code."""

    template: str
    template_version: int
    language: Language
    party: Party
    channel: MessageChannel
    regarding: str


class MessageSent(_MessageEvent, frozen=True, kw_only=True):
    """The provider took it."""

    provider_reference: str


class MessageDelivered(_MessageEvent, frozen=True, kw_only=True):
    """The provider says that it arrived."""


class MessageFailed(_MessageEvent, frozen=True, kw_only=True):
    """The provider could not deliver it."""

    failure: Failure


class MessageWithdrawn(_MessageEvent, frozen=True, kw_only=True):
    """Not sent after all; `why` is a code."""

    why: str
