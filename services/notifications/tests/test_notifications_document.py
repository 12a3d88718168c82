"""The API document says what the service answers. No answer of another test differs from it either: their client sees to that."""

from __future__ import annotations

import time
from typing import Any

import httpx
from notifications_rig import Rig, eventually

from notifications.api.app import build_api
from notifications.cli import documented
from web.openapi import unlisted


def test_the_document_lists_every_route() -> None:
    assert unlisted(build_api(documented())) == []


def test_every_answer_that_is_documented_is_given_so(rig: Rig) -> None:
    rig.answers.seen.clear()
    name = rig.person()
    me, coach = rig.claimant(name), rig.own_coach(name)
    rig.contact(name)
    rig.http.get(f"/v1/appointments/{rig.appointment(name).json()['appointment_id']}.ics", headers=me)
    message = eventually(lambda: rig.sends(name), "the offer is sent")[0]
    token = {"Authorization": f"Bearer {rig.platform.environment['NOTIFY_RECEIPTS_TOKEN']}"}
    receipt = {"id": message["id"], "reference": message["reference"], "status": "delivered"}
    rig.http.post("/v1/notify/receipts", json=receipt, headers=token)
    rig.http.get(f"/v1/claimants/{name}-person/messages", headers=me)
    calendar = f"/v1/coaches/{name}-coach/calendar"
    read = rig.http.get(calendar, headers=coach)
    hours, away = {"days": ["mon"], "from": "09:00", "to": "16:00"}, {"from": "2027-01-04", "until": "2027-01-08"}
    written = {"pattern": [hours], "leave": [away]}
    rig.http.put(calendar, json=written, headers=coach | {"If-Match": read.headers["ETag"]})
    new = rig.as_(f"{name}-new", "coach", coach_id=f"{name}-new")
    assert rig.http.put(f"/v1/coaches/{name}-new/calendar", json=written, headers=new).status_code == 201

    def book() -> httpx.Response:
        monday = rig.a_monday()
        slots = rig.http.get(f"/v1/coaches/{name}-coach/slots?from={monday}&to={monday}", headers=coach).json()["items"]
        body = {"case_id": f"{name}-case", "slot_id": slots[0]["slot_id"], "accepted_by": "claimant"}
        return rig.http.post("/v1/appointments", json=body, headers=coach | {"Idempotency-Key": f"{name}-{next(rig.numbers)}"})

    _done(rig, rig.appointment(name), "decline", me)
    moved = book()
    slot = rig.http.get(f"/v1/coaches/{name}-coach/slots?from={rig.a_monday()}", headers=coach).json()["items"][-1]["slot_id"]
    _done(rig, _done(rig, moved, "move", me, {"slot_id": slot}), "cancel", me, {"reason": "ill"})
    came, stayed_away = book(), book()
    rig.contact(name, ce_id=f"{name}-again")
    offered = eventually(lambda: _offered(rig, me), "another offer")
    _done(rig, rig.http.get(f"/v1/appointments/{offered}", headers=me), "accept", me)
    rig.drain()
    rig.days_pass(15)
    _done(rig, came, "attended", coach)
    _done(rig, stayed_away, "missed", coach)
    assert rig.answers.unseen("/v1/") == set()


def _done(rig: Rig, read: httpx.Response, action: str, headers: dict[str, str], body: Any = None) -> httpx.Response:
    """Read again and repeated while the appointment changes meanwhile, as when its message is sent."""
    path = f"/v1/appointments/{read.json()['appointment_id']}"
    for _ in range(20):
        answer = rig.act(read, action, headers, body)
        if answer.status_code != 412:
            break
        time.sleep(0.1)
        read = rig.http.get(path, headers=headers)
    assert answer.is_success, f"{action}: {answer.status_code} {answer.text}"
    return answer


def _offered(rig: Rig, me: dict[str, str]) -> str | None:
    """The claimant's appointment that can be accepted."""
    items = rig.http.get("/v1/appointments", headers=me).json()["items"]
    return next((item["appointment_id"] for item in items if item["state"] == "offered"), None)
