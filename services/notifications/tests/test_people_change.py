"""People and claims change hands: what is said about it, what is forgotten, and what goes on. In memory."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from tests.support.memory_platform import MemoryService

from contracts import envelope, topics
from contracts.earnings import Claim, ClaimantMoved, ClaimChanged, ClaimClaimant, ClaimErased
from contracts.reference import CoachChanged, OfficeChanged, WeeklyHours
from contracts.referrals import ActionUndone, CaseExempted, CaseHeld, CaseOpened, ContactRecorded, ContactRequested
from contracts.upstream import ContactPreferences
from notifications import main
from notifications.acts import appointments
from notifications.model import Appointment, Calendar, ClaimDoc, Window
from notifications.senders import steps
from notifications.senders.provider import Accepted, Outgoing
from notifications.settings import Settings
from streaming.records import Cause, Record

NOW = datetime(2026, 6, 1, 9, 30, tzinfo=UTC)
CLAIM, CASE, HOME = "c", "case", "home"
SETTINGS = Settings.model_validate(
    {
        "environment": "test",
        "kafka_bootstrap_servers": "-",
        "field_key": base64.b64encode(bytes(32)).decode(),
        "oidc_issuer": "-",
        "notifications_database_url": "-",
        "notify_api_key": "-",
        "notify_receipts_token": "-",
    }
)


class Memory:
    """A notifications service in memory, told one event after another; remembers what it published."""

    def __init__(self) -> None:
        self.setup = main.build_setup(SETTINGS)
        self.service = MemoryService(main.build_spec(SETTINGS))
        self.told: list[tuple[str, Any]] = []
        self.offset = 0

    def tell(self, topic: str, key: str, event: msgspec.Struct, kind: str | None = None) -> str:
        """Its outcome."""
        self.offset += 1
        name = f"e{self.offset}"
        headers = envelope.headers(
            id=name, type=kind or type(event).__name__, source="test", subject=key, time=NOW, partition_key=key,
            causation_id="test", correlation_id="test",
        )  # fmt: skip
        record = Record(topic, 0, self.offset, 0, key.encode(), msgspec.json.encode(event), tuple(headers))
        self.kept(self.service.consume(record, NOW))
        self.kept(self.service.fire(NOW))
        return self.service.outcomes[topic, 0, self.offset]

    def kept(self, published: Any) -> None:
        self.told += [(event.type, msgspec.json.decode(event.value)) for event in published]

    def coach(self, version: int, *offices: str, active: bool = True) -> None:
        """p's coach."""
        event = CoachChanged(
            coach_id="own", version=version, offices=offices, active=active, trained_in_work=True, minutes_per_day=370
        )
        self.tell(topics.PROGRESSION_REFERENCE, "coach:own", event)

    def office(self, version: int, *, active: bool = True) -> None:
        opening = (WeeklyHours(days=("mon", "tue", "wed", "thu", "fri"), from_="09:00", to="17:00"),)
        event = OfficeChanged(
            office_id=HOME, version=version, name=HOME, nation="england", district="d", opening=opening, rooms={"desk": 1},
            active=active,
        )  # fmt: skip
        self.tell(topics.PROGRESSION_REFERENCE, f"office:{HOME}", event)

    def snapshot_of(self, version: int, *people: str, status: Any = "open", **changes: Any) -> Claim:
        facts: dict[str, Any] = {"self_employed": False, "dead": False, "nino_known": True, "coach_id": "own", "office_id": HOME}
        claimants = tuple(ClaimClaimant(claimant_id=name, **facts | changes) for name in people)
        return Claim(
            claim_id=CLAIM, version=version, status=status, couple=len(people) > 1, entitlement_date=date(2026, 1, 1),
            payment_day=7, claimants=claimants,
        )  # fmt: skip

    def claim(self, version: int, *people: str, **changes: Any) -> str:
        """The newest snapshot, with these people."""
        event = ClaimChanged(claim_id=CLAIM, claim=self.snapshot_of(version, *people, **changes))
        return self.tell(topics.EARNINGS_CIRCUMSTANCES, CLAIM, event)

    def preferences(self, version: int = 1, **changes: Any) -> str:
        """How to reach p."""
        given: dict[str, Any] = {"channels_allowed": ("email",), "email": "p@example.test", "language": "en"} | changes
        event = ContactPreferences(claimant_id="p", version=version, from_=date(2026, 1, 1), **given)
        return self.tell(topics.CONTACT_PREFERENCES, CLAIM, event, topics.CONTACT_PREFERENCES)

    def case(self, event: type[msgspec.Struct], **fields: Any) -> str:
        """An event of p's case. Its id."""
        made = event(case_id=CASE, claim_id=CLAIM, claimant_id="p", **fields)
        self.tell(topics.PROGRESSION_CASE, CLAIM, made)
        return f"e{self.offset}"

    def undo(self, action: str, event_id: str) -> None:
        self.case(ActionUndone, action=action, event_id=event_id)

    def contact(self, channel: Any) -> None:
        self.case(ContactRequested, purpose="progression", contact_basis="voluntary", channel=channel, requested_by_role="coach")

    def booked(self, channel: Any = "face_to_face") -> Appointment:
        """p's appointment, accepted by them."""
        self.contact(channel)
        (offered,) = self.doc.appointments.values()
        work = self.service.work(Cause("accept", ""), NOW)
        appointments.book(work, self.setup, self.doc, offered)
        self.kept(self.service.keep(work.effects))
        self.send()
        return self.doc.appointments[offered.appointment_id]

    def send(self) -> list[str]:
        """Everything that is due goes to the provider, who takes it. The subjects."""
        subjects = []
        for message in self.doc.messages.values():
            work = self.service.work(Cause(f"begin-{message.message_id}", ""), NOW)
            begun = steps.begin(work, self.setup, CLAIM, message.message_id)
            self.kept(self.service.keep(work.effects))
            if isinstance(begun, Outgoing):
                subjects.append(begun.subject)
                work = self.service.work(Cause(f"record-{message.message_id}", ""), NOW)
                steps.record(work, self.setup, CLAIM, message.message_id, Accepted(message.message_id, "created"))
                self.kept(self.service.keep(work.effects))
        return subjects

    @property
    def doc(self) -> ClaimDoc:
        found: ClaimDoc = self.service.docs["claim", CLAIM]
        return found

    def bodies(self, kind: str) -> list[Any]:
        return [body for name, body in self.told if name == kind]


