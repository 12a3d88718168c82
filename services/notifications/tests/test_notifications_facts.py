"""Facts that come early, late, broken, in Welsh, or not at all any more."""

from __future__ import annotations

import time

from notifications_rig import Rig, eventually

from contracts import topics
from contracts.earnings import ClaimErased
from contracts.referrals import CaseClosed, CaseOpened, EarningsContested

SENT = ["MessageRequested", "MessageSent", "MessageDelivered"]


def types_are(rig: Rig, name: str, *expected: str) -> None:
    eventually(lambda: sorted(rig.types(name)) == sorted(expected), f"{expected}; there is {sorted(rig.types(name))}")


def test_a_request_that_overtakes_the_claims_circumstances_waits_for_them(rig: Rig) -> None:
    name = f"early-{time.monotonic_ns()}"
    office_id, coach_id = rig.office(f"{name}-office"), f"{name}-coach"
    rig.coach(coach_id, office_id)
    rig.case(name, coach_id, office_id)
    rig.contact(name)
    rig.drain()
    assert rig.types(name) == []
    rig.preferences(name)
    rig.claim(name, coach_id, office_id)
    types_are(rig, name, "AppointmentOffered", *SENT)


def test_older_snapshots_and_preferences_change_nothing(rig: Rig) -> None:
    name = rig.person(status="suspended")
    rig.claim(name, f"{name}-coach", f"{name}-office", version=1)
    rig.preferences(name, version=1, email=f"old-{name}@example.test")
    rig.contact(name, channel="message")
    types_are(rig, name, "MessageRequested", "MessageWithdrawn")
    rig.claim(name, f"{name}-coach", f"{name}-office", version=2)
    rig.drain()  # the next request is on another topic: it could overtake this
    rig.contact(name, channel="message")
    types_are(rig, name, "MessageRequested", "MessageWithdrawn", *SENT)
    assert len(rig.sends(name)) == 1


def test_broken_preferences_are_dead_letters_that_name_the_field_and_neighbours_flow(rig: Rig) -> None:
    reasons = "SELECT reason FROM dead_letter WHERE topic = %s ORDER BY reason"
    kept = len(rig.query(reasons, topics.CONTACT_PREFERENCES))  # other stories share the service
    name = rig.person()
    rig.preferences(name, version=2, quiet_hours="at night")
    rig.preferences(name, version=10**30)
    rig.preferences(name, version=3, channels_allowed=["pigeon"])
    rig.contact(name, channel="message")
    types_are(rig, name, *SENT)
    rig.drain()
    found = rig.query(reasons, topics.CONTACT_PREFERENCES)
    assert len(found) == kept + 3
    assert set(found) >= {("body_invalid:channels_allowed[0]",), ("body_invalid:quiet_hours",), ("body_invalid:version",)}


def test_welsh_goes_out_with_english_and_a_letter_when_that_is_all_that_is_allowed(rig: Rig) -> None:
    welsh, posted = rig.person(), rig.person()
    rig.preferences(welsh, version=2, language="cy")
    address = ["1 High Street", "Leeds", "LS1 1AA"]
    rig.preferences(posted, version=2, channels_allowed=["letter", "phone"], address=address, email=None)
    rig.drain()
    rig.contact(welsh)
    rig.contact(posted)
    types_are(rig, welsh, "AppointmentOffered", *SENT)
    types_are(rig, posted, "AppointmentOffered", "MessageRequested", "MessageSent")
    subject = rig.sends(welsh)[0]["subject"]
    assert subject == "Hoffech chi siarad â'ch anogwr gwaith? / Would you like to talk with your work coach?"
    requested = dict(rig.events(posted))["MessageRequested"]
    letter = rig.notify.get("/sandbox/sends", params={"reference": requested["message_id"]}).json()["items"][0]
    assert (letter["type"], letter["line_1"], letter["line_3"]) == ("letter", "1 High Street", "LS1 1AA")
    days = [rig.appointment(name).json()["starts_at"][:10] for name in (welsh, posted)]
    assert days[0] < days[1], "a letter needs more notice"


def test_a_dispute_stops_contact(rig: Rig) -> None:
    name = rig.person()
    contested = EarningsContested(claim_id=name, claimant_id=f"{name}-person", why_code="hours")
    rig.publish(topics.PROGRESSION_CASE, name, contested)
    rig.contact(name, channel="message")
    types_are(rig, name, "MessageRequested", "MessageWithdrawn")
    assert dict(rig.events(name))["MessageWithdrawn"]["why"] == "dispute"


def test_a_closed_case_cancels_the_meeting_and_tells_the_claimant(rig: Rig) -> None:
    name = rig.person()
    rig.contact(name)
    types_are(rig, name, "AppointmentOffered", *SENT)  # an offer that is answered before it went out is not sent any more
    rig.act(rig.appointment(name), "accept", rig.claimant(name))
    types_are(rig, name, "AppointmentOffered", "AppointmentBooked", *SENT * 2)
    closed = CaseClosed(case_id=f"{name}-case", claim_id=name, claimant_id=f"{name}-person", outcome="outcome_met")
    rig.publish(topics.PROGRESSION_CASE, name, closed)
    types_are(rig, name, "AppointmentOffered", "AppointmentBooked", "AppointmentCancelled", *SENT * 3)
    assert rig.sends(name)[-1]["subject"] == "Your appointment is cancelled"
    rig.contact(name)
    eventually(lambda: "MessageWithdrawn" in rig.types(name), "contact for a closed case is refused")


def test_an_erased_claim_leaves_nothing_and_frees_its_time(rig: Rig) -> None:
    name = rig.person()
    rig.contact(name)
    start = rig.appointment(name).json()["starts_at"]
    types_are(rig, name, "AppointmentOffered", *SENT)
    rig.publish(topics.EARNINGS_CIRCUMSTANCES, name, ClaimErased(claim_id=name))
    tables = ("person", "case_ref", "appointment", "message", "send_queue", "attempt")
    counts = [f"SELECT count(*) FROM {table} WHERE claim_id = %s" for table in tables]  # noqa: S608 - names are constants
    eventually(lambda: not any(rig.query(count, name)[0][0] for count in counts), "nothing is left")
    rig.claim(name, f"{name}-coach", f"{name}-office", version=9)
    opened = CaseOpened(case_id=f"{name}-case", claim_id=name, claimant_id=f"{name}-person", flag_id="f")
    rig.publish(topics.PROGRESSION_CASE, name, opened)
    rig.drain()
    state = b"".join(bytes(row[0]) for row in rig.query("SELECT state FROM document WHERE key = %s", name))
    assert f"{name}-person".encode() not in state
    coach = rig.own_coach(name)
    slots = rig.http.get(f"/v1/coaches/{name}-coach/slots?from={start[:10]}", headers=coach).json()["items"]
    assert start in [slot["starts_at"] for slot in slots]
