"""In which assessment period each payment belongs, from what happened: payday, the day of its first report, the claim's life.

By regulation 61 pay counts in the period in which it was paid or reported, whichever is later. A correction of an earlier
report, and the mark that a payment was never this person's, belong where the first report does.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from world.model import Claim, Report, World
from world.periods import ONE_DAY, Period, starts


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentLabel:
    """start: first day of the period; None: it belongs to none of the claim's. because: what decided it."""

    payment_id: str
    claimant_id: str
    claim_id: str
    start: date | None
    because: str


def payment_labels(world: World) -> list[PaymentLabel]:
    """One for each payment id that was reported in the play."""
    first = {report.slip_id: report for report in world.reports if report.kind == "original"}
    found: dict[str, PaymentLabel] = {}
    for report in world.reports:
        if report.on > world.end or report.unique_id in found:
            continue
        slip = world.slips[report.slip_id]
        claim = world.claim_of[slip.person_id]
        start, because = _placed(claim, slip.payday, first[report.slip_id], report, world.end)
        found[report.unique_id] = PaymentLabel(
            payment_id=report.unique_id, claimant_id=slip.person_id, claim_id=claim.claim_id, start=start, because=because
        )
    return list(found.values())


def _placed(claim: Claim, payday: date, first: Report, report: Report, end: date) -> tuple[date | None, str]:
    counts_on = max(payday, first.on)
    period = next((period for period in _life(claim, end) if period.holds(counts_on)), None)
    if report.kind == "correction":
        because = "corrects an earlier report"
    else:
        because = "reported after its payday" if first.on > payday else "paid on that day"
    return (None, "the claim had no period then") if period is None else (period.start, because)


def _life(claim: Claim, end: date) -> Iterator[Period]:
    """The claim's periods that began by `end` and before it closed; the last one ends by the calendar."""
    months = (end.year - claim.entitlement.year) * 12 + end.month - claim.entitlement.month + 2
    days = starts(claim.entitlement, max(2, months))
    for start, following in itertools.pairwise(days):
        if start <= end and (claim.closed_on is None or start < claim.closed_on):
            yield Period(start, following - ONE_DAY)