@pytest.fixture
def memory() -> Memory:
    """p and a partner on a claim, p with a case, contact details and a coach."""
    made = Memory()
    made.coach(1, HOME)
    made.claim(1, "p", "partner")
    made.preferences()
    made.case(CaseOpened, office_id=HOME, coach_id="own", flag_id="f")
    return made


@pytest.mark.parametrize(
    ("people", "changes", "subjects"),
    [
        (("partner",), {}, ["Your appointment is cancelled"]),
        (("p", "partner"), {"status": "closed"}, ["Your appointment is cancelled"]),
        (("p", "partner"), {"status": "suspended"}, ["Your appointment is cancelled"]),
        (("p", "partner"), {"dead": True}, []),
    ],
)
def test_whoever_has_an_appointment_is_told_that_it_is_cancelled_unless_they_died(
    memory: Memory, people: tuple[str, ...], changes: dict[str, Any], subjects: list[str]
) -> None:
    assert memory.booked().state == "booked"
    memory.contact("message")
    memory.claim(2, *people, **changes)
    assert [body["by"] for body in memory.bodies("AppointmentCancelled")] == ["system"]
    assert memory.send() == subjects, "the coach's message is stopped"


def test_a_contact_that_was_taken_back_counts_for_no_limit(memory: Memory) -> None:
    recorded = [memory.case(ContactRecorded, channel="phone", outcome="spoke") for _ in range(2)]
    memory.contact("message")
    assert memory.send() == [], "the burden cap is reached"
    memory.undo("ContactRecorded", recorded[0])
    memory.contact("message")
    assert len(memory.send()) == 1
    assert [contact.event_id for contact in memory.doc.contacts] == [recorded[1], None]


