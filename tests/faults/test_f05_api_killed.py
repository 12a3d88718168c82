"""F5: an API dies by SIGKILL while it serves; the clients repeat their requests under the same Idempotency-Key."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from tests.faults.acting import Act, Done, anomalies, insist
from tests.faults.checker import Checker
from tests.faults.reading import rows
from tests.faults.report import Cell
from tests.faults.stage import Theatre

from contracts.ids import employer_id
from devstack.demo.acting import CONSENT_FIELDS
from world.people import ClaimantEntry

AT_ONCE = 6
CONTACT = {"purpose": "progression", "contact_basis": "voluntary", "channel": "phone", "minutes": None, "language": None}


def contacts(theatre: Theatre, limit: int = AT_ONCE) -> list[Act]:
    """A coach asks for contact in each of these cases, which nobody has touched yet."""
    acts: list[Act] = []
    for coach in theatre.cast.people.coaches:
        caller = theatre.cast.coach(coach.coach_id)
        for item in caller.items("referrals", f"/v1/worklist?coach={coach.coach_id}&state=shown&limit=100"):
            if item["claim_id"] not in theatre.acted_on and len(acts) < limit:
                theatre.acted_on.add(item["claim_id"])
                path = f"/v1/cases/{item['case_id']}/contact"
                acts.append(Act(caller, "referrals", path, CONTACT, f"contact-{item['case_id']}", item["etag"]))
    return acts


def acceptances(theatre: Theatre) -> list[Act]:
    """Every claimant who was offered an appointment accepts it."""
    acts: list[Act] = []
    for person in theatre.cast.people.claimants:
        if person.claim_id not in theatre.acted_on:
            continue
        caller = theatre.cast.claimant(person.claimant_id)
        for offer in caller.items("notifications", f"/v1/appointments?claimant={person.claimant_id}"):
            if offer["state"] == "offered":
                path = f"/v1/appointments/{offer['appointment_id']}"
                etag = caller.get("notifications", path).etag
                acts.append(Act(caller, "notifications", f"{path}/accept", {}, f"accept-{offer['appointment_id']}", etag))
    return acts


def consents(theatre: Theatre) -> list[Act]:
    """Some people with an employer agree to involve it."""
    acts: list[Act] = []
    for person in theatre.cast.people.claimants:
        if person.paye_references and len(acts) < AT_ONCE:
            caller = theatre.cast.claimant(person.claimant_id)
            acts.append(Act(caller, "employer_link", "/v1/consents", consent(theatre, person), f"consent-{person.claimant_id}"))
    return acts


def consent(theatre: Theatre, person: ClaimantEntry) -> dict[str, Any]:
    """What this person agrees to: sixty days with their last employer."""
    return {
        "claimant_id": person.claimant_id,
        "employer_id": employer_id(person.paye_references[-1]),
        "fields": CONSENT_FIELDS,
        "purpose": "progression_plan",
        "expires_on": (theatre.now.date() + timedelta(days=60)).isoformat(),
        "wording_version": "2026-04",
    }


@pytest.mark.long
def test_f5_apis_killed_mid_request_and_clients_that_insist(theatre: Theatre, checker: Checker, cell: Cell) -> None:
    done: list[Done] = []

    def strike(acts: Sequence[Act], service: str, point: str) -> None:
        name = f"{service.replace('_', '-')}-api"
        assert acts, f"somebody has something to do at {service}"
        began = time.monotonic()
        made = insist(theatre, acts, (name, point))
        cell.recoveries.append(time.monotonic() - began)
        done.extend(made)
        broken = sum(one.broken > 0 for one in made)
        cell.faults.append(f"{name} killed {point} under {len(acts)} requests, {broken} of them broken off")
        assert broken, "at least one client saw its request break off"

    leg = theatre.leg()
    asked = contacts(theatre)
    strike(asked[: len(asked) // 2], "referrals", "before_commit")
    strike(asked[len(asked) // 2 :], "referrals", "after_commit")
    theatre.barrier.wait(theatre.now)
    strike(acceptances(theatre), "notifications", "after_commit")
    strike(consents(theatre), "employer_link", "after_commit")
    theatre.barrier.wait(theatre.now)
    cell.events = leg.events + len(done)
    cell.anomalies = checker.anomalies()
    cell.anomalies.update({name: found for name, found in accounted(theatre, done).items() if found})
    cell.verify()


def accounted(theatre: Theatre, done: Sequence[Done]) -> dict[str, list[str]]:
    """One effect, one event, one line in the audit for each act, however often it was asked for."""
    wrong = anomalies(done)
    told = [event for event in theatre.topics.read() if not event.repeat]
    audit: list[str] = []
    for one in done:
        subject = one.act.path.split("/")[3] if one.act.service != "employer_link" else one.act.body["claimant_id"]
        name = {"referrals": "ContactRequested", "notifications": "AppointmentBooked", "employer_link": "ConsentGiven"}
        events = [event for event in told if event.type == name[one.act.service] and subject in map(str, event.body.values())]
        if len(events) != 1:
            wrong.append(f"{len(events)} {name[one.act.service]} for {subject}")
        actor, kind = one.act.who.client.client_id, one.act.path.split("/")[2]  # looks at a record are of another kind
        count = rows(
            theatre.stage.databases[one.act.service],
            "SELECT count(*) FROM audit WHERE actor = %s AND resource = %s AND granted AND action LIKE 'POST %%'"
            " AND (ids = '{}' OR ids::text LIKE %s)",
            actor, kind, f"%{subject}%",
        )[0][0]  # fmt: skip
        if count != 1:
            audit.append(f"{count} changes in the audit for {one.act.path} of {actor}")
    return {"I2 effect once": wrong, "I10 audit": audit}
