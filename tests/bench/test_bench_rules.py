"""The feeds of the rules' benchmark make the rules work, both contenders are held to the same facts, and the gates say so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, cast

import msgspec
import pytest
from bench.measure import Result, WrongResult
from bench.rules import earnings_feed, facts, progression_feed, report
from bench.rules.alone import Memory
from bench.rules.feed import NOW, Message, records
from bench.rules.past import Past
from bench.rules.run import Measured, Run

from contracts.earnings import PaymentAttributed, PeriodAssessed
from earnings.cli import documented as earnings_settings
from earnings.main import build_intake
from earnings.main import build_spec as earnings_spec
from referrals.cli import documented as referrals_settings
from referrals.main import build_spec as referrals_spec
from streaming.records import Prepared, Record
from streaming.spec import Spec


class PastInMemory:
    """Takes in what happened before, without a database; timers do not fire."""

    def __init__(self, spec: Spec) -> None:
        self.memory = Memory(spec)
        self.now = NOW
        self._written: Counter[str] = Counter()

    def records(self, topic: str, messages: Any) -> list[Record]:
        return list(records(topic, 1000, self._written[topic], messages))

    def publish(self, topic: str, messages: Any) -> None:
        self.take_in(topic, self.memory.spec.topics[topic](self.records(topic, messages)))

    def take_in(self, topic: str, entries: Sequence[Prepared]) -> None:
        self.memory.handle_all(entries, self.now)
        self._written[topic] += len(entries)

    def wait_until(self, now: Any) -> None:
        self.now = now


def play(memory: Memory, topic: str, feed: Iterator[Message]) -> list[list[str]]:
    """Types of the events that each record of the feed causes."""
    told = []
    for entry in memory.spec.topics[topic](list(records(topic, 0, 0, feed))):
        memory.sent.clear()
        memory.handle(entry, NOW)
        told.append([event.type for event in memory.sent])
    return told


def test_nineteen_of_twenty_wages_only_find_their_place_and_one_is_late() -> None:
    settings = earnings_settings()
    know = PastInMemory(earnings_spec(settings))
    earnings_feed.past(cast("Past", know), build_intake(settings), 80)
    told = play(know.memory, earnings_feed.TOPIC, earnings_feed.measured(80))
    placed, assessed = PaymentAttributed.__name__, PeriodAssessed.__name__
    assert [types for place, types in enumerate(told, 1) if place % 20] == [[placed]] * 76
    assert all(placed in types and assessed in types for types in told[19::20])
    assert set(know.memory.outcomes[-80:]) == {"applied"}


def test_every_assessment_is_judged_on_the_whole_course() -> None:
    know = PastInMemory(referrals_spec(referrals_settings()))
    progression_feed.past(cast("Past", know), 90)
    before = know.memory.docs["claim", "claim-0"]
    assert len(before.periods) == progression_feed.PERIODS - 1
    told = play(know.memory, progression_feed.TOPIC, progression_feed.measured(90))
    assert set(know.memory.outcomes) == {"applied"}
    after = know.memory.docs["claim", "claim-0"]
    assert [period.version for period in after.periods.values()] == [1, 1, 1, 1, 1, progression_feed.VERSIONS]
    assert "FlagPlanned" in {kind for types in told for kind in types}


def test_a_feed_is_the_same_every_time() -> None:
    for feed in (earnings_feed.measured, progression_feed.measured):
        assert list(feed(60)) == list(feed(60))


def test_a_difference_stops_the_benchmark() -> None:
    first = {"documents": facts.Fact(2, "a"), "outbox": facts.Fact(1, "b")}
    facts.compare("shell", dict(first), first)
    with pytest.raises(WrongResult, match=r"outbox \(1 and 1 rows\)"):
        facts.compare("shell", {**first, "outbox": facts.Fact(1, "c")}, first)


@pytest.mark.parametrize(("rate", "client", "met"), [(500.0, 45.0, [True, True]), (390.0, 49.1, [False, False])])
def test_two_gates_for_each_service(rate: float, client: float, met: list[bool]) -> None:
    def turns(events_s: float, us: float) -> list[Run]:
        spent = {"client": us, "postgresql": 5.0, "kafka": 1.0}
        return [Run(Result("it", "rules", 1000, events_s, spent, 2.0, 100.0), 800.0)]

    one = Measured(1000, turns(rate, client), turns(1000.0, 30.0), {"prepare": 3.0, "handle": 7.0}, {"outbox": 5})
    made = report.build({"earnings rules": one}, [run.result for run in turns(50_000.0, 9.0)])
    assert [gate["met"] for gate in made["gates"]] == met
    msgspec.json.encode(made)
