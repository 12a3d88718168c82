"""Which coach a case goes to. The same coach through changes of job and health; another one only for a stated reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from contracts.reference import CoachChanged

Coaches = Mapping[str, CoachChanged | None]
"""Coach id → what the reference data say; None: nothing is known of that coach, which speaks against nobody."""


def available(coach: CoachChanged | None, office_id: str | None) -> bool:
    """Active, trained for in-work cases, and at the case's office (any office, for a case without one)."""
    if coach is None:
        return True
    return coach.active and coach.trained_in_work and (office_id is None or office_id in coach.offices)


def first_available(wanted: Sequence[str | None], coaches: Coaches, office_id: str | None) -> str | None:
    """The first wanted coach who is available, or the one who covers for them; None: unassigned in the office."""
    for coach_id in wanted:
        if coach_id is None:
            continue
        coach = coaches.get(coach_id)
        if available(coach, office_id):
            return coach_id
        cover = coach.cover_coach_id if coach is not None else None
        if cover is not None and cover in coaches and available(coaches[cover], office_id):
            return cover
    return None
