"""A request for contact, from the event to the receipt, on real parts."""

from __future__ import annotations

from notifications_rig import Rig, eventually


def test_an_offer_is_held_told_accepted_and_confirmed(rig: Rig) -> None:
    name = rig.person()
    rig.contact(name)
    read = rig.appointment(name)
    assert (read.json()["state"], read.json()["starts_at"]) == ("offered", "2026-06-04T08:00:00Z")
    offer = eventually(lambda: rig.sends(name), "the offer is sent")[0]
    assert "Thursday 4 June 2026 at 09:00" in offer["body"]

    accepted = rig.act(read, "accept", rig.claimant(name))
    assert (accepted.status_code, accepted.json()["state"]) == (200, "booked")
    eventually(lambda: len(rig.sends(name)) == 2, "the confirmation is sent")
    eventually(lambda: rig.types(name).count("MessageDelivered") == 2, "both receipts have come back")
    rig.drain()
    types = rig.types(name)
    assert sorted(types) == sorted(
        ["AppointmentOffered", "AppointmentBooked", *["MessageRequested", "MessageSent", "MessageDelivered"] * 2]
    )
