"""A claimant goes to another claim with their case: what was booked under the old one ends, and the new one takes bookings."""

from __future__ import annotations

from datetime import date
from typing import Any

from notifications_rig import Rig, eventually

from contracts import topics
from contracts.earnings import Claim, ClaimantMoved, ClaimClaimant
from contracts.referrals import CaseReassigned


def moves(rig: Rig, name: str, origin: str, target: str, versions: tuple[int, int]) -> None:
    """Both claims hear of it, then the progression service tells where the case is. The old claim goes on naming them."""
    them = ClaimClaimant(
        claimant_id=f"{name}-person", coach_id=f"{name}-coach", office_id=f"{name}-office", self_employed=False, dead=False,
        nino_known=True, easements=(),
    )  # fmt: skip
    for claim_id, version in zip((target, origin), versions, strict=True):
        here = Claim(
            claim_id=claim_id, version=version, status="open", couple=False, entitlement_date=date(2026, 1, 1), payment_day=7,
            claimants=(them,),
        )  # fmt: skip
        ids = {"claimant_id": f"{name}-person", "from_claim_id": origin, "to_claim_id": target}
        rig.publish(topics.EARNINGS_CIRCUMSTANCES, claim_id, ClaimantMoved(claim_id=claim_id, claim=here, **ids))
    rig.publish(
        topics.PROGRESSION_CASE,
        target,
        CaseReassigned(
            case_id=f"{name}-case", claim_id=target, claimant_id=f"{name}-person", from_=f"{name}-coach", to=f"{name}-coach",
            reason="upstream", office_id=f"{name}-office",
        ),
    )  # fmt: skip
    rig.drain()


def test_a_booking_of_the_old_claim_is_cancelled_and_the_coach_can_book_under_the_new_one_and_back(rig: Rig) -> None:
    name = rig.person()
    coach, me = rig.own_coach(name), rig.claimant(name)
    rig.contact(name)
    offered = rig.appointment(name).json()
    read = rig.http.get(f"/v1/appointments/{offered['appointment_id']}", headers=me)
    path = f"/v1/appointments/{offered['appointment_id']}"
    key = {"Idempotency-Key": f"{name}-accept"}
    assert rig.http.post(f"{path}/accept", headers=me | key | {"If-Match": read.headers["ETag"]}).status_code == 200

    def state(appointment_id: str) -> str:
        return str(rig.http.get(f"/v1/appointments/{appointment_id}", headers=coach).json()["state"])

    def book() -> dict[str, Any]:
        monday = rig.a_monday()
        slot = rig.http.get(f"/v1/coaches/{name}-coach/slots?from={monday}&to={monday}", headers=coach).json()["items"][0]
        body = {"case_id": f"{name}-case", "slot_id": slot["slot_id"], "accepted_by": "claimant"}
        made = rig.http.post("/v1/appointments", json=body, headers=coach | {"Idempotency-Key": f"{name}-{next(rig.numbers)}"})
        assert made.status_code == 201, made.text
        booked: dict[str, Any] = made.json()
        return booked

    moves(rig, name, name, f"a-{name}", (1, 2))
    assert state(offered["appointment_id"]) == "cancelled"
    eventually(lambda: [sent for sent in rig.sends(name) if "cancel" in str(sent).lower()], "the cancellation is sent")
    sent_before = len(rig.sends(name))
    there = book()
    eventually(lambda: len(rig.sends(name)) > sent_before, "how they may be reached is known under the new claim")
    assert rig.query("SELECT claim_id FROM appointment WHERE appointment_id = %s", there["appointment_id"]) == [(f"a-{name}",)]
    moves(rig, name, f"a-{name}", name, (3, 2))
    assert state(there["appointment_id"]) == "cancelled"
    back = book()
    assert rig.query("SELECT claim_id FROM appointment WHERE appointment_id = %s", back["appointment_id"]) == [(name,)]
