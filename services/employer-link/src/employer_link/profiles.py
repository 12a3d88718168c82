"""Names and payroll ids, asked of earnings each time an employer reads them. Nothing is kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import msgspec

from streaming.errors import Refused
from web.client import ServiceClient, ServiceError

PURPOSE = "employer_engagement"
RETRY_AFTER_S = 5


class EmploymentProfile(msgspec.Struct, frozen=True):
    """A job of the person. payroll_id: as the employer's payroll names them, if it was reported."""

    employment_id: str
    employer_id: str
    payroll_id: str | None = None
    ended_on: str | None = None


class Profile(msgspec.Struct, frozen=True):
    """A person's name and jobs."""

    claimant_id: str
    name: str | None = None
    employments: tuple[EmploymentProfile, ...] = ()


class _Answer(msgspec.Struct, frozen=True):
    items: tuple[Profile, ...]


class Names(Protocol):
    """Where names come from."""

    def look_up(self, claimant_ids: Iterable[str]) -> dict[str, Profile]:
        """Profiles by claimant id; unknown people are left out. Raises Refused (503)."""


class EarningsNames:
    """`POST /v1/claimants/profiles` of earnings, with this service's own token."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    def look_up(self, claimant_ids: Iterable[str]) -> dict[str, Profile]:
        """See Names."""
        wanted = sorted(set(claimant_ids))
        if not wanted:
            return {}
        try:
            answer = self._client.post(
                "/v1/claimants/profiles", {"claimant_ids": wanted, "purpose": PURPOSE}, _Answer, repeatable=True
            )
        except ServiceError:
            detail = "Names cannot be looked up now. Try again."
            raise Refused(503, "names-unavailable", detail, retry_after_s=RETRY_AFTER_S) from None
        return {profile.claimant_id: profile for profile in answer.items}


def personal(profile: Profile | None, employer_id: str) -> dict[str, str | None]:
    """The two personal fields of the employer view, for this employer's job only: the newest reported, running ones first."""
    if profile is None:
        return {"employee_name": None, "payroll_id": None}
    jobs = [job for job in profile.employments if job.employer_id == employer_id]
    jobs.sort(key=lambda job: (job.ended_on is None, job.ended_on or ""), reverse=True)
    return {"employee_name": profile.name, "payroll_id": next((job.payroll_id for job in jobs if job.payroll_id), None)}
