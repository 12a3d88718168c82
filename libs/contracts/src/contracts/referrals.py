"""Events of the progression service: flags, cases and observed outcomes. Codes only, no free text."""

from __future__ import annotations

from datetime import date

import msgspec

from contracts.vocabulary import (
    CaseOutcome,
    ContactBasis,
    FlagContactBasis,
    Instant,
    Language,
    ReassignReason,
    RequestChannel,
)

# ---- progression.flag.v1 ----


class _FlagEvent(msgspec.Struct, frozen=True, kw_only=True):
    flag_id: str
    claim_id: str
    claimant_id: str


class FlagPlanned(_FlagEvent, frozen=True, kw_only=True):
    """A rule holds at the period's close; it is judged again at `due_at`. rule_set = hash of the policy used."""

    rule_id: str
    family: str
    period_id: str
    decision_id: str
    rule_set: str
    due_at: Instant


class FlagRaised(FlagPlanned, frozen=True, kw_only=True):
    """The rule still holds at the due date. May follow `FlagWithdrawn`; `revision` rises. Lower `priority` comes first."""

    revision: int
    reasons: tuple[str, ...]
    contact_basis: FlagContactBasis
    priority: int


class FlagShown(_FlagEvent, frozen=True, kw_only=True):
    """The flag reached a coach's worklist, on this case."""

    case_id: str


class FlagWithdrawn(_FlagEvent, frozen=True, kw_only=True):
    """The reason of the flag is gone, or a guard stopped it; `why` is a code."""

    why: str
    decision_id: str


class FlagClosed(_FlagEvent, frozen=True, kw_only=True):
    """The flag ended with its case."""

    outcome: CaseOutcome


class ReviewRaised(msgspec.Struct, frozen=True, kw_only=True):
    """Something for the coach or a decision maker to review; proposes no contact."""

    review_id: str
    rule_id: str
    claim_id: str
    claimant_id: str
    period_id: str


# ---- progression.case.v1 ----


class _CaseEvent(msgspec.Struct, frozen=True, kw_only=True):
    case_id: str
    claim_id: str
    claimant_id: str


class CaseOpened(_CaseEvent, frozen=True, kw_only=True):
    """A flag opened the claimant's one open case. Without coach: unassigned in its office."""

    office_id: str | None = None
    coach_id: str | None = None
    flag_id: str


class FlagAppended(_CaseEvent, frozen=True, kw_only=True):
    """A later flag joined the open case."""

    flag_id: str


class CaseReassigned(_CaseEvent, frozen=True, kw_only=True):
    """Another coach (or none) has the case. office_id: the new office, when the case moved with it."""

    from_: str | None = msgspec.field(name="from", default=None)
    to: str | None = None
    reason: ReassignReason
    office_id: str | None = None


class ContactRequested(_CaseEvent, frozen=True, kw_only=True):
    """A person asked for contact. `purpose` is a code; minutes and language null = the usual ones."""

    purpose: str
    contact_basis: ContactBasis
    channel: RequestChannel
    minutes: int | None = None
    language: Language | None = None
    requested_by_role: str


class ContactRecorded(_CaseEvent, frozen=True, kw_only=True):
    """A contact outside the platform's messages took place."""

    channel: str
    outcome: str


class CaseHeld(_CaseEvent, frozen=True, kw_only=True):
    """Nothing happens on the case until that day; it then returns by itself."""

    until: date
    code: str


class CaseExempted(_CaseEvent, frozen=True, kw_only=True):
    """The claimant is exempt; without `until` for good, and `CaseClosed` follows."""

    code: str
    until: date | None = None


class ReasonChanged(_CaseEvent, frozen=True, kw_only=True):
    """The flag's reason vanished after contact: the case stays, a corrected explanation is due to the claimant."""

    flag_id: str


class OutcomeMet(msgspec.Struct, frozen=True, kw_only=True):
    """An outcome rule's flag was raised; the claimant may have no case."""

    case_id: str | None = None
    claim_id: str
    claimant_id: str
    flag_id: str | None = None
    rule_id: str
    period_id: str


class ReferralMade(_CaseEvent, frozen=True, kw_only=True):
    """An onward referral was made."""

    referral_id: str
    type: str
    mandation: str


class ReferralUpdated(ReferralMade, frozen=True, kw_only=True):
    """The onward referral moved on; `status` is a code."""

    status: str | None = None


class CaseClosed(_CaseEvent, frozen=True, kw_only=True):
    """The case ended."""

    outcome: CaseOutcome


class CaseWithdrawn(_CaseEvent, frozen=True, kw_only=True):
    """Every reason vanished before contact; `CaseClosed` follows."""


class CaseExpired(_CaseEvent, frozen=True, kw_only=True):
    """Nothing happened for too long; `CaseClosed` follows."""


class CaseReopened(_CaseEvent, frozen=True, kw_only=True):
    """A closed case is open again; `why` is a code."""

    why: str


class ActionUndone(_CaseEvent, frozen=True, kw_only=True):
    """Two people took a wrong action back. event_id: the event that the action caused; action: its name."""

    event_id: str
    action: str


class EarningsContested(msgspec.Struct, frozen=True, kw_only=True):
    """The claimant says that the earnings of a period (or any) are wrong."""

    case_id: str | None = None
    claim_id: str
    claimant_id: str
    period_id: str | None = None
    why_code: str


class EarningsContestClosed(EarningsContested, frozen=True, kw_only=True):
    """The contest was answered."""


# ---- progression.outcome.v1 ----


class ArmAssigned(msgspec.Struct, frozen=True, kw_only=True):
    """A claimant was allotted to an arm of an experiment."""

    claim_id: str
    claimant_id: str
    experiment: str
    arm: str
    stratum: str


class ArmExposed(ArmAssigned, frozen=True, kw_only=True):
    """The arm first made a difference for this claimant."""


class OutcomeObserved(msgspec.Struct, frozen=True, kw_only=True):
    """What a period brought, for everyone in scope, contacted or not. `version` rises strictly per claimant and period."""

    claim_id: str
    claimant_id: str
    period_id: str
    version: int
    gross_change_pence: int | None = None
    in_work: bool
    arm: str | None = None
