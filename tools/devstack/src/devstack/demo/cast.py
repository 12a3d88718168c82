"""Who acts in the demo: clients with their tokens' identities, and the reference data they need before the first day."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from devstack.credentials import Client
from devstack.demo.callers import Caller, Callers
from devstack.errors import DevstackError
from world.people import CoachEntry, OfficeEntry, People

WORKING_DAYS = ["mon", "tue", "wed", "thu", "fri"]


def clients(people: People) -> list[Client]:
    """A client for every coach, claimant and employer of the world, and two for the platform's own staff."""
    made = [
        _client("demo-leader", ("team-leader",), office_ids=tuple(office.office_id for office in people.offices)),
        _client("demo-operator", ("operator", "upstream:read", "claims:read")),
    ]
    made += [
        _client(f"coach-{coach.coach_id}", ("coach",), coach_id=coach.coach_id, office_ids=coach.offices)
        for coach in people.coaches
    ]
    made += [
        _client(f"claimant-{person.claimant_id}", ("claimant",), claimant_id=person.claimant_id) for person in people.claimants
    ]
    made += [
        _client(f"employer-{number}", ("employer",), employer_paye_references=(employer.paye_reference,))
        for number, employer in enumerate(people.employers)
    ]
    return made


def _client(client_id: str, scopes: tuple[str, ...], **identity: object) -> Client:
    return Client(client_id=client_id, client_secret=secrets.token_urlsafe(16), scopes=scopes, **identity)  # type: ignore[arg-type]


@dataclass(slots=True)
class Cast:
    """Callers by who they are; made when first needed."""

    people: People
    callers: Callers
    by_id: dict[str, Client]
    _made: dict[str, Caller] = field(default_factory=dict)

    def coach(self, coach_id: str) -> Caller:
        """A Work Coach."""
        return self._caller(f"coach-{coach_id}")

    def claimant(self, claimant_id: str) -> Caller:
        """A claimant."""
        return self._caller(f"claimant-{claimant_id}")

    def employer(self, paye_reference: str) -> Caller:
        """Somebody at a payroll scheme."""
        number = next(n for n, entry in enumerate(self.people.employers) if entry.paye_reference == paye_reference)
        return self._caller(f"employer-{number}")

    @property
    def operator(self) -> Caller:
        """Operations."""
        return self._caller("demo-operator")

    def _caller(self, client_id: str) -> Caller:
        if client_id not in self._made:
            self._made[client_id] = self.callers.caller(self.by_id[client_id])
        return self._made[client_id]

    def furnish(self) -> None:
        """Offices, coaches and calendars, as a team leader and the coaches would enter them. Raises DevstackError."""
        leader = self._caller("demo-leader")
        for office in self.people.offices:
            _done(leader.put("referrals", f"/v1/offices/{office.office_id}", _office(office)).status, office.office_id)
        for coach in self.people.coaches:
            _done(leader.put("referrals", f"/v1/coaches/{coach.coach_id}", _coach(coach)).status, coach.coach_id)

    def open_calendars(self) -> None:
        """Each coach enters their own interview hours."""
        for coach in self.people.coaches:
            known = self.coach(coach.coach_id).get("notifications", f"/v1/coaches/{coach.coach_id}/calendar")
            pattern = [{"days": WORKING_DAYS, "from": "09:00", "to": "17:00", "office_id": coach.offices[0]}]
            body = {"pattern": pattern, "minutes_per_day": coach.minutes_per_day, "leave": []}
            path = f"/v1/coaches/{coach.coach_id}/calendar"
            _done(self.coach(coach.coach_id).put("notifications", path, body, known.etag).status, coach.coach_id)


def _done(status: int, what: str) -> None:
    if status not in (200, 201, 204):
        raise DevstackError(f"reference data of {what} was refused with {status}")


def _office(office: OfficeEntry) -> dict[str, object]:
    return {
        "name": office.name,
        "nation": office.nation,
        "district": office.district,
        "opening": [{"days": WORKING_DAYS, "from": "09:00", "to": "17:00"}],
        "rooms": {"desk": 12, "private": 3},
        "nearby": list(office.nearby),
    }


def _coach(coach: CoachEntry) -> dict[str, object]:
    return {
        "offices": list(coach.offices),
        "active": True,
        "trained_in_work": coach.trained_in_work,
        "specialisms": [],
        "minutes_per_day": coach.minutes_per_day,
        "cover_coach_id": None,
    }
