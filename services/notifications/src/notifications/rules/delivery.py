"""A message's status moves forward only: what a look-up or a receipt may change."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from contracts.vocabulary import Failure
from notifications.model import Message, MessageState

ORDER: dict[MessageState, int] = {
    "requested": 0,
    "sending": 1,
    "unknown": 1,
    "sent": 2,
    "delivered": 3,
    "failed": 3,
    "withdrawn": 3,
}
PROVIDER_FAILURES: dict[str, Failure] = {
    "permanent-failure": "permanent",
    "temporary-failure": "temporary",
    "technical-failure": "technical",
    "validation-failed": "technical",
    "virus-scan-failed": "technical",
}
DELIVERED = ("delivered", "received")

News = Literal["sent", "delivered", "failed"]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One forward step: the message after it and what is to be published."""

    message: Message
    news: News


def failure_of(status: str) -> Failure | None:
    """The provider's failure word in the platform's terms; None for any other status."""
    return PROVIDER_FAILURES.get(status)


def forward(message: Message, *, provider_id: str, status: str, at: datetime) -> list[Step]:
    """What the provider's word for this message changes; empty when it says nothing new or something older.

    A receipt is also proof that the provider took the message: `sent` is published first if it was not.
    """
    steps: list[Step] = []
    if ORDER[message.state] < ORDER["sent"]:
        message = msgspec.structs.replace(message, state="sent", provider_id=provider_id, sent_at=at, due_at=None)
        steps.append(Step(message=message, news="sent"))
    if message.state != "sent":
        return steps
    failure = failure_of(status)
    if status in DELIVERED:
        message = msgspec.structs.replace(message, state="delivered", delivered_at=at)
        steps.append(Step(message=message, news="delivered"))
    elif failure is not None:
        message = msgspec.structs.replace(message, state="failed", failure=failure)
        steps.append(Step(message=message, news="failed"))
    return steps
