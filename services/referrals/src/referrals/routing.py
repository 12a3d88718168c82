"""Which coach a case goes to, from the reference data of now. Reading a coach locks them, so that one who leaves is seen."""

from __future__ import annotations

from contracts.reference import CoachChanged
from referrals.desk import COACH, Desk
from referrals.rules.continuity import first_available


def known_coaches(desk: Desk, *wanted: str | None) -> dict[str, CoachChanged | None]:
    """The wanted coaches and those who cover for them, as the reference data say now."""
    found: dict[str, CoachChanged | None] = {}
    for coach_id in wanted:
        if coach_id is None:
            continue
        coach: CoachChanged | None = desk.work.get(COACH, coach_id)
        found[coach_id] = coach
        cover = coach.cover_coach_id if coach is not None else None
        if cover is not None and cover not in found:
            found[cover] = desk.work.get(COACH, cover)
    return found


def coach_for(desk: Desk, office_id: str | None, *wanted: str | None) -> str | None:
    """The first of the wanted coaches who can take a case of that office, or their cover."""
    return first_available(wanted, known_coaches(desk, *wanted), office_id)