def test_a_hold_takes_an_exemptions_place_until_it_is_taken_back(memory: Memory) -> None:
    def sent() -> int:
        memory.contact("message")
        return len(memory.send())

    exempted = memory.case(CaseExempted, code="ill", until=date(2026, 9, 1))
    assert sent() == 0
    held = memory.case(CaseHeld, code="course", until=date(2026, 7, 1))
    assert sent() == 1
    later = memory.case(CaseHeld, code="course", until=date(2026, 8, 1))
    memory.undo("CaseHeld", later)
    assert sent() == 1
    memory.undo("CaseHeld", held)
    assert sent() == 0
    assert memory.bodies("MessageWithdrawn")[-1]["why"] == "case_exempt"
    memory.undo("CaseExempted", exempted)
    assert memory.doc.cases[CASE].exempt is False


@pytest.mark.parametrize("moves_first", [False, True])
def test_an_office_that_closes_puts_the_meetings_there_at_risk(memory: Memory, moves_first: bool) -> None:
    memory.office(1)
    appointment = memory.booked()
    if moves_first:
        memory.coach(2, "elsewhere")
    memory.office(2, active=False)
    memory.office(3, active=False)
    at_risk = [(body["appointment_id"], body["cause"]) for body in memory.bodies("AppointmentAtRisk")]
    assert at_risk == [(appointment.appointment_id, "office_closed")]


def test_a_coach_from_elsewhere_is_found_when_the_office_closes(memory: Memory) -> None:
    pattern = (Window(days=("thu",), from_="09:00", to="12:00", office_id=HOME),)
    memory.coach(2, "elsewhere")
    own = memory.service.docs["coach", "own"]
    memory.service.docs["coach", "own"] = msgspec.structs.replace(own, calendar=Calendar(pattern=pattern))
    memory.office(1)
    assert memory.booked().office_id == HOME
    memory.office(2, active=False)
    assert len(memory.bodies("AppointmentAtRisk")) == 1


def test_a_telephone_call_does_not_need_the_office(memory: Memory) -> None:
    memory.office(1)
    memory.booked("phone")
    memory.office(2, active=False)
    assert memory.bodies("AppointmentAtRisk") == []


def test_nothing_is_offered_at_a_closed_office(memory: Memory) -> None:
    memory.office(1, active=False)
    memory.contact("face_to_face")
    assert [body["would_help"] for body in memory.bodies("NoSlotFound")] == [["phone", "other_office"]]


def test_only_a_newer_snapshot_brings_an_erased_claim_back(memory: Memory) -> None:
    memory.claim(2, "p")
    memory.booked()
    memory.tell(topics.EARNINGS_CIRCUMSTANCES, CLAIM, ClaimErased(claim_id=CLAIM))
    nothing = ClaimDoc(claim_id=CLAIM, erased=True, erased_version=2)
    assert (memory.claim(2, "p"), memory.preferences(2)) == ("superseded", "superseded")
    memory.case(CaseOpened, office_id=HOME, coach_id="own", flag_id="f")
    assert memory.doc == nothing
    assert memory.claim(3, "p") == "applied"
    assert memory.preferences(2) == "applied"
    memory.case(CaseOpened, office_id=HOME, coach_id="own", flag_id="f")
    assert memory.booked().state == "booked"


def test_somebody_who_moves_to_a_claim_that_comes_back_brings_along_how_to_reach_them(memory: Memory) -> None:
    back = msgspec.structs.replace(memory.snapshot_of(1, "p"), claim_id="back")
    memory.tell(topics.EARNINGS_CIRCUMSTANCES, "back", ClaimChanged(claim_id="back", claim=back))
    memory.tell(topics.EARNINGS_CIRCUMSTANCES, "back", ClaimErased(claim_id="back"))

    def moves(version: int) -> ClaimDoc:
        claim = msgspec.structs.replace(back, version=version)
        event = ClaimantMoved(claim_id="back", claim=claim, claimant_id="p", from_claim_id=CLAIM, to_claim_id="back")
        memory.tell(topics.EARNINGS_CIRCUMSTANCES, "back", event)
        doc: ClaimDoc = memory.service.docs["claim", "back"]
        return doc

    assert moves(1) == ClaimDoc(claim_id="back", erased=True, erased_version=1)
    assert [item.claimant_id for item in moves(2).preferences] == ["p"]
