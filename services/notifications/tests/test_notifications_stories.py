"""A request for contact, from the event to the receipt, on real parts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

from icalendar import Calendar
from notifications_rig import Rig, easement, eventually

from contracts import topics
from contracts.employer_link import ConsentGiven
from contracts.referrals import CaseWithdrawn, ReasonChanged

SENT = ["MessageRequested", "MessageSent", "MessageDelivered"]


def types_are(rig: Rig, name: str, *expected: str) -> None:
    """Exactly these events, and nothing else was said."""
    eventually(lambda: sorted(rig.types(name)) == sorted(expected), f"{expected}; there is {sorted(rig.types(name))}")
    rig.drain()
    assert sorted(rig.types(name)) == sorted(expected)


def test_an_offer_is_held_told_accepted_and_confirmed(rig: Rig) -> None:
    name = rig.person()
    rig.contact(name)
    read = rig.appointment(name)
    assert read.json()["state"] == "offered"
    offer = eventually(lambda: rig.sends(name), "the offer is sent")[0]
    assert "at 09:00, 40 minutes" in offer["body"]
    assert "It is up to you" in offer["body"]

    accepted = rig.act(read, "accept", rig.claimant(name))
    assert (accepted.status_code, accepted.json()["state"]) == (200, "booked")
    types_are(rig, name, "AppointmentOffered", "AppointmentBooked", *SENT * 2)

    path = f"/v1/appointments/{read.json()['appointment_id']}.ics"
    file = Calendar.from_ical(rig.http.get(path, headers=rig.claimant(name)).text)
    (event,) = file.walk("VEVENT")
    assert (str(event["SUMMARY"]), "LOCATION" in event, "DESCRIPTION" in event) == ("Appointment", False, False)


def test_no_answer_and_a_refusal_free_the_slot_without_consequence(rig: Rig) -> None:
    declining, silent = rig.person(), rig.person()
    for name in (declining, silent):
        rig.contact(name)
        rig.appointment(name)
    rig.drain()
    read = rig.appointment(declining)
    assert rig.act(read, "decline", rig.claimant(declining)).json()["state"] == "declined"
    types_are(rig, declining, "AppointmentOffered", "AppointmentDeclined", *SENT)
    rig.days_pass(8)
    eventually(lambda: rig.appointment(silent).json()["state"] == "expired", "the offer expires")
    types_are(rig, silent, "AppointmentOffered", "AppointmentExpired", *SENT)
    again = rig.act(rig.appointment(silent), "accept", rig.claimant(silent))
    assert (again.status_code, again.json()["allowed"]) == (409, [])


def test_the_same_event_twice_makes_one_appointment(rig: Rig) -> None:
    name = rig.person()
    rig.contact(name, ce_id=f"{name}-request")
    rig.contact(name, ce_id=f"{name}-request")
    rig.appointment(name)
    types_are(rig, name, "AppointmentOffered", *SENT)


def test_only_a_person_makes_it_mandatory_and_it_is_booked_when_the_notice_goes_out(rig: Rig) -> None:
    by_coach, by_software = rig.person(), rig.person()
    rig.contact(by_coach, contact_basis="mandatory", requested_by_role="team-leader")
    rig.contact(by_software, contact_basis="mandatory", requested_by_role="system")
    types_are(rig, by_coach, "AppointmentOffered", "AppointmentBooked", *SENT)
    types_are(rig, by_software, "AppointmentOffered", *SENT)
    assert rig.appointment(by_software).json()["contact_basis"] == "voluntary"
    assert "What counts as a good reason" in rig.sends(by_coach)[0]["body"]


def test_a_move_a_cancellation_and_who_came_are_recorded(rig: Rig) -> None:
    name = rig.person()
    rig.contact(name)
    rig.drain()
    rig.act(rig.appointment(name), "accept", rig.claimant(name))
    coach = rig.own_coach(name)
    monday = rig.a_monday()
    slots = rig.http.get(f"/v1/coaches/{name}-coach/slots?from={monday}&to={monday}", headers=coach).json()["items"]
    assert slots[0]["starts_at"].startswith(f"{monday}T")
    moved = rig.act(rig.appointment(name), "move", coach, {"slot_id": slots[0]["slot_id"]})
    assert (moved.status_code, moved.json()["starts_at"]) == (200, slots[0]["starts_at"])
    early = rig.act(rig.appointment(name), "attended", coach)
    assert (early.status_code, early.json()["allowed"]) == (409, ["move", "cancel"])
    rig.drain()
    # The confirmation of the first time is withdrawn if the move comes before the sender has taken it.
    waiting = "SELECT state FROM message WHERE claim_id = %s AND state NOT IN ('delivered', 'withdrawn')"
    eventually(lambda: rig.query(waiting, name) == [], "the provider's receipts are in")
    rig.days_pass(15)
    missed = rig.act(rig.appointment(name), "missed", coach, {"reason": "illness"})
    assert missed.json()["state"] == "missed"
    rig.drain()
    events = dict(rig.events(name, topics.NOTIFICATIONS_APPOINTMENT))
    assert (events["AppointmentMissed"]["delivery_confirmed"], events["AppointmentMissed"]["reason"]) == (True, "illness")
    assert events["AppointmentMoved"]["to"] == slots[0]["starts_at"]


def test_nothing_is_sent_when_the_reason_is_gone(rig: Rig) -> None:
    dead, closed, withdrawn, eased = (rig.person() for _ in range(4))
    rig.platform.supervisor.stop("notifications-sender")
    for name in (dead, closed, withdrawn, eased):
        rig.contact(name)
        eventually(lambda name=name: "MessageRequested" in rig.types(name), "the offer waits for the sender")
    rig.claim(dead, f"{dead}-coach", f"{dead}-office", version=2, dead=True)
    rig.claim(closed, f"{closed}-coach", f"{closed}-office", version=2, status="closed", closed_date=date(2026, 6, 1))
    event = CaseWithdrawn(case_id=f"{withdrawn}-case", claim_id=withdrawn, claimant_id=f"{withdrawn}-person")
    rig.publish(topics.PROGRESSION_CASE, withdrawn, event)
    held = (easement(date(2026, 5, 1), date(2027, 12, 1)),)
    rig.claim(eased, f"{eased}-coach", f"{eased}-office", version=2, easements=held)
    eventually(lambda: rig.http.get("/health/drained").json().get("lag") == 0, "the service knows what has happened")
    rig.platform.supervisor.restart("notifications-sender")
    whys = {}
    for name in (dead, closed, withdrawn, eased):
        eventually(lambda name=name: "MessageWithdrawn" in rig.types(name), f"the offer to {name} is withdrawn")
        rig.drain()
        assert rig.sends(name) == []
        whys[name] = dict(rig.events(name))["MessageWithdrawn"]["why"]
    assert [whys[name] for name in (dead, closed, withdrawn, eased)] == ["died", "claim_closed", "case_withdrawn", "easement"]
    types_are(rig, dead, "AppointmentOffered", "AppointmentExpired", "MessageRequested", "MessageWithdrawn")


def test_two_coaches_book_one_slot_and_one_wins(rig: Rig) -> None:
    first, second = rig.person(), rig.person()
    rig.claim(second, f"{first}-coach", f"{first}-office", version=2)
    rig.case(second, f"{first}-coach", f"{first}-office")
    rig.drain()
    coach = rig.own_coach(first)
    slot = rig.http.get(f"/v1/coaches/{first}-coach/slots?from={rig.a_monday()}&minutes=30", headers=coach).json()["items"][0]

    def book(name: str) -> int:
        body = {"case_id": f"{name}-case", "slot_id": slot["slot_id"], "accepted_by": "claimant"}
        answer = rig.http.post("/v1/appointments", json=body, headers=coach | {"Idempotency-Key": f"{name}-book"})
        return int(answer.status_code)

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(book, (first, second)))
    assert sorted(answers) == [201, 409]
    winner, loser = (first, second) if answers[0] == 201 else (second, first)
    types_are(rig, winner, "AppointmentOffered", "AppointmentBooked", *SENT)
    types_are(rig, loser)


def test_without_a_slot_it_says_what_would_help(rig: Rig) -> None:
    name = rig.person()
    at_work = [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:00", "to": "18:00"}]
    rig.preferences(name, version=2, working_pattern=at_work)
    rig.drain()
    rig.contact(name)
    eventually(lambda: rig.types(name), "an answer")
    assert [(type_, body["would_help"]) for type_, body in rig.events(name)] == [("NoSlotFound", ["evening"])]


def test_a_full_coach_gives_way_to_a_colleague_and_a_private_room_to_a_nearby_office(rig: Rig) -> None:
    name = rig.person()
    nearby = rig.office(f"{name}-nearby")
    rig.coach(f"{name}-colleague", nearby)
    rig.coach(f"{name}-coach", f"{name}-office", version=2, minutes_per_day=0)
    office = f"{name}-office"
    rig.publish(topics.PROGRESSION_REFERENCE, f"office:{office}", _office(rig, office, nearby))
    rig.preferences(name, version=2, needs=["private_room"])
    rig.drain()
    rig.contact(name)
    read = rig.appointment(name).json()
    assert (read["coach_id"], read["office_id"]) == (f"{name}-colleague", nearby)


def _office(rig: Rig, office_id: str, nearby: str) -> object:
    from contracts.reference import OfficeChanged

    return OfficeChanged(
        office_id=office_id,
        version=2,
        name="Small office",
        nation="england",
        district="North",
        opening=(),
        rooms={"desk": 3, "private": 0},
        nearby=(nearby,),
    )


def test_a_coachs_leave_puts_meetings_at_risk(rig: Rig) -> None:
    name = rig.person()
    rig.contact(name)
    day = rig.appointment(name).json()["starts_at"][:10]
    coach = rig.own_coach(name)
    path = f"/v1/coaches/{name}-coach/calendar"
    read = rig.http.get(path, headers=coach)
    body = read.json() | {"leave": [{"from": day, "until": day}]}
    assert rig.http.put(path, json=body, headers=coach).status_code == 428
    assert rig.http.put(path, json=body, headers=coach | {"If-Match": '"old"'}).status_code == 412
    written = rig.http.put(path, json=body, headers=coach | {"If-Match": read.headers["ETag"]})
    assert (written.status_code, written.json()["leave"]) == (200, body["leave"])
    eventually(lambda: "AppointmentAtRisk" in rig.types(name), "the meeting is at risk")
    assert rig.appointment(name).json()["at_risk"] == "coach_leave"


def test_a_closing_office_puts_meetings_at_risk_and_gets_no_new_ones(rig: Rig) -> None:
    name = rig.person()
    rig.contact(name)
    assert rig.appointment(name).json()["office_id"] == f"{name}-office"
    rig.office(f"{name}-office", version=2, active=False)
    eventually(lambda: "AppointmentAtRisk" in rig.types(name), "the meeting is at risk")
    assert rig.appointment(name).json()["at_risk"] == "office_closed"
    rig.drain()
    path = f"/v1/coaches/{name}-coach/slots?from={rig.a_monday()}"
    assert rig.http.get(path, headers=rig.own_coach(name)).json()["items"] == []
    assert rig.http.get(f"{path}&channel=phone", headers=rig.own_coach(name)).json()["items"] != []


def test_a_message_waits_for_contact_details_and_fails_without_them(rig: Rig) -> None:
    told, untold = rig.person(), rig.person()
    for name in (told, untold):
        rig.preferences(name, version=2, channels_allowed=["email"], email=None)
    rig.drain()
    for name in (told, untold):
        rig.contact(name, channel="message")
    rig.drain()
    assert (rig.types(told), rig.types(untold)) == ([], [])
    rig.preferences(told, version=3)
    types_are(rig, told, *SENT)
    rig.days_pass(30)
    types_are(rig, untold, "MessageRequested", "MessageFailed")


def test_the_claimant_is_told_of_consents_on_their_behalf_and_of_corrections(rig: Rig) -> None:
    name = rig.person()
    consent = ConsentGiven(
        consent_id=f"{name}-consent",
        claim_id=name,
        claimant_id=f"{name}-person",
        employer_id="e",
        fields=("hours",),
        purpose="progression",
        expires_on=date(2026, 12, 1),
        wording_version="1",
        given_by="on_behalf",
    )
    changed = ReasonChanged(case_id=f"{name}-case", claim_id=name, claimant_id=f"{name}-person", flag_id="f")
    rig.publish(topics.PROGRESSION_CASE, name, changed)
    rig.publish(topics.EMPLOYER_LINK_ENGAGEMENT, name, consent)
    types_are(rig, name, *SENT)
    rig.contact(name, channel="message")
    types_are(rig, name, *SENT * 2)
    rig.publish(topics.PROGRESSION_CASE, name, changed)
    types_are(rig, name, *SENT * 3)
    assert rig.sends(name)[-1]["subject"] == "A correction to what we told you"


def test_the_third_contact_within_thirty_days_is_not_sent(rig: Rig) -> None:
    name = rig.person()
    for number in (1, 2):
        rig.contact(name, channel="message")
        types_are(rig, name, *SENT * number)
    rig.contact(name, channel="message")
    types_are(rig, name, *SENT * 2, "MessageRequested", "MessageWithdrawn")
    assert dict(rig.events(name))["MessageWithdrawn"]["why"] == "burden_cap"


def test_contact_details_are_encrypted_at_rest_and_never_published_or_logged(rig: Rig) -> None:
    name = rig.person()
    rig.preferences(name, version=2, email=f"{name}@example.test", phone="07700900123", needs=["bsl"])
    rig.contact(name, channel="message")
    types_are(rig, name, *SENT)
    state = b"".join(bytes(row[0]) for row in rig.query("SELECT state FROM document WHERE key = %s", name))
    assert state
    canaries = [f"{name}@example.test".encode(), b"07700900123", b"bsl"]
    logs = b"".join(rig.platform.supervisor.log(f"notifications-{role}").read_bytes() for role in ("worker", "api", "sender"))
    bodies = repr(rig.events(name)).encode()
    for canary in canaries:
        assert canary not in state
        assert canary not in logs
        assert canary not in bodies


def test_many_requests_at_once_that_need_a_colleague_are_all_answered(rig: Rig) -> None:
    names = [f"crowd-{number}-{rig.a_monday()}" for number in range(20)]
    for name in names:
        office_id = rig.office(f"{name}-office")
        rig.coach(f"{name}-coach", office_id, minutes_per_day=0)
        rig.coach(f"{name}-colleague", office_id)
        rig.claim(name, f"{name}-coach", office_id)
        rig.preferences(name)
        rig.case(name, f"{name}-coach", office_id)
    rig.drain()
    worker = "notifications-worker"
    rig.platform.supervisor.stop(worker)
    for name in names:
        rig.contact(name)
    rig.platform.supervisor.restart(worker)
    rig.drain()
    assert [rig.appointment(name).json()["coach_id"] for name in names] == [f"{name}-colleague" for name in names]
