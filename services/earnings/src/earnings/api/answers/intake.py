"""What became of upstream messages."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from earnings.api.codes import Outcome
from web.answers import Answered


class LedgerRow(Answered):
    """What became of a message: its place in the log, and the outcome. reason: a code, with the field it is about."""

    topic: str
    partition: int
    offset: int
    record_id: Annotated[str | None, Field(description="Null when the message has no readable id")]
    received_at: datetime
    outcome: Outcome
    reason: str | None


class TopicSummary(Answered):
    """Numbers of messages; `received` is the sum of the others."""

    topic: str
    received: int
    applied: int
    superseded: int
    duplicate: int
    pending: int
    quarantined: int
    ignored: int


class IntakeSummary(Answered):
    """Every upstream topic, also one that was silent."""

    topics: list[TopicSummary]
