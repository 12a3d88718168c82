"""A payroll's bad file: corrections that halve the last finished month of many people at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from contracts.ids import period_id
from world.feed import Feed
from world.model import Payslip, Report, World
from world.periods import closed_by

DUE_DAYS = 8
"""The period is past its re-check, so that what the file says is judged at once."""
FROM_PENCE, TO_PENCE = 1000_00, 1900_00
"""At or above the administrative earnings threshold (991 pounds), and half of it below."""


def people(world: World, on: date) -> list[Report]:
    """One report per person: the newest about the one monthly payslip of their last finished period."""
    slips: dict[str, list[Payslip]] = defaultdict(list)
    for slip in world.slips.values():
        slips[slip.person_id].append(slip)
    newest = {report.slip_id: report for report in world.reports if report.on < on}
    found = []
    for claim in world.claims:
        periods = closed_by(claim.entitlement, on - timedelta(days=DUE_DAYS))
        for who in claim.people if periods and claim.closed_on is None else ():
            paid = [slip for slip in slips[who] if periods[-1].holds(slip.payday) and slip.slip_id in newest]
            if len(paid) == 1 and FROM_PENCE <= newest[paid[0].slip_id].gross_pence < TO_PENCE:
                found.append(newest[paid[0].slip_id])
    return found


def about(world: World, reports: Sequence[Report]) -> set[tuple[str, str]]:
    """Ids of the person and the period of each report's payslip."""
    claims = {who: claim for claim in world.claims for who in claim.people}
    found = set()
    for report in reports:
        slip = world.slips[report.slip_id]
        claim = claims[slip.person_id]
        [period] = [one for one in closed_by(claim.entitlement, slip.payday + timedelta(days=40)) if one.holds(slip.payday)]
        found.add((slip.person_id, period_id(claim.claim_id, period.start)))
    return found


def feed(world: World, reports: Sequence[Report], on: date) -> Feed:
    """The file: nothing but a correction of each report to half of it, sent on that day."""
    halved = [
        replace(
            report,
            unique_id=f"{report.unique_id}{on:%m%d}",
            kind="correction",
            gross_pence=report.gross_pence // 2,
            ytd_pence=report.ytd_pence - (report.gross_pence - report.gross_pence // 2),
            said_on=on,
            on=on,
            late_reason="H",
        )
        for report in reports
    ]
    return Feed(replace(world, claims=(), reports=tuple(halved), broken=False))
