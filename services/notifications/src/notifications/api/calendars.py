"""Coaches' calendars and the slots left on them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from psycopg import Connection
from starlette.responses import Response

from contracts.reference import WeeklyHours
from contracts.vocabulary import AppointmentChannel, Weekday
from notifications import bank_holidays, slot_ids
from notifications.acts import documents
from notifications.acts.calendars import appointments_at_risk
from notifications.acts.contacts import DEFAULT_NATION
from notifications.api import answers
from notifications.api.bodies import CalendarBody
from notifications.api.booking import FURTHEST
from notifications.api.context import Api, not_found
from notifications.api.views import calendar_view, slot_view
from notifications.model import Calendar, CoachDoc, Leave, OfficeDoc, Window
from notifications.rules.calendars import calendar_of, free_times, slot_at
from notifications.rules.hours import london_day
from notifications.rules.search import Terms, surroundings
from notifications.rules.slots import Needs, Slot, reason_against
from streaming.errors import Refused
from streaming.work import Reply, Work
from web import access, commands, etag, headers, pages
from web.access import Subject
from web.answers import described
from web.auth import require
from web.pages import Page
from web.principal import Principal

READERS = ("coach", "team-leader", "operator")
LONGEST_DAYS = 62

CoachId = Annotated[str, Path(max_length=128, pattern=r"^[^\x00]+$")]


def _subject(coach_id: str, doc: CoachDoc | None) -> Subject:
    offices = doc.facts.offices if doc and doc.facts else ()
    return Subject(coach_ids=(coach_id,), office_ids=offices)


def router(api: Api) -> APIRouter:
    """Routes under /v1/coaches/{coach_id}."""
    routes = APIRouter(prefix="/v1/coaches/{coach_id}", tags=["calendars"])
    usual, limits = api.setup.policy.usual_hours, api.setup.policy.limits

    def visible(conn: Connection[Any], request: Request, who: Principal, coach_id: str) -> CoachDoc:
        doc: CoachDoc | None = api.document(conn, documents.COACH, coach_id)
        known = doc is not None and (doc.facts is not None or doc.calendar is not None)
        place = _subject(coach_id, doc) if known else None
        access.check(conn, request, api.current(conn, who), "calendar", place, scopes=READERS, coach_id=coach_id)
        if doc is None:
            raise not_found()
        return doc

    @routes.get("/calendar", responses=described(answers.CalendarView, tagged=True))
    def read_calendar(coach_id: CoachId, request: Request, who: Annotated[Principal, Depends(require(*READERS))]) -> Response:
        """Working pattern, minutes a day and leave; the usual hours until the coach enters their own."""
        with api.pool.connection() as conn:
            doc = visible(conn, request, who, coach_id)
        return etag.response(request, calendar_view(doc, usual, limits))

    @routes.put("/calendar", responses=described(answers.CalendarView), dependencies=headers.REPLACES)
    def write_calendar(
        coach_id: CoachId, body: CalendarBody, request: Request, who: Annotated[Principal, Depends(require(*READERS))]
    ) -> Response:
        """Replace it. Meetings that no longer fit are put at risk, not cancelled."""
        with api.pool.connection() as conn:
            doc = api.document(conn, documents.COACH, coach_id)
            place = _subject(coach_id, doc)
            mine = who.coach_id == coach_id or who.has("team-leader", "operator")
            scopes = READERS if mine else ("team-leader", "operator")
            access.check(conn, request, api.current(conn, who), "calendar", place, scopes=scopes, coach_id=coach_id)

        def act(work: Work) -> Reply:
            before = documents.coach(work, coach_id)
            existed = before.facts is not None or before.calendar is not None
            if existed:
                work.require_match(etag.of(calendar_view(before, usual, limits)))
            after = CoachDoc(coach_id=coach_id, facts=before.facts, calendar=_calendar(body), taken=before.taken)
            work.put(documents.COACH, coach_id, after)
            appointments_at_risk(work, after)
            view = calendar_view(after, usual, limits)
            return Reply(200 if existed else 201, view, {"ETag": etag.of(view)})

        return commands.run(request, who, api.shell, roots=[(documents.COACH, coach_id)], act=act)

    @routes.get("/slots", responses=described(answers.Page[answers.SlotView]))
    def slots(
        coach_id: CoachId,
        request: Request,
        who: Annotated[Principal, Depends(require(*READERS))],
        page: Annotated[Page, Depends(pages.page)],
        first: Annotated[date | None, Query(alias="from", description="first day, London")] = None,
        last: Annotated[date | None, Query(alias="to", description="last day, London")] = None,
        minutes: Annotated[int, Query(ge=10, le=240)] = api.setup.policy.in_work_minutes,
        channel: Annotated[AppointmentChannel, Query()] = "face_to_face",
    ) -> dict[str, Any]:
        """Times that can be booked now for somebody without special needs, earliest first."""
        today = london_day(api.clock.now())
        begin, end = first or today, last or (first or today) + timedelta(days=13)
        if not timedelta(0) <= end - begin < timedelta(days=LONGEST_DAYS) or end > today + FURTHEST:
            raise Refused(422, "range-invalid", f"At most {LONGEST_DAYS} days from `from` to `to`, within a year from today.")
        after = page.after(str, str)
        with api.pool.connection() as conn:
            doc = visible(conn, request, who, coach_id)
            offices = {
                key: found for (_, key), found in api.documents(conn, [("office", name) for name in _offices(doc)]).items()
            }
        found = [slot for slot in _free(api, doc, offices, begin, end, minutes, channel) if after is None or _key(slot) > after]
        return page.body(found[: page.fetch], _key, lambda slot: slot_view(slot, channel))

    return routes


def _key(slot: Slot) -> tuple[str, str]:
    return (slot.starts_at.isoformat(), slot.id)


def _offices(doc: CoachDoc) -> list[str]:
    own = {window.office_id for window in doc.calendar.pattern if window.office_id} if doc.calendar else set()
    return sorted(own | set(doc.facts.offices if doc.facts else ()))


def _calendar(body: CalendarBody) -> Calendar:
    pattern = tuple(
        Window(days=_days(entry.days), from_=entry.from_, to=entry.to, office_id=entry.office_id) for entry in body.pattern
    )
    leave = tuple(Leave(from_=entry.from_, until=entry.until) for entry in body.leave)
    return Calendar(pattern=pattern, minutes_per_day=body.minutes_per_day, leave=leave)


def _days(days: list[Weekday]) -> tuple[Weekday, ...]:
    return tuple(dict.fromkeys(days))


def _free(
    api: Api,
    doc: CoachDoc,
    offices: dict[str, OfficeDoc | None],
    begin: date,
    end: date,
    minutes: int,
    channel: AppointmentChannel,
) -> list[Slot]:
    policy = api.setup.policy
    usual: tuple[WeeklyHours, ...] = policy.usual_hours
    today = london_day(api.clock.now())
    terms = Terms(
        limits=policy.limits,
        bank_holidays=bank_holidays.around(today.year),
        nation=DEFAULT_NATION,
        offered_on=today,
        by="digital",
        usual_hours=usual,
        grid_minutes=policy.grid_minutes,
        horizon_days=policy.horizon_days,
        name=slot_ids.name,
    )
    around = surroundings(terms, doc, offices)
    needs = Needs(coach_id=doc.coach_id, office_id=None, minutes=minutes)
    calendar = calendar_of(doc, usual)
    days = (begin + timedelta(days=n) for n in range((end - begin).days + 1))
    keys = (
        key
        for day in days
        for key in free_times(doc, calendar, day, minutes=minutes, grid_minutes=policy.grid_minutes, channel=channel)
    )
    slots = [slot_at(key, slot_ids.name(key), doc, offices.get(key.office_id or "")) for key in keys]
    return sorted((slot for slot in slots if reason_against(slot, needs, around) is None), key=_key)
