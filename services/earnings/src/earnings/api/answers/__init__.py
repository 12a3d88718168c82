"""Bodies of answers, for the API document. The views build them; tests hold the two together.

Days are London days, instants UTC.
"""

from earnings.api.answers.claims import ClaimView, Determined
from earnings.api.answers.intake import IntakeSummary, LedgerRow
from earnings.api.answers.people import PaymentView, Profiles, ProfileView
from earnings.api.answers.periods import PeriodView
from earnings.api.answers.queries import QueryRaisedView, QueryView
from web.answers import Page

__all__ = [
    "ClaimView",
    "Determined",
    "IntakeSummary",
    "LedgerRow",
    "Page",
    "PaymentView",
    "PeriodView",
    "ProfileView",
    "Profiles",
    "QueryRaisedView",
    "QueryView",
]
