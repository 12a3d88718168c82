"""Request bodies. Unknown fields are refused, lengths are bounded."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from contracts.vocabulary import Weekday

Id = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00]+$")]
SlotId = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[A-Za-z0-9_-]+$")]
Code = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[a-z0-9_-]+$")]
ClockTime = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Body(BaseModel):
    """Base of all bodies."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Empty(Body):
    """`{}`"""


class WindowBody(Body):
    """Interview hours on these days, London time."""

    days: Annotated[list[Weekday], Field(min_length=1, max_length=7)]
    from_: Annotated[ClockTime, Field(alias="from")]
    to: ClockTime
    office_id: Id | None = None

    @model_validator(mode="after")
    def in_order(self) -> Self:
        """Interview hours end on the day they begin."""
        if time.fromisoformat(self.from_) >= time.fromisoformat(self.to):
            raise ValueError("from must be before to")
        return self


class LeaveBody(Body):
    """Days away, both inclusive."""

    from_: Annotated[date, Field(alias="from")]
    until: date

    @model_validator(mode="after")
    def in_order(self) -> Self:
        """The last day is not before the first."""
        if self.until < self.from_:
            raise ValueError("until must not be before from")
        return self


class CalendarBody(Body):
    """A coach's calendar; `coach_id` and `own` may be sent back as they were read."""

    pattern: Annotated[list[WindowBody], Field(max_length=50)]
    minutes_per_day: Annotated[int, Field(ge=0, le=1440)] | None = None
    leave: Annotated[list[LeaveBody], Field(max_length=100)] = []
    coach_id: Id | None = None
    own: bool | None = None

    @field_validator("leave")
    @classmethod
    def in_time_order(cls, leave: list[LeaveBody]) -> list[LeaveBody]:
        """Sorted, so that the same calendar always looks the same."""
        return sorted(leave, key=lambda entry: (entry.from_, entry.until))


class BookBody(Body):
    """accepted_by claimant: they are there and said yes; null: they are asked by a message."""

    case_id: Id
    slot_id: SlotId
    accepted_by: Literal["claimant"] | None = None


class MoveBody(Body):
    """The new time."""

    slot_id: SlotId


class CancelBody(Body):
    """reason: a code. Who cancels is taken from the token."""

    reason: Code
    by: Code | None = None


class MissedBody(Body):
    """reason: a code, if one is known. Whether the claimant had been reached is worked out here."""

    reason: Code | None = None
    delivery_confirmed: bool | None = None


class ReceiptBody(BaseModel):
    """What the provider calls back with; only these fields are read, nothing else is kept."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    id: Id
    reference: Annotated[str, StringConstraints(max_length=1000)] | None = None
    status: Code
