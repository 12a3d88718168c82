"""The service as its neighbours see it: real processes, topics and HTTP. Fresh claims for each story."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

import httpx
import msgspec
import psycopg
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from tests.support.documented_answers import Documented

from contracts import envelope, topics
from contracts.earnings import Claim, ClaimClaimant, ClaimOpened, Easement
from contracts.reference import CoachChanged, OfficeChanged, WeeklyHours
from contracts.referrals import CaseOpened, ContactRequested
from contracts.upstream import ContactPreferences
from contracts.vocabulary import Weekday
from devstack.credentials import client
from devstack.platform import Platform
from streaming.clock import advance
from streaming.health import EndOffsets

T = TypeVar("T")
WAIT_S = 60.0
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")


def eventually(ask: Callable[[], T | None], what: str, within: float = WAIT_S) -> T:
    """The first true answer; fails with `what` when there is none in time."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError(f"not within {within:g} s: {what}")


@dataclass
class Timepiece:
    """The clock topic's latest instant: it only goes forward, for all stories of a run."""

    now: datetime


@dataclass
class Rig:
    """One running notifications service with its sandboxes, on the clock topic."""

    platform: Platform
    timepiece: Timepiece
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.producer = Producer({"bootstrap.servers": self.platform.bootstrap, "linger.ms": 0, "log_level": 2})
        self.answers = Documented.of("notifications")
        self.http = httpx.Client(
            base_url=self.platform.url("notifications"), timeout=10, event_hooks={"response": [self.answers]}
        )
        self.notify = httpx.Client(base_url=self.platform.notify, timeout=10)
        self.tokens: dict[str, str] = {}
        self.ends = EndOffsets(
            self.platform.bootstrap, [topics.NOTIFICATIONS_APPOINTMENT, topics.NOTIFICATIONS_MESSAGE], timeout_s=WAIT_S
        )

    def close(self) -> None:
        self.http.close()
        self.notify.close()

    # -- in -------------------------------------------------------------------------------------------------------

    def publish(self, topic: str, key: str, event: msgspec.Struct, *, type_: str | None = None, ce_id: str | None = None) -> str:
        event_id = ce_id or f"test-{next(self.numbers)}-{time.monotonic_ns()}"
        headers = envelope.headers(
            id=event_id,
            type=type_ or type(event).__name__,
            source="test",
            subject=key,
            time=self.now,
            partition_key=key,
            causation_id="test",
            correlation_id="test",
        )
        self.producer.produce(topic, key=key.encode(), value=msgspec.json.encode(event), headers=headers)  # type: ignore[arg-type]
        assert self.producer.flush(10) == 0
        return event_id

    @property
    def now(self) -> datetime:
        return self.timepiece.now

    def days_pass(self, days: int) -> None:
        """Returns when the API has the new time: what it allows depends on it."""
        self.timepiece.now += timedelta(days=days)
        advance(self.platform.bootstrap, self.now)
        eventually(lambda: self._knows_now(self.http.get("/health/drained").json()), "the new time has come through")

    def _knows_now(self, answer: dict[str, Any]) -> bool:
        return "now" in answer and datetime.fromisoformat(answer["now"]) >= self.now  # without: the broker was slow to answer

    def a_monday(self) -> date:
        """One that leaves enough notice."""
        today = self.now.date()
        return today + timedelta(days=14 - today.weekday())

    def office(
        self,
        office_id: str,
        *,
        version: int = 1,
        nation: Any = "england",
        private: int = 1,
        nearby: tuple[str, ...] = (),
        active: bool = True,
    ) -> str:
        opening = (WeeklyHours(days=WEEKDAYS, from_="09:00", to="17:00"),)
        event = OfficeChanged(
            office_id=office_id,
            version=version,
            name=f"Office {office_id}",
            nation=nation,
            district="North",
            opening=opening,
            rooms={"desk": 5, "private": private},
            nearby=nearby,
            active=active,
        )
        self.publish(topics.PROGRESSION_REFERENCE, f"office:{office_id}", event)
        return office_id

    def coach(self, coach_id: str, *offices: str, version: int = 1, **changes: Any) -> str:
        facts: dict[str, Any] = {"active": True, "trained_in_work": True, "minutes_per_day": 370} | changes
        event = CoachChanged(coach_id=coach_id, version=version, offices=offices, **facts)
        self.publish(topics.PROGRESSION_REFERENCE, f"coach:{coach_id}", event)
        return coach_id

    def claim(self, name: str, coach_id: str | None, office_id: str | None, *, version: int = 1, **changes: Any) -> None:
        person: dict[str, Any] = {"self_employed": False, "dead": False, "nino_known": True, "easements": ()}
        person |= {name: changes.pop(name) for name in ("dead", "easements") if name in changes}
        snapshot: dict[str, Any] = {"status": "open", "couple": False, "entitlement_date": date(2026, 1, 1), "payment_day": 7}
        who = changes.pop("who", f"{name}-person")
        claimant = ClaimClaimant(claimant_id=who, coach_id=coach_id, office_id=office_id, **person)
        claim = Claim(claim_id=name, version=version, claimants=(claimant,), **(snapshot | changes))
        self.publish(topics.EARNINGS_CIRCUMSTANCES, name, ClaimOpened(claim_id=name, claim=claim))

    def preferences(self, name: str, *, version: int = 1, **changes: Any) -> None:
        given: dict[str, Any] = {
            "channels_allowed": ("email",),
            "email": f"{name}@example.test",
            "language": "en",
        } | changes
        who = given.pop("who", f"{name}-person")
        event = ContactPreferences(claimant_id=who, version=version, from_=date(2026, 1, 1), **given)
        topic = topics.CONTACT_PREFERENCES
        self.publish(topic, name, event, type_=topic)

    def case(self, name: str, coach_id: str | None, office_id: str | None) -> str:
        case_id = f"{name}-case"
        event = CaseOpened(
            case_id=case_id, claim_id=name, claimant_id=f"{name}-person", office_id=office_id, coach_id=coach_id, flag_id="f"
        )
        self.publish(topics.PROGRESSION_CASE, name, event)
        return case_id

    def contact(self, name: str, *, ce_id: str | None = None, **changes: Any) -> None:
        given: dict[str, Any] = {
            "purpose": "progression",
            "contact_basis": "voluntary",
            "channel": "face_to_face",
            "requested_by_role": "coach",
        } | changes
        event = ContactRequested(case_id=f"{name}-case", claim_id=name, claimant_id=f"{name}-person", **given)
        self.publish(topics.PROGRESSION_CASE, name, event, ce_id=ce_id)

    def person(self, **changes: Any) -> str:
        """A claim with its case, preferences, own coach and own office."""
        name = f"claim-{next(self.numbers)}-{time.monotonic_ns()}"
        office_id, coach_id = self.office(f"{name}-office"), f"{name}-coach"
        self.coach(coach_id, office_id)
        self.claim(name, coach_id, office_id, **changes)
        self.preferences(name)
        self.case(name, coach_id, office_id)
        self.drain()
        return name

    def drain(self) -> None:
        """Everything known is done, twice."""
        before: list[int | None] = []

        def settled() -> bool:
            answer = self.http.get("/health/drained").json()
            before.append(answer.get("work"))
            return bool(answer["drained"]) and self._knows_now(answer) and len(before) > 1 and before[-1] == before[-2]

        try:
            eventually(settled, "the service is drained")
        except AssertionError as late:
            codes = {name: self.platform.supervisor.exit_code(name) for name in self.platform.supervisor.dead()}
            raise AssertionError(f"{late}; processes that ended, with their exit codes: {codes or 'none'}") from None

    # -- out ------------------------------------------------------------------------------------------------------

    def events(self, name: str, *topic_names: str) -> list[tuple[str, dict[str, Any]]]:
        """(type, body) of everything published under a claim's key so far, topic by topic."""
        wanted = topic_names or (topics.NOTIFICATIONS_APPOINTMENT, topics.NOTIFICATIONS_MESSAGE)
        consumer = Consumer(
            {
                "bootstrap.servers": self.platform.bootstrap,
                "group.id": "none",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 20,
            }
        )
        try:
            return _read(consumer, {place: end for place, end in self.ends.read().items() if place[0] in wanted}, name)
        finally:
            consumer.close()

    def types(self, name: str) -> list[str]:
        return [type_ for type_, _ in self.events(name)]

    def sends(self, name: str) -> list[dict[str, Any]]:
        """What the provider accepted for this person's address."""
        items: list[dict[str, Any]] = self.notify.get("/sandbox/sends").json()["items"]
        return [item for item in items if item["email_address"] == f"{name}@example.test"]

    def fault(self, mode: str, times: int, delay_s: float = 2.0) -> None:
        answer = self.notify.put("/sandbox/faults", json={"mode": mode, "times": times, "delay_s": delay_s})
        assert answer.status_code == 200, answer.text

    # -- http -----------------------------------------------------------------------------------------------------

    def as_(self, who: str, *scopes: str, **identity: Any) -> dict[str, str]:
        """Authorization of a client with this identity; made when first used."""
        if who not in self.tokens:
            self.platform.add_clients(client(who, *scopes, **identity))
            secret = self.platform.credentials().clients[who].client_secret
            form = {"grant_type": "client_credentials", "client_id": who, "client_secret": secret}
            self.tokens[who] = httpx.post(f"{self.platform.issuer}/token", data=form).json()["access_token"]
        return {"Authorization": f"Bearer {self.tokens[who]}"}

    def claimant(self, name: str) -> dict[str, str]:
        return self.as_(f"{name}-person", "claimant", claimant_id=f"{name}-person")

    def own_coach(self, name: str) -> dict[str, str]:
        return self.as_(f"{name}-coach", "coach", coach_id=f"{name}-coach", office_ids=(f"{name}-office",))

    def appointment(self, name: str) -> httpx.Response:
        """The claimant's one appointment, as the claimant reads it."""
        listed = eventually(
            lambda: self.http.get("/v1/appointments", headers=self.claimant(name)).json()["items"], "an appointment"
        )
        return self.http.get(f"/v1/appointments/{listed[-1]['appointment_id']}", headers=self.claimant(name))

    def act(self, read: httpx.Response, action: str, headers: dict[str, str], body: Any = None, key: str = "") -> httpx.Response:
        path = f"/v1/appointments/{read.json()['appointment_id']}/{action}"
        more = {"Idempotency-Key": key or f"key-{next(self.numbers)}-{time.monotonic_ns()}", "If-Match": read.headers["ETag"]}
        return self.http.post(path, json=body or {}, headers=headers | more)

    def query(self, sql: str, *values: Any) -> list[Any]:
        with psycopg.connect(self.platform.databases["notifications"]) as conn:
            return conn.execute(sql, values).fetchall()


