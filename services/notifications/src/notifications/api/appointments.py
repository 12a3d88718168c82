"""Appointments: list, read, calendar file, book, and every move."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from psycopg import Connection
from starlette.responses import Response

from notifications.acts import appointments, documents
from notifications.api import answers, calendar_files
from notifications.api.bodies import BookBody, CancelBody, Empty, MissedBody, MoveBody
from notifications.api.booking import judged
from notifications.api.context import Api, not_found, reach, subject
from notifications.api.views import appointment_view, instant
from notifications.model import Appointment, ClaimDoc
from notifications.rules.hours import local
from notifications.rules.meetings import Move, allowed
from notifications.rules.sending import not_contactable
from notifications.store import queries
from streaming.errors import Refused
from streaming.work import Reply, Work
from web import access, audit, commands, etag, headers, pages
from web.answers import described
from web.auth import require
from web.pages import Page
from web.principal import Principal

EVERYBODY = ("claimant", "coach", "team-leader", "decision-maker", "operator")
BOTH_SIDES = ("claimant", "coach", "team-leader")
COACHES = ("coach", "team-leader")

AppointmentId = Annotated[str, Path(max_length=128, pattern=r"^[^\x00/]+$")]
Act = Callable[[Work, ClaimDoc, Appointment], ClaimDoc]


def router(api: Api) -> APIRouter:
    """Routes under /v1/appointments."""
    routes = APIRouter(prefix="/v1/appointments", tags=["appointments"])

    @routes.get("", responses=described(answers.Page[answers.AppointmentView]))
    def list_appointments(
        request: Request,
        who: Annotated[Principal, Depends(require(*EVERYBODY))],
        page: Annotated[Page, Depends(pages.page)],
        coach: Annotated[str | None, Query(max_length=128)] = None,
        on: Annotated[date | None, Query(alias="date", description="London day")] = None,
        claimant: Annotated[str | None, Query(max_length=128)] = None,
    ) -> dict[str, Any]:
        """What the caller may see, by start."""
        between = (local(on, time.min), local(on + timedelta(days=1), time.min)) if on else None
        after = page.after(datetime, str)
        with api.pool.connection() as conn:
            audit.read(conn, request, who, "appointments", ids={"coach_id": coach, "claimant_id": claimant})
            rows = queries.appointments(
                conn,
                reach(api.current(conn, who)),
                coach=coach,
                claimant=claimant,
                between=between,
                after=after,
                limit=page.fetch,
            )
            docs = api.documents(conn, [(documents.CLAIM, claim_id) for claim_id in sorted({row[0] for row in rows})])
        found = [
            docs[documents.CLAIM, claim_id].appointments[appointment_id]
            for claim_id, appointment_id, _ in rows
            if appointment_id in docs[documents.CLAIM, claim_id].appointments
        ]
        return page.body(found, lambda item: (instant(item.starts_at), item.appointment_id), appointment_view)

    def visible(conn: Connection[Any], request: Request, who: Principal, appointment_id: str, scopes: tuple[str, ...]) -> str:
        whose = queries.of_appointment(conn, appointment_id)
        claimant_id = whose.claimant_id if whose else None
        access.check(
            conn,
            request,
            api.current(conn, who),
            "appointment",
            subject(whose),
            scopes=scopes,
            appointment_id=appointment_id,
            claimant_id=claimant_id,
        )
        if whose is None:
            raise not_found()
        return whose.claim_id

    def read(request: Request, who: Principal, appointment_id: str) -> Appointment:
        with api.pool.connection() as conn:
            claim_id = visible(conn, request, who, appointment_id, EVERYBODY)
            doc: ClaimDoc | None = api.document(conn, documents.CLAIM, claim_id)
        appointment = doc.appointments.get(appointment_id) if doc else None
        if appointment is None:
            raise not_found()
        return appointment

    @routes.get("/{appointment_id}.ics", response_class=calendar_files.CalendarFile)
    def calendar_file(
        appointment_id: AppointmentId, request: Request, who: Annotated[Principal, Depends(require(*EVERYBODY))]
    ) -> Response:
        """For the claimant's own calendar. The title says nothing about whom the meeting is with or why."""
        content = calendar_files.neutral(read(request, who, appointment_id))
        headers = {"Content-Disposition": 'attachment; filename="appointment.ics"'}
        return Response(content, media_type="text/calendar; charset=utf-8", headers=headers)

    @routes.get("/{appointment_id}", responses=described(answers.AppointmentView, tagged=True))
    def read_appointment(
        appointment_id: AppointmentId, request: Request, who: Annotated[Principal, Depends(require(*EVERYBODY))]
    ) -> Response:
        """One appointment."""
        return etag.response(request, appointment_view(read(request, who, appointment_id)))

    @routes.post("", status_code=201, responses=described(answers.AppointmentView, 201, tagged=True))
    def book(body: BookBody, request: Request, who: Annotated[Principal, Depends(require(*COACHES))]) -> Response:
        """A coach takes a slot for a case. With `accepted_by: claimant` it is booked, else offered by a message."""
        with api.pool.connection() as conn:
            whose = queries.of_case(conn, body.case_id)
            access.check(conn, request, api.current(conn, who), "case", subject(whose), scopes=COACHES, case_id=body.case_id)
        if whose is None:
            raise not_found()
        claim_id, claimant_id = whose.claim_id, whose.claimant_id

        def act(work: Work) -> Reply:
            doc = documents.claim(work, claim_id)
            case = doc.cases.get(body.case_id)
            if case is None or case.ended is not None:
                raise Refused(409, "case-closed", "This case is closed.", allowed=[])
            why = not_contactable(doc, claimant_id)
            if why is not None:
                raise Refused(409, "not-contactable", "This person may not be contacted.", extra={"why": why}, allowed=[])
            slot, private = judged(work, api.setup, doc, case_id=body.case_id, claimant_id=claimant_id, slot_id=body.slot_id)
            accepted = body.accepted_by == "claimant"
            doc, made = appointments.offer(
                work,
                api.setup,
                doc,
                case_id=body.case_id,
                claimant_id=claimant_id,
                slot=slot,
                private_room=private,
                basis="voluntary",
                purpose="usual",
                language=None,
                told=not accepted,
            )
            if accepted:
                doc = appointments.book(work, api.setup, doc, made)
            view = appointment_view(doc.appointments[made.appointment_id])
            return Reply(201, view, {"ETag": etag.of(view), "Location": f"/v1/appointments/{made.appointment_id}"})

        return commands.run(request, who, api.shell, roots=[(documents.CLAIM, claim_id)], act=act)

    def moved(request: Request, who: Principal, appointment_id: str, move: Move, scopes: tuple[str, ...], act: Act) -> Response:
        with api.pool.connection() as conn:
            claim_id = visible(conn, request, who, appointment_id, scopes)

        def change(work: Work) -> Reply:
            doc = documents.claim(work, claim_id)
            appointment = doc.appointments.get(appointment_id)
            if appointment is None:
                raise not_found()
            work.require_match(etag.of(appointment_view(appointment)))
            legal = allowed(appointment, work.now)
            if move not in legal:
                raise Refused(409, "illegal-move", "That cannot be done with this appointment now.", allowed=legal)
            doc = act(work, doc, appointment)
            view = appointment_view(doc.appointments[appointment_id])
            return Reply(200, view, {"ETag": etag.of(view)})

        return commands.run(request, who, api.shell, roots=[(documents.CLAIM, claim_id)], act=change)

    @routes.post("/{appointment_id}/accept", responses=described(answers.AppointmentView), dependencies=headers.CHANGES)
    def accept(
        appointment_id: AppointmentId,
        request: Request,
        who: Annotated[Principal, Depends(require(*BOTH_SIDES))],
        _body: Empty | None = None,
    ) -> Response:
        """The claimant says yes; a coach may record it for them."""

        def act(work: Work, doc: ClaimDoc, appointment: Appointment) -> ClaimDoc:
            why = not_contactable(doc, appointment.claimant_id)
            if why is not None:
                raise Refused(409, "not-contactable", "This person may not be contacted.", extra={"why": why}, allowed=[])
            return appointments.book(work, api.setup, doc, appointment)

        return moved(request, who, appointment_id, "accept", BOTH_SIDES, act)

    @routes.post("/{appointment_id}/decline", responses=described(answers.AppointmentView), dependencies=headers.CHANGES)
    def decline(
        appointment_id: AppointmentId,
        request: Request,
        who: Annotated[Principal, Depends(require(*BOTH_SIDES))],
        _body: Empty | None = None,
    ) -> Response:
        """The claimant says no. Nothing follows from it."""

        def act(work: Work, doc: ClaimDoc, appointment: Appointment) -> ClaimDoc:
            return appointments.decline(work, api.setup, doc, appointment)

        return moved(request, who, appointment_id, "decline", BOTH_SIDES, act)

    @routes.post("/{appointment_id}/move", responses=described(answers.AppointmentView), dependencies=headers.CHANGES)
    def move(
        appointment_id: AppointmentId,
        body: MoveBody,
        request: Request,
        who: Annotated[Principal, Depends(require(*BOTH_SIDES))],
    ) -> Response:
        """Another time, judged like the first one."""

        def act(work: Work, doc: ClaimDoc, appointment: Appointment) -> ClaimDoc:
            slot, private = judged(
                work,
                api.setup,
                doc,
                case_id=appointment.case_id,
                claimant_id=appointment.claimant_id,
                slot_id=body.slot_id,
                moving=appointment,
            )
            return appointments.move(work, api.setup, doc, appointment, slot, private_room=private)

        return moved(request, who, appointment_id, "move", BOTH_SIDES, act)

    @routes.post("/{appointment_id}/cancel", responses=described(answers.AppointmentView), dependencies=headers.CHANGES)
    def cancel(
        appointment_id: AppointmentId,
        body: CancelBody,
        request: Request,
        who: Annotated[Principal, Depends(require(*BOTH_SIDES))],
    ) -> Response:
        """It will not take place."""

        def act(work: Work, doc: ClaimDoc, appointment: Appointment) -> ClaimDoc:
            return appointments.cancel(work, api.setup, doc, appointment, by=who.role, reason=body.reason)

        return moved(request, who, appointment_id, "cancel", BOTH_SIDES, act)

    @routes.post("/{appointment_id}/attended", responses=described(answers.AppointmentView), dependencies=headers.CHANGES)
    def attended(
        appointment_id: AppointmentId,
        request: Request,
        who: Annotated[Principal, Depends(require(*COACHES))],
        _body: Empty | None = None,
    ) -> Response:
        """They met."""
        return moved(request, who, appointment_id, "attended", COACHES, appointments.attended)

    @routes.post("/{appointment_id}/missed", responses=described(answers.AppointmentView), dependencies=headers.CHANGES)
    def missed(
        appointment_id: AppointmentId,
        request: Request,
        who: Annotated[Principal, Depends(require(*COACHES))],
        body: MissedBody | None = None,
    ) -> Response:
        """They did not meet. A failed delivery is never evidence against the claimant: the event says what was delivered."""

        def act(work: Work, doc: ClaimDoc, appointment: Appointment) -> ClaimDoc:
            return appointments.missed(work, doc, appointment, body.reason if body else None)

        return moved(request, who, appointment_id, "missed", COACHES, act)

    return routes
