"""People who were contacted for a reason that was not so."""

from __future__ import annotations

from datetime import datetime

from referrals.api.answers.base import Absent, Reason
from web.answers import Answered


class ToldContact(Answered):
    """One contact; what does not belong to its kind is absent."""

    at: datetime
    event: str
    channel: str | Absent = None
    outcome: str | Absent = None
    purpose: str | Absent = None
    message_id: str | Absent = None
    appointment_id: str | Absent = None


class ToldView(Answered):
    """The reasons as they were given, and every contact since."""

    reasons: list[Reason]
    contacts: list[ToldContact]


class ToldInError(Answered):
    """One reason that went after contact. explained_at: a corrected explanation; restored_at: it holds again after all."""

    claim_id: str
    claimant_id: str
    case_id: str
    flag_id: str
    rule_id: str
    period_id: str
    office_id: str | None
    coach_id: str | None
    contacted_at: datetime | None
    found_at: datetime
    told: ToldView
    explained_at: datetime | None
    restored_at: datetime | None