def easement(first: date, until: date) -> Easement:
    """No contact before `until`."""
    return Easement(from_=first, no_contact_until=until, voluntary_only=False)


def _read(consumer: Consumer, ends: dict[tuple[str, int], int], key: str) -> list[tuple[str, dict[str, Any]]]:
    """What is on these partitions now, as a read_committed consumer sees it once transactions up to these ends are marked."""
    consumer.assign([TopicPartition(topic, number, 0) for topic, number in ends])
    found: list[tuple[str, dict[str, Any]]] = []
    left = set(ends)
    deadline = time.monotonic() + WAIT_S
    while left:
        assert time.monotonic() < deadline, f"these partitions were not read to their end: {left}"
        message = consumer.poll(0.2)
        if message is None:
            continue
        error = message.error()
        if error is not None:
            assert error.code() == KafkaError._PARTITION_EOF, error
            place = (message.topic() or "", message.partition() or 0)
            if (message.offset() or 0) >= ends[place]:
                left.discard(place)
        elif message.key() == key.encode():
            headers: Any = message.headers()
            found.append((envelope.parse(headers).type, msgspec.json.decode(message.value() or b"null")))
    return sorted(found, key=lambda item: item[0])


def start_of_tests() -> datetime:
    """A Monday morning."""
    return datetime(2026, 6, 1, 9, 30, tzinfo=UTC)
