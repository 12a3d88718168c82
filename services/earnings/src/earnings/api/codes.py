"""Codes that requests and answers share."""

from __future__ import annotations

from typing import Literal

Outcome = Literal["applied", "superseded", "duplicate", "pending", "quarantined", "ignored"]
"""What became of a message."""
Cause = Literal[
    "payment_conflict", "duplicate_employment", "two_wages", "several_periods", "payday_overdue", "ytd_mismatch",
    "negative_total",
]  # fmt: skip
"""Why figures are doubted."""
Resolution = Literal["figures_stand", "corrected", "employer_confirmed", "claimant_confirmed", "raised_in_error"]
"""How a person settles a query."""
