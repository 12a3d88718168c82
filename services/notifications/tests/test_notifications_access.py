"""Who may see and do what."""

from __future__ import annotations

from notifications_rig import Rig


def test_others_find_nothing_and_may_do_nothing(rig: Rig) -> None:
    mine, other = rig.person(), rig.person()
    rig.contact(mine)
    read = rig.appointment(mine)
    path = f"/v1/appointments/{read.json()['appointment_id']}"
    for stranger in (rig.claimant(other), rig.own_coach(other)):
        assert rig.http.get(path, headers=stranger).status_code == 404
        assert rig.http.get(f"{path}.ics", headers=stranger).status_code == 404
        assert rig.act(read, "accept", stranger).status_code == 404
        assert rig.http.get(f"/v1/claimants/{mine}-person/messages", headers=stranger).status_code == 404
        assert rig.http.get("/v1/appointments", headers=stranger).json() == {"items": [], "next": None}
    assert rig.http.get(path).status_code == 401
    employer = rig.as_("employer-x", "employer", paye_references=("1/A",))
    assert rig.http.get(path, headers=employer).status_code == 403
    assert rig.act(read, "attended", rig.claimant(mine)).status_code == 403
    refused = rig.query("SELECT count(*) FROM audit WHERE NOT granted AND ids->>'claimant_id' = %s", f"{mine}-person")
    assert refused[0][0] >= 6


def test_the_coach_of_a_claim_that_somebody_left_reads_their_messages_no_more(rig: Rig) -> None:
    name = rig.person()
    rig.contact(name, channel="message")
    rig.drain()
    path = f"/v1/claimants/{name}-person/messages"
    assert len(rig.http.get(path, headers=rig.own_coach(name)).json()["items"]) == 1
    rig.claim(name, f"{name}-coach", f"{name}-office", version=2, who=f"{name}-partner")
    rig.drain()
    assert rig.http.get(path, headers=rig.own_coach(name)).status_code == 404
    assert len(rig.http.get(path, headers=rig.claimant(name)).json()["items"]) == 1
    rig.claim(name, f"{name}-coach", f"{name}-office", version=3)
    rig.drain()
    assert rig.http.get(path, headers=rig.own_coach(name)).status_code == 200, "they are back"


def test_changes_need_a_key_and_the_version_read_and_a_repeat_gets_the_same_answer(rig: Rig) -> None:
    name = rig.person()
    rig.contact(name)
    read = rig.appointment(name)
    path = f"/v1/appointments/{read.json()['appointment_id']}/accept"
    me = rig.claimant(name)
    assert rig.http.post(path, json={}, headers=me).status_code == 400
    assert rig.http.post(path, json={}, headers=me | {"Idempotency-Key": f"{name}-0"}).status_code == 428
    stale = me | {"Idempotency-Key": f"{name}-1", "If-Match": '"old"'}
    assert rig.http.post(path, json={}, headers=stale).status_code == 412
    first = rig.act(read, "accept", me, key=f"{name}-2")
    again = rig.act(read, "accept", me, key=f"{name}-2")
    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
    assert again.headers["ETag"] == first.headers["ETag"]
    extra = rig.act(rig.appointment(name), "cancel", me, {"reason": "ill", "note": "free text"})
    assert extra.status_code == 422
    cancelled = rig.act(rig.appointment(name), "cancel", me, {"reason": "ill"})
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")


def test_lists_are_paged_and_unknown_filters_refused(rig: Rig) -> None:
    name = rig.person()
    coach = rig.own_coach(name)
    monday = rig.a_monday()
    path = f"/v1/coaches/{name}-coach/slots?from={monday}&to={monday}&limit=5"
    first = rig.http.get(path, headers=coach).json()
    second = rig.http.get(f"{path}&cursor={first['next']}", headers=coach).json()
    assert len(first["items"]) == len(second["items"]) == 5
    assert first["items"][-1]["starts_at"] < second["items"][0]["starts_at"]
    assert rig.http.get("/v1/appointments?nonsense=1", headers=coach).status_code == 422
    assert rig.http.get(f"/v1/appointments?date={monday}", headers=coach).json() == {"items": [], "next": None}


def test_access_ends_when_a_coach_is_moved_or_stops_whatever_the_token_says(rig: Rig) -> None:
    name = rig.person()
    rig.contact(name)
    path = f"/v1/appointments/{rig.appointment(name).json()['appointment_id']}"
    token = rig.as_(f"{name}-colleague", "coach", coach_id=f"{name}-colleague", office_ids=(f"{name}-office",))
    assert rig.http.get(path, headers=token).status_code == 200
    elsewhere = rig.office(f"{name}-elsewhere")
    rig.coach(f"{name}-colleague", elsewhere)
    rig.drain()
    assert rig.http.get(path, headers=token).status_code == 404
    rig.coach(f"{name}-colleague", f"{name}-office", version=2)
    rig.drain()
    assert rig.http.get(path, headers=token).status_code == 200
    rig.coach(f"{name}-colleague", f"{name}-office", version=3, active=False)
    rig.drain()
    assert rig.http.get(path, headers=token).status_code == 404
