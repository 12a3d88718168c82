"""The service's own handlers in memory, for tests of what it decides; the shell has tests of its own."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
from tests.support.memory_platform import MemoryService

from contracts import envelope, topics
from referrals import cases, consumers, main, moves, timers
from referrals.desk import KIND, Desk, Setup
from referrals.london import start_of
from referrals.model import Case, ClaimDoc, Flag, Person
from referrals.moves import Actor, Turn
from streaming.records import Cause, Record
from streaming.spec import Spec
from streaming.work import Outgoing

SETUP = main.setup()
COACH = Actor(role="coach", name="coach-1")


class Referrals:
    """Publish facts, let days pass, look at what left."""

    def __init__(self, today: date, setup: Setup = SETUP) -> None:
        self.setup = setup
        self.service = MemoryService(
            Spec(
                name="referrals",
                kinds=main.KINDS,
                topics=consumers.inbound(),
                handle=partial(consumers.handle, setup),
                fire=partial(timers.fire, setup),
            )
        )
        self.now = start_of(today) + timedelta(hours=6)
        self.published: list[Outgoing] = []
        self._numbers = itertools.count(1)

    def tell(self, *facts: msgspec.Struct, ce_id: str | None = None) -> None:
        """Events of the other services, in this order."""
        for fact in facts:
            topic = next(t.name for t in topics.TOPICS.values() if type(fact).__name__ in t.events and t.name in consumers.TOPICS)
            number = next(self._numbers)
            key: str = getattr(fact, "claim_id")  # noqa: B009
            headers = envelope.headers(
                id=ce_id or f"fact-{number}",
                type=type(fact).__name__,
                source="test",
                subject=key,
                time=self.now,
                partition_key=key,
                causation_id="test",
                correlation_id="test",
            )
            record = Record(topic, 0, number, 0, key.encode(), msgspec.json.encode(fact), tuple(headers))
            self.published += self.service.consume(record, self.now)
            assert self.service.outcomes[(topic, 0, number)] != "quarantined"
            self.published += self.service.fire(self.now)

    def go_to(self, day: date, *, by_day: bool = True) -> None:
        """Days pass one by one, or all at once as for a job that runs late."""
        target: datetime = start_of(day) + timedelta(hours=6)
        while self.now < target:
            self.now = min(target, self.now + timedelta(days=1)) if by_day else target
            self.published += self.service.fire(self.now)

    def move(self, claim_id: str, case_id: str, act: Any, *given: Any, by: Actor = COACH) -> None:
        """A person's move on a case."""
        self.act(claim_id, case_id, lambda at: moves.make(at, lambda turn: act(turn, *given)), by=by)

    def act(self, claim_id: str, case_id: str, act: Callable[[Turn], Any], by: Actor = COACH) -> None:
        """Anything that a person does on a case."""
        self._do(claim_id, lambda desk: act(Turn(desk, *self._found(desk, case_id), by)))

    def system(self, claim_id: str, act: Callable[[Desk, Person, Case], Any]) -> None:
        """Something that the service does with the newest case."""
        self._do(claim_id, lambda desk: act(desk, *self._found(desk, self._newest(desk))))

    def begin(self, claim_id: str, case_id: str) -> None:
        """The claimant takes part."""
        self._do(claim_id, lambda desk: cases.begun(desk, *self._found(desk, case_id), "AppointmentBooked"))

    def _do(self, claim_id: str, act: Callable[[Desk], Any]) -> None:
        work = self.service.work(Cause(f"command-{next(self._numbers)}", "test"), self.now)
        desk = Desk(work, claim_id, self.setup)
        act(desk)
        desk.save()
        self.published += self.service.keep(work.effects)
        self.published += self.service.fire(self.now)

    def _found(self, desk: Desk, case_id: str) -> tuple[Person, Case]:
        found = desk.doc.find_case(case_id)
        assert found is not None
        return found

    def _newest(self, desk: Desk) -> str:
        return max((case for one in desk.doc.people.values() for case in one.cases.values()), key=lambda c: c.opened_at).case_id

    def doc(self, claim_id: str) -> ClaimDoc:
        doc: ClaimDoc = self.service.docs[(KIND, claim_id)]
        return doc

    def flags(self, claim_id: str, claimant_id: str) -> dict[tuple[str, str], Flag]:
        """(rule, first day of its period) → flag."""
        doc = self.doc(claim_id)
        starts = {period.period_id: period.start.isoformat() for period in doc.periods.values()}
        return {(flag.rule_id, starts.get(flag.period_id, "gone")): flag for flag in doc.person(claimant_id).flags.values()}

    def cases(self, claim_id: str, claimant_id: str) -> list[Case]:
        return list(self.doc(claim_id).person(claimant_id).cases.values())

    def types(self, topic: str = "") -> list[str]:
        return [event.type for event in self.published if topic in event.topic]

    def bodies(self, kind: str) -> list[dict[str, Any]]:
        return [msgspec.json.decode(event.value) for event in self.published if event.type == kind]
