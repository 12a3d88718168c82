"""Bodies of answers, for the API document. The views build them; tests hold the two together. Instants are UTC."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from contracts.vocabulary import (
    AppointmentChannel,
    AppointmentState,
    ContactBasis,
    Failure,
    Language,
    MessageChannel,
    Party,
    Weekday,
)
from notifications.model import MessageState
from web.answers import Answered
from web.answers import Page as Page

ClockTime = Annotated[str, Field(description="London time, such as 09:30")]


class AppointmentView(Answered):
    """One appointment; nothing of the claimant but their id. answer_by: until when an offer can be accepted, null without
    an end. ended_at: null while it is offered or booked. at_risk: code of why it may not take place, null when nothing is
    known against it.
    """

    appointment_id: str
    case_id: str
    claimant_id: str
    coach_id: str
    office_id: str | None
    starts_at: datetime
    ends_at: datetime
    minutes: int
    channel: AppointmentChannel
    contact_basis: ContactBasis
    purpose: Annotated[str, Field(description="A code")]
    state: AppointmentState
    offered_at: datetime
    answer_by: datetime | None
    ended_at: datetime | None
    at_risk: str | None


class WindowView(Answered):
    """Interview hours on these days."""

    days: list[Weekday]
    from_: Annotated[ClockTime, Field(alias="from")]
    to: ClockTime
    office_id: Annotated[str | None, Field(description="Null: the coach's first office")]


class LeaveView(Answered):
    """Days away, both inclusive."""

    from_: Annotated[date, Field(alias="from")]
    until: date


class CalendarView(Answered):
    """A coach's calendar as it counts today. own: the coach's own entries; else the usual hours."""

    coach_id: str
    pattern: list[WindowView]
    minutes_per_day: Annotated[int, Field(description="Most minutes of interviews on a day")]
    leave: list[LeaveView]
    own: bool


class SlotView(Answered):
    """A time that can be booked now. slot_id: for booking and moving."""

    slot_id: str
    coach_id: str
    office_id: str | None
    starts_at: datetime
    ends_at: datetime
    minutes: int
    channel: AppointmentChannel
    private_room: bool


class MessageView(Answered):
    """A message's way; never its text or address. regarding: an appointment, engagement or consent id, or a code.

    due_at: when it is sent at the earliest, null when nothing is left to send or contact details are awaited. failure,
    withdrawn_why: null unless the state says so.
    """

    message_id: str
    case_id: str | None
    party: Party
    template: str
    template_version: int
    language: Language
    channel: MessageChannel
    regarding: str
    state: MessageState
    requested_at: datetime
    due_at: datetime | None
    sent_at: datetime | None
    delivered_at: datetime | None
    failure: Failure | None
    withdrawn_why: Annotated[str | None, Field(description="Code of what stopped it")]
    attempts: int


class ReceiptTaken(Answered):
    """ignored: the reference is of no message."""

    status: Literal["ok", "ignored"]
