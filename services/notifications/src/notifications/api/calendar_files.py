"""An appointment as an iCalendar file (RFC 5545), neutral: it may show up on a shared or an employer's calendar."""

from __future__ import annotations

from datetime import timedelta

from icalendar import Calendar, Event
from starlette.responses import Response

from notifications.model import Appointment

NEUTRAL_TITLE = "Appointment"
STATUS = {"offered": "TENTATIVE", "booked": "CONFIRMED", "attended": "CONFIRMED"}
PRODUCT = "-//In-work progression//Notifications//EN"


class CalendarFile(Response):
    """Names the media type in the API document."""

    media_type = "text/calendar"


def neutral(appointment: Appointment) -> bytes:
    """Start, end and the word "Appointment"; no place, no names, no purpose."""
    event = Event()
    event.add("uid", appointment.appointment_id)
    event.add("dtstamp", appointment.offered_at)
    event.add("dtstart", appointment.starts_at)
    event.add("dtend", appointment.starts_at + timedelta(minutes=appointment.minutes))
    event.add("summary", NEUTRAL_TITLE)
    event.add("sequence", appointment.seat)
    event.add("class", "PRIVATE")
    event.add(
        "status", {"offered": "TENTATIVE", "booked": "CONFIRMED", "attended": "CONFIRMED"}.get(appointment.state, "CANCELLED")
    )
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add_component(event)
    content: bytes = calendar.to_ical()
    return content
