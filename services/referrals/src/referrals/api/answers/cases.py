"""One case: why it is there, where it stands, and what may be done with it."""

from __future__ import annotations

from datetime import date, datetime

from contracts.vocabulary import CaseOutcome, CaseState, ContactBasis, FlagContactBasis, Language, RequestChannel
from referrals.api.answers.base import Reason
from referrals.api.answers.care import CareView
from referrals.model import FlagState, WaitingOn
from web.answers import Answered


class OrderReason(Answered):
    """Why a case is where it is on its list."""

    code: str
    text: str


class FlagView(Answered):
    """One rule on one period. why: code of how it ended. reason_gone: the reason went after contact, and the case stayed."""

    flag_id: str
    rule_id: str
    family: str
    period_id: str
    state: FlagState
    why: str | None
    decision_id: str
    reason_gone: bool
    reasons: list[Reason]


class ExemptionView(Answered):
    """Who exempted the claimant and on what class of evidence. until: its last day, null for good."""

    code: str
    evidence_class: str
    author: str
    by_role: str
    until: date | None


class ContactWanted(Answered):
    """The contact asked for last. minutes, language null: as usual."""

    purpose: str
    contact_basis: ContactBasis
    channel: RequestChannel
    minutes: int | None
    language: Language | None


class EarningsQueryView(Answered):
    """A doubt about a period's earnings; a blocking one withholds the conclusion."""

    query_id: str
    period_id: str
    cause: str
    blocking: bool


class CaseView(Answered):
    """A case as its coach sees it. rules, reasons: of its live flags, strongest first. priority: smaller comes first.

    new: not looked at by its coach since they got it. explanation_due: the claimant was told something that is not so.
    allowed: the moves that are legal now.
    """

    case_id: str
    claim_id: str
    claimant_id: str
    coach_id: str | None
    office_id: str | None
    state: CaseState
    outcome: CaseOutcome | None
    rules: list[str]
    reasons: list[Reason]
    flags: list[FlagView]
    contact_basis: FlagContactBasis
    priority: int
    why_this_order: list[OrderReason]
    shown_at: datetime
    due_at: datetime | None
    held_until: date | None
    hold_code: str | None
    exempt: ExemptionView | None
    exempt_code: str | None
    waiting_on: WaitingOn
    unread: bool
    new: bool
    complex_needs: bool
    care: CareView
    explanation_due: bool
    contacted_at: datetime | None
    opened_at: datetime
    closed_at: datetime | None
    contact_requested: ContactWanted | None
    earnings_queries: list[EarningsQueryView]
    allowed: list[str]


class CaseReferred(CaseView):
    """The case, and the referral that was made."""

    referral_id: str


class CaseGranted(CaseView):
    """The case, and the grant that was recorded."""

    grant_id: str


class CaseCommitted(CaseView):
    """The case, and the commitment that was written."""

    commitment_id: str


class WaitingView(Answered):
    """Why a case still waits. ahead: cases that come first. contacts_a_day: of its coach, null when not known."""

    case_id: str
    ahead: int
    contacts_a_day: int | None
    reasons: list[OrderReason]


class AssignedView(Answered):
    """A case that was given. etag: its new version."""

    case_id: str
    coach_id: str | None
    etag: str


class RefusedView(Answered):
    """A case that stayed where it was. status, code: as if it had been given alone."""

    case_id: str
    status: int
    code: str


class BulkAssigned(Answered):
    """What became of each case."""

    assigned: list[AssignedView]
    refused: list[RefusedView]
