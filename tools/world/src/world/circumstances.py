"""Facts of life around the pay: identity, contact, easements, deaths, closed and suspended claims, moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random

from world import names
from world.draft import Draft
from world.model import Coach, Conditionality, Contact, Easement, Move, Person
from world.truth.judge import Findings, Label

CHANCES = {"eased": 4, "voluntary_only": 3, "no_requirements": 3, "dead": 2, "closed": 3, "suspended": 2}
"""Per cent of people with something to be contacted about to whom this happens at that very time."""


def overlay(draft: Draft, findings: Findings, rng: Random) -> bool:
    """Lets life interfere with some people who would be contacted. True when a fact was changed."""
    contact = [label for label in findings.labels if label.rule != "crossed-above-aet"]
    if not contact:
        return _quiet_life(draft, rng)
    label = contact[0]
    roll, fact = rng.random() * 100, None
    for name, chance in CHANCES.items():
        roll -= chance
        if roll < 0:
            fact = name
            break
    if fact is None:
        return False
    return _apply(draft, label, fact, rng)


def _apply(draft: Draft, label: Label, fact: str, rng: Random) -> bool:
    person = next(p for p in draft.people if p.person_id == label.claimant_id)
    single = len(draft.people) == 1
    match fact:
        case "eased" | "voluntary_only" if label.rule != "newly-in-work" or fact == "voluntary_only":
            since, until = label.end - timedelta(days=rng.randint(2, 12)), label.end + timedelta(days=rng.randint(13, 20))
            voluntary = fact == "voluntary_only"
            person.easements.append(Easement(since=since, until=until, voluntary_only=voluntary, decided_on=since))
        case "no_requirements":
            person.legal_group = "no_requirements"
        case "dead" if single:
            person.died_on = label.end - timedelta(days=rng.randint(6, 9))
            person.death_known_on = label.end + timedelta(days=rng.choice([-2, 3]))
        case "closed" if single:
            draft.closed_on = label.end + timedelta(days=rng.choice([-3, 4]))
        case "suspended" if single:
            draft.suspended = (label.end + timedelta(days=rng.choice([-4, 3])), label.end + timedelta(days=18))
        case _:
            return False
    return True


def _quiet_life(draft: Draft, rng: Random) -> bool:
    """Some of those whom no rule concerns have easements, close their claims or die as well."""
    if rng.random() >= 0.12 or len(draft.people) > 1 or len(draft.periods) < 4:
        return False
    period = rng.choice(draft.periods[2:])
    if rng.random() < 0.6:
        since = period.start + timedelta(days=rng.randint(2, 20))
        until = since + timedelta(days=rng.randint(10, 60))
        draft.people[0].easements.append(Easement(since=since, until=until, voluntary_only=rng.random() < 0.4, decided_on=since))
    elif rng.random() < 0.7:
        draft.closed_on = period.start + timedelta(days=rng.randint(5, 20))
    else:
        draft.people[0].died_on = period.start + timedelta(days=5)
        draft.people[0].death_known_on = period.start + timedelta(days=12)
    return True


def identity(
    facts: Person, rng: Random, *, nino: str, coach: Coach, coaches: Sequence[Coach], first_day: date, last_day: date
) -> Person:
    """The person with a name, a number, an office, a coach and a way to be reached."""
    first, last = rng.choice(names.FIRST), rng.choice(names.LAST)
    office = next(o for o in names.OFFICES if o.office_id == coach.office_id)
    welsh = rng.random() < (0.25 if office.nation == "wales" else 0.01)
    channels = rng.choice([("email", "sms"), ("email",), ("sms", "phone"), ("email", "sms", "letter"), ("letter",)])
    contact = Contact(
        since=first_day,
        channels=channels,
        email=f"{first}.{last}.{nino[2:8]}@example.com".lower() if "email" in channels else None,
        phone=f"07700900{rng.randint(0, 999):03d}" if "sms" in channels or "phone" in channels else None,
        language="cy" if welsh else "en",
        needs=(rng.choice(["longer_slot", "private_room", "step_free", "bsl", "large_print", "interpreter"]),)
        if rng.random() < 0.08
        else (),
        address=f"{rng.randint(1, 99)} Example Street, Exampleton, EX1 1AA" if "letter" in channels else None,
        quiet=("18:00", "22:00") if rng.random() < 0.1 else None,
        works=rng.choice([("06:00", "10:00"), ("15:00", "21:00")]) if rng.random() < 0.15 else None,
    )
    contacts = [contact]
    if rng.random() < 0.04:
        later = first_day + timedelta(days=rng.randint(30, 90))
        contacts.append(replace(contact, since=later, language="en" if welsh else "cy"))
    moves: tuple[Move, ...] = ()
    if rng.random() < 0.05:
        day = min(first_day + timedelta(days=rng.randint(40, 150)), last_day - timedelta(days=20))
        other = rng.choice([c for c in coaches if c.coach_id != coach.coach_id])
        moves = (Move(day=day, office_id=other.office_id, coach_id=other.coach_id),)
    return replace(
        facts,
        nino=nino,
        first_name=first,
        last_name=last,
        office_id=coach.office_id,
        coach_id=coach.coach_id if rng.random() >= 0.03 else None,
        contact=tuple(contacts),
        conditionality=facts.conditionality if _told(facts, rng) else None,
        moves=moves,
    )


def _told(facts: Person, rng: Random) -> bool:
    """Upstream says nothing of the usual conditionality of some people; an unusual one is always told."""
    usual = facts.conditionality
    return usual != Conditionality(age_band="nlw", hours=None, legal_group="all_requirements") or rng.random() >= 0.1
