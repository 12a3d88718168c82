"""CloudEvents that upstream systems publish about a claimant (`ce_type` = topic name, key = claim id).

They hold personal data, unlike every platform topic. Unknown fields are ignored. Ids: opaque, up to 128 characters.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import msgspec

from contracts.vocabulary import AgeBand, AllowedChannel, LegalGroup, Need, PreferredLanguage

UpstreamId = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class ContactPreferences(msgspec.Struct, frozen=True, kw_only=True):
    """How a claimant wants to be reached. quiet_hours, working_pattern: as sent; read with `reference.WeeklyHours`."""

    claimant_id: UpstreamId
    version: int
    from_: date = msgspec.field(name="from")
    until: date | None = None
    channels_allowed: tuple[AllowedChannel, ...]
    email: str | None = None
    phone: str | None = None
    address: Any = None
    language: PreferredLanguage
    needs: tuple[Need, ...] = ()
    quiet_hours: Any = None
    working_pattern: Any = None


class ClaimantEasement(msgspec.Struct, frozen=True, kw_only=True):
    """Replaces the person's earlier easement. Effect only; `until` is the last day."""

    claimant_id: UpstreamId
    version: int
    from_: date = msgspec.field(name="from")
    until: date | None = None
    no_contact_until: date | None = None
    voluntary_only: bool
    review_on: date | None = None


class ClaimantConditionality(msgspec.Struct, frozen=True, kw_only=True):
    """What is expected of the person from a day on."""

    claimant_id: UpstreamId
    version: int
    from_: date = msgspec.field(name="from")
    age_band: AgeBand
    expected_hours: int | None = None
    legal_group: LegalGroup | None = None
    partner_ineligible: bool | None = None
