"""A coach's calendar or facts have changed: find the meetings that no longer fit, and have each claim told."""

from __future__ import annotations

from notifications import policy
from notifications.model import CoachDoc, Interval
from notifications.rules.calendars import calendar_of, fits, on_leave
from notifications.rules.hours import london_day
from streaming.work import DueItem, Work, derive_id

AT_RISK = "at-risk"


def cause_of_risk(coach: CoachDoc, interval: Interval) -> str | None:
    """Why this meeting may not take place, or None."""
    if coach.facts is not None and not coach.facts.active:
        return "coach_inactive"
    calendar = calendar_of(coach, policy.current().usual_hours)
    if on_leave(calendar, london_day(interval.starts_at)):
        return "coach_leave"
    return None if fits(coach, calendar, interval.starts_at, interval.minutes) else "calendar_changed"


def appointments_at_risk(work: Work, coach: CoachDoc) -> None:
    """One timer per meeting, due at once: it fires under the claim's own lock, so that this one stays short."""
    for interval in coach.taken:
        cause = cause_of_risk(coach, interval) if interval.starts_at > work.now else None
        if cause is not None:
            item = DueItem(
                id=derive_id(AT_RISK, interval.appointment_id),
                root=("claim", interval.claim_id),
                due_at=work.now,
                name=AT_RISK,
                payload={"appointment_id": interval.appointment_id, "cause": cause},
            )
            work.schedule(item)
