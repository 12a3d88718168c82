"""From an engagement to what its employer may see of it now: the one egress of personal fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from psycopg import Connection

from employer_link import lookups, views
from employer_link.api.parts import Parts
from employer_link.commands import gone, not_found
from employer_link.lookups import EngagementRow
from employer_link.model import PERSONAL, Claim, Claimant, Engagement, Office
from employer_link.profiles import personal
from employer_link.rules.decision import responsible
from employer_link.rules.disclosure import shown_fields, visibility
from web import audit, etag
from web.principal import Principal


@dataclass(frozen=True, slots=True)
class Found:
    """One engagement with what decides what may be seen of it."""

    claim: Claim
    claimant: Claimant | None
    engagement: Engagement
    office: Office | None


class EmployerReader:
    """Reads engagements for employers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def find(
        self, conn: Connection[Any], request: Request, principal: Principal, engagement_id: str, *, change: bool = False
    ) -> Found:
        """One of the caller's own. 404 (audited) for anything else, 410 once the ground for showing it has ended.

        change: a command follows, which is audited with its effect.
        """
        row = lookups.engagement(conn, engagement_id)
        ids = {"engagement_id": engagement_id}
        if row is None or not row.shared or row.employer_id not in principal.employers:
            reason = "absent" if row is None else "not_theirs"
            audit.read(conn, request, principal, "engagement", granted=False, reason=reason, ids=ids)
            raise not_found()
        found = self.many(conn, [row]).get(engagement_id)
        if found is None:
            audit.read(conn, request, principal, "engagement", granted=False, reason="gone", ids=ids)
            raise gone()
        if not change:
            audit.read(conn, request, principal, "engagement", ids=ids | {"claimant_id": found.engagement.claimant_id})
        return found

    def many(self, conn: Connection[Any], rows: Sequence[EngagementRow]) -> dict[str, Found]:
        """Those that are visible now, by id, in the rows' order."""
        parts, today = self._parts, self._parts.today()
        claims: dict[str, Claim] = parts.read_many(conn, "claim", {row.claim_id for row in rows})
        claimants = parts.read_many(conn, "claimant", {row.claimant_id for row in rows if row.claimant_id is not None})
        found: dict[str, Found] = {}
        offices: dict[str, Office | None] = {}
        for row in rows:
            claim = claims.get(row.claim_id)
            engagement = claim.engagements.get(row.engagement_id) if claim is not None else None
            if claim is None or engagement is None:
                continue
            claimant = claimants.get(engagement.claimant_id)
            if visibility(claim, claimant, engagement, today) != "visible":
                continue
            _, office_id = responsible(claim, engagement)
            if office_id is not None and office_id not in offices:
                offices[office_id] = parts.read(conn, "office", office_id)
            found[row.engagement_id] = Found(claim, claimant, engagement, offices.get(office_id or ""))
        return found

    def views(self, found: Sequence[Found]) -> dict[str, views.View]:
        """The views with names looked up now. Raises Refused (503) when earnings does not answer."""
        today = self._parts.today()
        shown = {one.engagement.engagement_id: shown_fields(one.claim, one.claimant, one.engagement, today) for one in found}
        wanted = [one.engagement.claimant_id for one in found if set(shown[one.engagement.engagement_id]) & set(PERSONAL)]
        profiles = self._parts.names.look_up(wanted)
        result: dict[str, views.View] = {}
        for one in found:
            engagement = one.engagement
            stored = views.employer_view(one.claim, one.claimant, engagement, one.office, today)
            named = personal(profiles.get(engagement.claimant_id), engagement.employer_id)
            result[engagement.engagement_id] = views.with_names(stored, shown[engagement.engagement_id], named)
        return result

    def tag(self, found: Found) -> str:
        """The ETag: of what is stored here of the view, so that a change needs no look-up of names."""
        return etag.of(views.employer_view(found.claim, found.claimant, found.engagement, found.office, self._parts.today()))
