"""What stories are told with: a household fed by upstream, people with their own tokens, and bounded waits for what they see."""

from __future__ import annotations

import itertools
import secrets
import time
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, TypeVar

import httpx
from tests.support.foreign_feed import CLAIMANT, CONTRACT, RTI, Foreign, Household

from contracts import topics
from contracts.ids import employer_id
from devstack.credentials import Client, Credentials
from devstack.platform import Platform

T = TypeVar("T")
WAIT_S = 30.0
_SCHEMES = itertools.count(1000)
_WEEKDAYS = ["mon", "tue", "wed", "thu", "fri"]


def eventually(look: Callable[[], T | None], what: str, seconds: float = WAIT_S) -> T:
    """The first true answer of `look`; fails with `what` when there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not seen within {seconds:.0f} s: {what}")


class Person:
    """Somebody with a token. Every change has a fresh Idempotency-Key."""

    def __init__(self, urls: dict[str, str], token_endpoint: str, client: Client) -> None:
        self.client = client
        form = {"grant_type": "client_credentials", "client_id": client.client_id, "client_secret": client.client_secret}
        answer = httpx.post(token_endpoint, data=form, timeout=10)
        assert answer.status_code == 200, answer.text
        self._http = httpx.Client(headers={"Authorization": f"Bearer {answer.json()['access_token']}"}, timeout=15)
        self._urls = urls

    def read(self, service: str, path: str) -> httpx.Response:
        return self._http.get(self._urls[service] + path)

    def seen(self, service: str, path: str) -> Any:
        answer = self.read(service, path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.json()

    def items(self, service: str, path: str) -> list[dict[str, Any]]:
        return list(self.seen(service, path)["items"])

    def act(self, service: str, path: str, body: Any, *, on: str | None = None, method: str = "POST") -> httpx.Response:
        """on: the resource whose ETag goes into If-Match; read again when facts that still come in have changed it meanwhile."""

        def once() -> httpx.Response | None:
            headers = {"Idempotency-Key": str(uuid.uuid4())}
            if on is not None:
                headers["If-Match"] = self.read(service, on).headers["etag"]
            answer = self._http.request(method, self._urls[service] + path, json=body, headers=headers)
            return None if on is not None and answer.status_code == 412 else answer

        return eventually(once, f"{method} {path} for what was just read")

    def does(self, service: str, path: str, body: Any, *, on: str | None = None, method: str = "POST") -> Any:
        answer = self.act(service, path, body, on=on, method=method)
        assert 200 <= answer.status_code < 300, (path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def close(self) -> None:
        self._http.close()


class Story:
    """One household with a coach of its own, in an office of its own, at an employer of its own."""

    def __init__(self, credentials: Credentials, urls: dict[str, str], feed: Foreign, platform: Platform, couple: bool) -> None:
        self.feed, self.platform, self._urls, self._credentials = feed, platform, urls, credentials
        self.house = Household(couple)
        self.office, self.coach_id = f"office-{uuid.uuid4()}", f"coach-{uuid.uuid4()}"
        self.scheme = f"{next(_SCHEMES) % 900 + 100}/S{secrets.randbelow(10**6):06d}"
        self.employer_id = employer_id(self.scheme)
        self._people: list[Person] = []
        self.coach = self.person("coach", coach_id=self.coach_id, office_ids=(self.office,))
        self.claimant = self.person("claimant", claimant_id=self.house.people[0])
        self.employer = self.person("employer", employer_paye_references=(self.scheme,))
        self.leader = self.person("team-leader", office_ids=(self.office,))
        self.open_office()

    def person(self, scope: str, **identity: Any) -> Person:
        client = Client(client_id=f"{scope}-{uuid.uuid4()}", client_secret=secrets.token_urlsafe(12), scopes=(scope,), **identity)
        self.platform.add_clients(client)
        self._people.append(Person(self._urls, self._credentials.token_endpoint, client))
        return self._people[-1]

    def open_office(self) -> None:
        hours = [{"days": _WEEKDAYS, "from": "09:00", "to": "17:00"}]
        office = {"name": "Story Jobcentre", "nation": "england", "district": "Test", "opening": hours,
                  "rooms": {"desk": 5, "private": 1}, "nearby": []}  # fmt: skip
        coach = {"offices": [self.office], "active": True, "trained_in_work": True, "specialisms": [], "minutes_per_day": 370,
                 "cover_coach_id": None}  # fmt: skip
        self.leader.does("referrals", f"/v1/offices/{self.office}", office, method="PUT")
        self.leader.does("referrals", f"/v1/coaches/{self.coach_id}", coach, method="PUT")
        path = f"/v1/coaches/{self.coach_id}/calendar"
        known = eventually(
            lambda: answer if (answer := self.coach.read("notifications", path)).status_code == 200 else None,
            "the coach's calendar",
        )
        pattern = [{**hours[0], "office_id": self.office}]
        body = {"pattern": pattern, "minutes_per_day": 370, "leave": []}
        headers = {"If-Match": known.headers["etag"], "Idempotency-Key": str(uuid.uuid4())}
        answer = self.coach._http.put(self._urls["notifications"] + path, json=body, headers=headers)
        assert answer.status_code in (200, 201), answer.text

    # -- upstream -----------------------------------------------------------------------------------------------

    def pay(self, paid_on: date, pounds: float, person: int = 0, **more: Any) -> Any:
        office, reference = self.scheme.split("/")
        who = {
            "hmrcOfficeNumber": office,
            "employerPayeRef": reference,
            "nationalInsuranceNumber": self.house.ninos[person] + "C",
        }
        report = self.house.payment(paid_on, pounds, **who, **more)
        place = self.feed.send(RTI, report)
        self.feed.row(place)
        return report

    def open_claim(self, entitlement: date) -> None:
        self.house.entitlement = entitlement
        for number, person in enumerate(self.house.people):
            place = self.feed.ucfs(CLAIMANT, person, self.document(number))
            assert self.feed.outcome(place)[0] == "applied"
        self.prefer()
        assert self.feed.outcome(self.feed.ucfs(CONTRACT, self.house.claim, self.house.contract()))[0] == "applied"

    def document(self, number: int = 0, **more: Any) -> dict[str, Any]:
        return self.house.claimant(
            number, deliveryUnits=[self.office], workCoach={"type": "WORK_COACH", "id": self.coach_id}, **more
        )

    def prefer(self) -> None:
        """How the first person wants to be told."""
        body = {
            "claimant_id": self.house.people[0], "version": 1, "from": "2026-01-01", "until": None,
            "channels_allowed": ["email", "sms"], "email": "ada@example.com", "phone": "07700900123", "address": None,
            "language": "en", "needs": [], "quiet_hours": None, "working_pattern": None,
        }  # fmt: skip
        headers = {
            "ce_specversion": "1.0",
            "ce_id": str(uuid.uuid4()),
            "ce_type": topics.CONTACT_PREFERENCES,
            "ce_source": "upstream",
        }
        self.feed.send(
            topics.CONTACT_PREFERENCES,
            body,
            [(name, value.encode()) for name, value in headers.items()],
            self.house.claim.encode(),
        )

    def months_ago(self, months: int, day: int = 4) -> date:
        """A day of an earlier month, by the machine's calendar: these stories run on the wall clock."""
        today = datetime.now(UTC).date()
        count = today.year * 12 + today.month - 1 - months
        return date(count // 12, count % 12 + 1, day)

    # -- what is seen -------------------------------------------------------------------------------------------

    def worklist(self) -> list[dict[str, Any]]:
        return self.coach.items("referrals", f"/v1/worklist?coach={self.coach_id}")

    def published(self, topic: str) -> list[tuple[str, dict[str, Any]]]:
        return self.feed.published(topic, self.house.claim)

    def await_event(self, topic: str, kind: str, **fields: Any) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            return next(
                (
                    body
                    for name, body in self.published(topic)
                    if name == kind and all(body.get(k) == v for k, v in fields.items())
                ),
                None,
            )

        return eventually(look, f"{kind} {fields} on {topic}")

    def messages(self) -> list[dict[str, Any]]:
        """What the provider accepted for this claimant's messages, by our own reference."""
        ours = {body["message_id"] for name, body in self.published(topics.NOTIFICATIONS_MESSAGE) if name == "MessageRequested"}
        accepted = httpx.get(f"{self.platform.notify}/sandbox/sends", timeout=10).json()["items"]
        return [
            send
            for send in accepted
            if any(str(send["reference"]).startswith(message) or message in str(send) for message in ours)
        ]

    def close(self) -> None:
        for person in self._people:
            person.close()


__all__ = ["Person", "Story", "eventually"]
