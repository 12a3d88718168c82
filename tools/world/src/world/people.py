"""Who is in the world: what a driver needs to register clients and reference data."""

from __future__ import annotations

from dataclasses import dataclass

from world.model import World


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeEntry:
    """An office; nearby: the others."""

    office_id: str
    name: str
    nation: str
    district: str
    nearby: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoachEntry:
    """A coach; offices: home office first."""

    coach_id: str
    offices: tuple[str, ...]
    minutes_per_day: int
    trained_in_work: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimantEntry:
    """A claimant at the start of the claim. paye_references: of every employer that really employs the person."""

    claimant_id: str
    claim_id: str
    office_id: str
    coach_id: str | None
    language: str
    paye_references: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmployerEntry:
    """A payroll scheme and how many claimants work there at some time."""

    paye_reference: str
    name: str
    employees: int


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Everybody. employers: those with most claimants first."""

    offices: tuple[OfficeEntry, ...]
    coaches: tuple[CoachEntry, ...]
    claimants: tuple[ClaimantEntry, ...]
    employers: tuple[EmployerEntry, ...]


def people(world: World) -> People:
    """Offices, coaches, claimants and employers of the world."""
    works_for: dict[str, list[str]] = {}
    for job in world.jobs.values():
        if job.real:
            works_for.setdefault(job.person_id, []).append(job.employer)
    employees = {employer.paye_reference: 0 for employer in world.employers}
    for references in works_for.values():
        for reference in set(references):
            employees[reference] += 1
    all_offices = [office.office_id for office in world.offices]
    return People(
        offices=tuple(
            OfficeEntry(
                office_id=office.office_id,
                name=office.name,
                nation=office.nation,
                district=office.district,
                nearby=tuple(other for other in all_offices if other != office.office_id),
            )
            for office in world.offices
        ),
        coaches=tuple(
            CoachEntry(coach_id=coach.coach_id, offices=(coach.office_id,), minutes_per_day=coach.minutes_per_day)
            for coach in world.coaches
        ),
        claimants=tuple(
            ClaimantEntry(
                claimant_id=person.person_id,
                claim_id=world.claim_of[person.person_id].claim_id,
                office_id=person.office_id,
                coach_id=person.coach_id,
                language=person.contact[0].language,
                paye_references=tuple(dict.fromkeys(works_for.get(person.person_id, ()))),
            )
            for person in world.persons.values()
        ),
        employers=tuple(
            sorted(
                (
                    EmployerEntry(
                        paye_reference=employer.paye_reference, name=employer.name, employees=employees[employer.paye_reference]
                    )
                    for employer in world.employers
                ),
                key=lambda entry: (-entry.employees, entry.paye_reference),
            )
        ),
    )
