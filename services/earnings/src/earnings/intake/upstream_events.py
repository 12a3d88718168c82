"""CloudEvents that earnings listens to: easements and conditionality from upstream, contests and coaches from the progression
service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from contracts import topics
from contracts.envelope import decode
from contracts.reference import CoachChanged
from contracts.referrals import EarningsContestClosed, EarningsContested
from contracts.upstream import ClaimantConditionality, ClaimantEasement
from earnings.intake.checks import BadField, identifier
from earnings.intake.facts import ConditionalityFact, EasementFact
from earnings.model import Conditionality, Easement

_LARGEST = (1 << 63) - 1


def claimant_id(event: Mapping[str, Any]) -> str:
    """Whom an upstream event is about."""
    return identifier(event.get("claimant_id"), "claimant_id")


def read(topic: str, value: bytes | None) -> EasementFact | ConditionalityFact:
    """Raises BodyError or BadField."""
    event = decode(topic, value)
    assert isinstance(event, ClaimantEasement | ClaimantConditionality)
    person = identifier(event.claimant_id, "claimant_id")
    if not 0 <= event.version <= _LARGEST:
        raise BadField("version")
    if isinstance(event, ClaimantEasement):
        return EasementFact(
            person,
            Easement(event.version, event.from_, event.until, event.no_contact_until, event.voluntary_only, event.review_on),
        )
    if event.expected_hours is not None and not 0 <= event.expected_hours <= 168:
        raise BadField("expected_hours")
    return ConditionalityFact(
        person,
        Conditionality(
            event.version, event.from_, event.age_band, event.expected_hours, event.legal_group, event.partner_ineligible
        ),
    )


def contest(event_type: str, value: bytes | None) -> EarningsContested | None:
    """A contest begun or ended; None for everything else that cases publish. Raises BodyError."""
    if event_type not in ("EarningsContested", "EarningsContestClosed"):
        return None
    event: msgspec.Struct | None = decode(event_type, value, topic=topics.PROGRESSION_CASE)
    assert isinstance(event, EarningsContested | EarningsContestClosed)
    return event


def coach(event_type: str, value: bytes | None) -> CoachChanged | None:
    """A coach as they are now; None for offices. Raises BodyError or BadField."""
    if event_type != "CoachChanged":
        return None
    event: msgspec.Struct | None = decode(event_type, value, topic=topics.PROGRESSION_REFERENCE)
    assert isinstance(event, CoachChanged)
    identifier(event.coach_id, "coach_id")
    return event
