"""A claimant accepts while the offer's message is on its way: at every moment, the confirmation goes out."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from tests.support.memory_platform import MemoryService

from contracts import envelope, topics
from contracts.earnings import Claim, ClaimClaimant, ClaimOpened
from contracts.reference import CoachChanged, OfficeChanged, WeeklyHours
from contracts.referrals import CaseOpened, ContactRequested
from contracts.upstream import ContactPreferences
from notifications import policy, timers
from notifications.acts import appointments
from notifications.acts.documents import claim
from notifications.consumers.handle import handle
from notifications.consumers.prepare import prepare
from notifications.main import CONSUMED, KINDS
from notifications.model import ClaimDoc, Message
from notifications.senders import steps
from notifications.senders.provider import Accepted, Answer, Away, Found, NotThere, Outgoing, Unknown
from notifications.setup import Setup
from streaming.crypto import FieldCipher
from streaming.records import Cause, Record
from streaming.spec import Spec
from streaming.work import Work

NOW = datetime(2026, 6, 1, 9, 30, tzinfo=UTC)
SETUP = Setup(policy=policy.current(), cipher=FieldCipher("A" * 43 + "="))
TAKEN = Accepted("n-1", "sending")


class Sending:
    """The service in memory, with an offer made, and a sender whose provider answers as told."""

    def __init__(self, answers: Sequence[tuple[Answer, Sequence[Found]]]) -> None:
        self.answers = iter(answers)
        self.numbers = itertools.count(1)
        self.service = MemoryService(
            Spec(
                name="notifications",
                kinds=KINDS,
                topics=dict.fromkeys(CONSUMED, prepare),
                handle=partial(handle, SETUP),
                fire=partial(timers.fire, SETUP),
            )
        )
        weekdays = (WeeklyHours(days=("mon", "tue", "wed", "thu", "fri"), from_="09:00", to="17:00"),)
        office = {"name": "O", "nation": "england", "district": "N", "rooms": {"desk": 5}, "nearby": ()}
        self._tell(topics.PROGRESSION_REFERENCE, OfficeChanged(office_id="o", version=1, opening=weekdays, **office))  # type: ignore[arg-type]
        coach = {"active": True, "trained_in_work": True, "minutes_per_day": 370}
        self._tell(topics.PROGRESSION_REFERENCE, CoachChanged(coach_id="k", version=1, offices=("o",), **coach))  # type: ignore[arg-type]
        person = ClaimClaimant(claimant_id="p", coach_id="k", office_id="o", self_employed=False, dead=False, nino_known=True)
        days: dict[str, Any] = {"entitlement_date": date(2026, 1, 1), "payment_day": 7, "couple": False}
        snapshot = Claim(claim_id="c", version=1, status="open", claimants=(person,), **days)
        self._tell(topics.EARNINGS_CIRCUMSTANCES, ClaimOpened(claim_id="c", claim=snapshot))
        reach: dict[str, Any] = {"channels_allowed": ("email",), "email": "p@example.test", "language": "en"}
        self._tell(
            topics.CONTACT_PREFERENCES,
            ContactPreferences(claimant_id="p", version=1, from_=date(2026, 1, 1), **reach),
            topics.CONTACT_PREFERENCES,
        )
        about = {"case_id": "case", "claim_id": "c", "claimant_id": "p"}
        self._tell(topics.PROGRESSION_CASE, CaseOpened(**about, office_id="o", coach_id="k", flag_id="f"))
        wanted: dict[str, Any] = {"contact_basis": "voluntary", "channel": "face_to_face", "requested_by_role": "coach"}
        self._tell(topics.PROGRESSION_CASE, ContactRequested(**about, purpose="progression", **wanted))

    def _tell(self, topic: str, event: msgspec.Struct, type_: str | None = None) -> None:
        number = next(self.numbers)
        headers = envelope.headers(
            id=f"e-{number}", type=type_ or type(event).__name__, source="test", subject="c", time=NOW, partition_key="c",
            causation_id="t", correlation_id="t",
        )  # fmt: skip
        self.service.consume(Record(topic, 0, number, 0, b"c", msgspec.json.encode(event), tuple(headers)), NOW)
        assert self.service.outcomes[(topic, 0, number)] == "applied"

    def doc(self) -> ClaimDoc:
        doc: ClaimDoc = self.service.docs[("claim", "c")]
        return doc

    def message(self, template: str) -> Message:
        return next(message for message in self.doc().messages.values() if message.template == template)

    def act(self, do: Callable[[Work], Any], now: datetime = NOW) -> Any:
        work = self.service.work(Cause(f"act-{next(self.numbers)}", "t"), now)
        result = do(work)
        self.service.keep(work.effects)
        return result

    def accept(self) -> None:
        [offered] = self.doc().appointments.values()
        self.act(lambda work: appointments.book(work, SETUP, claim(work, "c"), offered))

    def send(self, message_id: str, now: datetime = NOW) -> Any:
        """One turn of the sender for one message, transaction by transaction."""
        begun = self.act(partial(steps.begin, setup=SETUP, claim_id="c", message_id=message_id), now)
        yield
        found: Sequence[Found] = ()
        if isinstance(begun, Outgoing):
            answer, found = next(self.answers, (TAKEN, ()))
            yield
            self.act(partial(steps.record, setup=SETUP, claim_id="c", message_id=message_id, answer=answer), now)
            yield
        if isinstance(begun, steps.LookUp) or found:
            for answer in found or (TAKEN,):
                look = partial(steps.record_look_up, setup=SETUP, claim_id="c", message_id=message_id, found=answer, settle_s=1.0)
                self.act(look, now)
                yield


PROVIDERS: dict[str, Sequence[tuple[Answer, Sequence[Found]]]] = {
    "takes it": [(TAKEN, ())],
    "is away": [(Away("503"), ())],
    "times out and has it": [(Unknown(), (TAKEN,))],
    "times out and has nothing": [(Unknown(), (NotThere(), NotThere()))],
}


@pytest.mark.parametrize("moment", range(6))
@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_confirmation_goes_out_whenever_the_claimant_accepts(provider: str, moment: int) -> None:
    made = Sending(PROVIDERS[provider])
    offer = made.message("appointment-offer")
    place = 0
    for _ in made.send(offer.message_id):
        if place == moment - 1:
            made.accept()
        place += 1
    if moment == 0 or moment > place:
        made.accept()
    assert made.message("appointment-booked").due_at == NOW
    later = NOW + timedelta(minutes=5)
    for _ in range(3):
        for message in [message for message in made.doc().messages.values() if message.due_at is not None]:
            list(made.send(message.message_id, later))
    assert made.message("appointment-booked").state == "sent"
    assert made.message("appointment-offer").state in ("sent", "withdrawn")
    assert [message.message_id for message in made.doc().messages.values() if message.due_at is not None] == []


def test_waiting_for_a_provider_that_is_away_for_days_stays_at_half_a_minute() -> None:
    assert [steps.back_off_s(attempts) for attempts in (0, 1, 2, 5, 6, 5_000)] == [1, 1, 2, 16, 30, 30]
