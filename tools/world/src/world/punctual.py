"""The same world with payrolls that never err: every payslip is reported once, rightly and on its payday, to the right person.

For comparisons that must not depend on what was first reported wrongly and put right later.
"""

from __future__ import annotations

from dataclasses import replace

from world.model import Report, World


def punctual(world: World) -> World:
    """Latent facts stay as they are; only the reporting differs. Everybody's NINO is known from the start."""
    reports: list[Report] = []
    for report in world.reports:
        slip = world.slips[report.slip_id]
        if report.kind != "original" or not world.jobs[slip.job_id].real:
            continue
        on = min(report.on, max(slip.payday, world.claim_of[slip.person_id].entitlement))
        reports.append(replace(report, gross_pence=slip.gross_pence, said_on=on, on=on, late_reason=None))
    reports.sort(key=lambda report: (report.on, report.unique_id))
    persons = {who: replace(person, nino_known_on=None) for who, person in world.persons.items()}
    return replace(world, reports=tuple(reports), persons=persons)
