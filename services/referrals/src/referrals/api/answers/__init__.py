"""Bodies of answers, for the API document, by topic. The views build them; a test holds the two together."""

from referrals.api.answers.care import CommitmentView, FittingSupport, FundTotals, ProviderView, SupportCatalogue
from referrals.api.answers.cases import BulkAssigned, CaseCommitted, CaseGranted, CaseReferred, CaseView, WaitingView
from referrals.api.answers.decisions import ContestView, DecisionLine, DecisionView, ReplayView
from referrals.api.answers.flag_holds import HoldAnswered, HoldView, HoldWithReport
from referrals.api.answers.history import HistoryEntry
from referrals.api.answers.outcomes import OutcomeView
from referrals.api.answers.reference import CaseloadView, CoachView, OfficeCaseloadView, OfficeView
from referrals.api.answers.told_in_error import ToldInError
from referrals.api.answers.what_if import WhatIfAsked, WhatIfRow, WhatIfView
from referrals.api.answers.worklist import SavedFiltersView, WorklistCounts, WorklistItem
from web.answers import Page, described

__all__ = [
    "BulkAssigned", "CaseCommitted", "CaseGranted", "CaseReferred", "CaseView", "CaseloadView", "CoachView", "CommitmentView",
    "ContestView", "DecisionLine", "DecisionView", "FittingSupport", "FundTotals", "HistoryEntry", "HoldAnswered", "HoldView",
    "HoldWithReport", "OfficeCaseloadView", "OfficeView", "OutcomeView", "Page", "ProviderView", "ReplayView",
    "SavedFiltersView", "SupportCatalogue", "ToldInError", "WaitingView", "WhatIfAsked", "WhatIfRow", "WhatIfView",
    "WorklistCounts", "WorklistItem", "described",
]  # fmt: skip
