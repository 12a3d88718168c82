"""What holds a claimant back and what is done about it."""

from __future__ import annotations

from datetime import date

from contracts.vocabulary import Jurisdiction
from referrals.rules.support import CommitmentState, Grade, Level, Mandation, ReferralStatus, Skill
from web.answers import Answered


class BarrierView(Answered):
    """Something that holds the claimant back. by: who noted it."""

    code: str
    level: Level
    on: date
    by: str
    resolved_on: date | None


class AssessmentView(Answered):
    """How the claimant gets on with digital services or basic skills."""

    skill: Skill
    grade: Grade
    on: date
    by: str


class PromiseView(Answered):
    """One thing agreed. by: the day it is to be done."""

    activity: str
    mandatory: bool
    hours_per_week: int | None
    by: date | None


class CommitmentView(Answered):
    """One version of a commitment. goal_pence: the claimant's own goal for monthly gross pay."""

    commitment_id: str
    version: int
    items: list[PromiseView]
    state: CommitmentState
    on: date
    by: str
    by_role: str
    goal_pence: int | None
    review_on: date | None
    answered_on: date | None


class OnwardReferralView(Answered):
    """A referral to a provider."""

    referral_id: str
    type: str
    provider_id: str
    alternatives_considered: list[str]
    mandation: Mandation
    status: ReferralStatus
    on: date
    by: str
    by_role: str


class GrantView(Answered):
    """Money from the Flexible Support Fund."""

    grant_id: str
    purpose: str
    amount_pence: int
    office_id: str | None
    on: date
    by: str


class CareView(Answered):
    """All of it for one person. kind: of claimant, null until somebody has said it; approach: what suits that kind.

    fund_purposes: purposes of the support fund that the open barriers bring to mind.
    """

    kind: str | None
    approach: str | None
    barriers: list[BarrierView]
    assessments: list[AssessmentView]
    commitments: list[CommitmentView]
    referrals: list[OnwardReferralView]
    grants: list[GrantView]
    fund_purposes: list[str]


class ProviderView(Answered):
    """A provider. nations, districts empty: everywhere. accredited_until null: without an end."""

    provider_id: str
    version: int
    name: str
    types: list[str]
    nations: list[Jurisdiction]
    districts: list[str]
    accredited_until: date | None
    open: bool


class FittingView(Answered):
    """One type of support that fits. because: codes of barriers, or the kind of claimant."""

    type: str
    title: str
    because: list[str]
    providers: list[ProviderView]


class FittingSupport(Answered):
    """Support that fits a case, most reasons first."""

    items: list[FittingView]
    fund_purposes: list[str]


class SupportTypeView(Answered):
    """One type of support. nations empty: everywhere. open: takes referrals today."""

    id: str
    title: str
    helps: list[str]
    suits: list[str]
    nations: list[Jurisdiction]
    mandatory: bool
    alternatives_first: bool
    open: bool


class SupportCatalogue(Answered):
    """The codes to choose from. kinds: of claimant, and the approach that suits. fund_purposes: barriers each is for."""

    barriers: list[str]
    kinds: dict[str, str]
    fund_purposes: dict[str, list[str]]
    types: list[SupportTypeView]


class FundPurpose(Answered):
    """What was spent for one purpose. grants: how many."""

    purpose: str
    grants: int
    amount_pence: int


class FundTotals(Answered):
    """What an office spent from the support fund."""

    office_id: str
    purposes: list[FundPurpose]
