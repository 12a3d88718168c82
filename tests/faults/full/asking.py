"""People who do, on demand, what makes a message: coaches ask for contact, claimants accept, coaches record consents."""

from __future__ import annotations

from tests.faults.acting import Act
from tests.faults.stage import Theatre
from tests.faults.test_f05_api_killed import acceptances, consent, contacts


def asked(theatre: Theatre, number: int) -> list[Act]:
    """Up to so many acts, first those about cases that nobody has touched. Each sends one message when it is done."""
    made = contacts(theatre, limit=number)
    for more in (acceptances, recorded):
        if len(made) < number:
            made += more(theatre)[: number - len(made)]
    theatre.asked.update(act.key for act in made)
    return made


def recorded(theatre: Theatre) -> list[Act]:
    """Coaches write down consents that were given by telephone; each claimant is told."""
    acts: list[Act] = []
    coaches = {coach.coach_id for coach in theatre.cast.people.coaches}
    for person in theatre.cast.people.claimants:
        key = f"recorded-{person.claimant_id}"
        if key in theatre.asked or person.coach_id not in coaches or not person.paye_references:
            continue
        behalf = {"on_behalf_of": person.claimant_id, "reason": "telephone call", "evidence": "recording"}
        body = consent(theatre, person) | behalf
        acts.append(Act(theatre.cast.coach(person.coach_id), "employer_link", "/v1/consents", body, key))
    return acts
