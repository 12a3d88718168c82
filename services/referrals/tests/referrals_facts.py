"""Facts as the earnings service tells them, short enough for tests."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

from contracts.earnings import Claim, ClaimClaimant, Conditionality, PeriodAssessed, PeriodClaimant, PeriodEmployment
from contracts.ids import period_id

KNOWN = Conditionality(
    from_=date(2020, 1, 1), age_band="nlw", expected_hours=35, legal_group="all_requirements", partner_ineligible=False
)


def months(first: date, count: int) -> list[tuple[date, date]]:
    """Periods of a cycle on a day up to the 28th."""
    starts = [
        date((first.year * 12 + first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1, first.day) for n in range(count + 1)
    ]
    return [(start, after - timedelta(days=1)) for start, after in pairwise(starts)]


def person(claimant_id: str, **changes: Any) -> ClaimClaimant:
    usual: dict[str, Any] = {
        "coach_id": "coach-1",
        "office_id": "office-1",
        "self_employed": False,
        "dead": False,
        "nino_known": True,
        "conditionality": (KNOWN,),
    }
    return ClaimClaimant(claimant_id=claimant_id, **(usual | changes))


def claim(claim_id: str, *people: ClaimClaimant, version: int = 1, **changes: Any) -> Claim:
    usual: dict[str, Any] = {
        "status": "open",
        "couple": len(people) == 2,
        "entitlement_date": date(2026, 1, 8),
        "payment_day": 7,
    }
    return Claim(claim_id=claim_id, version=version, claimants=people, **(usual | changes))


def earned(
    claimant_id: str, pence: int, *, job: str | None = "job-1", in_work: bool | None = None, **changes: Any
) -> PeriodClaimant:
    jobs = (
        PeriodEmployment(
            employment_id=f"{claimant_id}-{job}", employer_id="e-1", gross_pence=pence, paydays=1 if pence else 0, frequency="M1"
        ),
    )
    usual: dict[str, Any] = {
        "in_work": bool(job) if in_work is None else in_work,
        "gross_pence": pence,
        "attributed_pence": pence,
        "basis": "rti_gross",
        "indicative": False,
        "pay_pattern": "monthly",
        "employments": jobs if job else (),
    }
    return PeriodClaimant(claimant_id=claimant_id, **(usual | changes))


def assessed(claim_id: str, span: tuple[date, date], *people: PeriodClaimant, version: int = 1, **changes: Any) -> PeriodAssessed:
    usual: dict[str, Any] = {"why": "closed" if version == 1 else "correction", "status": "closed"}
    return PeriodAssessed(
        claim_id=claim_id,
        period_id=period_id(claim_id, span[0]),
        start=span[0],
        end=span[1],
        version=version,
        claimants=people,
        assessed_at=datetime(2026, 1, 1, tzinfo=UTC),
        **(usual | changes),
    )
