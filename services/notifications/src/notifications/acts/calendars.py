"""A coach's calendar or facts have changed, or an office closed: find meetings that no longer fit, and have each claim told."""

from __future__ import annotations

from notifications import policy
from notifications.acts import documents
from notifications.model import Appointment, CoachDoc, Interval, OfficeDoc
from notifications.rules.calendars import MEETING_OF, calendar_of, fits, on_leave
from notifications.rules.hours import london_day
from streaming.work import DueItem, Work, derive_id

AT_RISK = "at-risk"
OFFICE_CLOSED = "office_closed"


def cause_of_risk(coach: CoachDoc, interval: Interval) -> str | None:
    """Why this meeting may not take place, or None."""
    if coach.facts is not None and not coach.facts.active:
        return "coach_inactive"
    calendar = calendar_of(coach, policy.current().usual_hours)
    if on_leave(calendar, london_day(interval.starts_at)):
        return "coach_leave"
    return None if fits(coach, calendar, interval.starts_at, interval.minutes) else "calendar_changed"


def appointments_at_risk(work: Work, coach: CoachDoc) -> None:
    """The coach's meetings that may not take place."""
    for interval in coach.taken:
        cause = cause_of_risk(coach, interval) if interval.starts_at > work.now else None
        if cause is not None:
            _tell(work, interval, cause)


def office_closed(work: Work, office: OfficeDoc) -> None:
    """Meetings in person there may not take place. The rest go on wherever the coach is then: the claim knows which is which."""
    names = sorted({*office.coaches, *office.guests})
    documents.lock_together(work, [(documents.COACH, name) for name in names])
    for name in names:
        for interval in documents.coach(work, name).taken:
            if interval.office_id == office.office_id and interval.starts_at > work.now:
                _tell(work, interval, OFFICE_CLOSED, office.office_id)


def _tell(work: Work, interval: Interval, cause: str, office_id: str | None = None) -> None:
    """One timer per meeting, due at once: it fires under the claim's own lock, so that this one stays short.

    office_id: only if the claimant is to come to this office.
    """
    item = DueItem(
        id=derive_id(AT_RISK, interval.appointment_id, *([office_id] if office_id else [])),
        root=("claim", interval.claim_id),
        due_at=work.now,
        name=AT_RISK,
        payload={"appointment_id": interval.appointment_id, "cause": cause, "office_id": office_id},
    )
    work.schedule(item)


def concerns(appointment: Appointment, office_id: str | None) -> bool:
    """Whether what was found at this office (None: with the coach) still concerns this meeting."""
    return office_id is None or (appointment.office_id == office_id and MEETING_OF[appointment.channel] == "in_person")
