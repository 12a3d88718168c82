"""Closed vocabularies of the platform's events, each spelt once.

A value outside a closed vocabulary fails decoding. Lists that grow without a new event version (reasons, causes,
quality markers) are plain strings in the events, so that an older reader keeps reading; `Marker` and `WouldHelp`
only serve writers.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
"""A moment with its offset; written in UTC. A value without an offset fails decoding."""

ClaimStatus = Literal["open", "suspended", "closed"]
Jurisdiction = Literal["england", "scotland", "wales", "northern_ireland"]
AgeBand = Literal["nlw", "age_21_to_22", "age_18_to_20", "age_16_to_17", "apprentice"]
LegalGroup = Literal["no_requirements", "work_focused_interview_only", "work_preparation", "all_requirements"]

PeriodStatus = Literal["open", "closed"]
PeriodCause = Literal[
    "closed", "statement", "late_payment", "correction", "invalidation", "determination", "identity", "boundary"
]
QueryRaiser = Literal["data", "person"]
EarningsBasis = Literal["rti_gross", "self_reported", "statement_net", "none"]
Marker = Literal[
    "payment_conflict",
    "duplicate_employment",
    "two_wages",
    "several_periods",
    "payday_overdue",
    "ytd_mismatch",
    "negative_total",
    "late",
    "no_statement",
    "statement_disagrees",
    "irregular",
    "self_employed",
    "strike_or_absence",
    "surplus",
    "disputed",
    "reallocation_open",
]

FlagContactBasis = Literal["voluntary", "any"]
ContactBasis = Literal["voluntary", "mandatory"]
CaseState = Literal["shown", "contacted", "in_progress", "held", "closed"]
CaseOutcome = Literal["outcome_met", "exempt", "not_applicable", "declined", "expired", "withdrawn"]
ReassignReason = Literal["upstream", "leave", "manual", "office_move"]

AppointmentChannel = Literal["face_to_face", "phone", "video", "group", "digital"]
RequestChannel = Literal["face_to_face", "phone", "video", "group", "digital", "message"]
"""How a coach asks to meet: an appointment's channel, or a message without an appointment."""
AppointmentState = Literal["offered", "booked", "attended", "missed", "cancelled", "declined", "expired"]
WouldHelp = Literal["evening", "phone", "other_office", "later_date"]

Language = Literal["en", "cy", "both"]
PreferredLanguage = Literal["en", "cy"]
MessageChannel = Literal["email", "sms", "letter"]
AllowedChannel = Literal["email", "sms", "letter", "phone"]
Party = Literal["claimant", "coach", "employer"]
Failure = Literal["permanent", "temporary", "technical"]
Need = Literal["longer_slot", "private_room", "step_free", "bsl", "large_print", "interpreter"]

GivenBy = Literal["claimant", "on_behalf"]
Ask = Literal["more_hours", "different_shifts", "training", "higher_role", "adjustment"]
Answer = Literal[
    "more_hours", "different_shifts", "training", "higher_role", "none", "not_our_employee", "wrong_contact", "need_time"
]
EngagementState = Literal["draft", "shared", "answered", "agreed", "following_up", "closed"]
EngagementEnd = Literal["completed", "consent_ended", "job_ended", "claim_closed", "declined", "expired"]

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
