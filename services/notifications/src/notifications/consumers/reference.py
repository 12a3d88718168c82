"""progression.reference: offices and coaches as they are now."""

from __future__ import annotations

from msgspec.structs import replace

from contracts.reference import CoachChanged, OfficeChanged
from notifications.acts import documents
from notifications.acts.calendars import appointments_at_risk, office_closed
from streaming.work import Work


def coach_changed(work: Work, event: CoachChanged) -> None:
    """Keep the facts and the offices' lists of coaches; a coach who stops puts their meetings at risk."""
    doc = documents.coach(work, event.coach_id)
    if doc.facts is not None and event.version <= doc.facts.version:
        work.outcome = "superseded"
        return
    before = doc.facts.offices if doc.facts else ()
    doc = replace(doc, facts=event)
    work.put(documents.COACH, event.coach_id, doc)
    expected = {interval.office_id for interval in doc.taken if interval.starts_at > work.now}
    for office_id in sorted({*before, *event.offices}):
        office = documents.office(work, office_id)
        others = tuple(name for name in office.coaches if name != event.coach_id)
        coaches = tuple(sorted((*others, event.coach_id))) if event.active and office_id in event.offices else others
        gone = event.coach_id not in coaches and office_id in expected and event.coach_id not in office.guests
        guests = (*office.guests, event.coach_id) if gone else office.guests
        work.put(documents.OFFICE, office_id, replace(office, coaches=coaches, guests=guests))
    appointments_at_risk(work, doc)


def office_changed(work: Work, event: OfficeChanged) -> None:
    """Keep the facts; an office that closes puts the meetings there at risk."""
    doc = documents.office(work, event.office_id)
    if doc.facts is not None and event.version <= doc.facts.version:
        work.outcome = "superseded"
        return
    doc = replace(doc, facts=event)
    work.put(documents.OFFICE, event.office_id, doc)
    if not event.active:
        office_closed(work, doc)
