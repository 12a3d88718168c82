"""Model-based test: ten claims, two topics, chunks, commands, timers, bugs, releases, crashes and hand-overs, in any
order hypothesis likes, against a fold in memory. After every step the database must hold exactly what the fold says."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from toy import CIPHER, START, Added, Instruction, Log, ManualClock, Numbers, Toy, create_tables, prepare

from streaming import recovery
from streaming.database import connector
from streaming.errors import Gap, Parked
from streaming.records import PreparedChunk
from streaming.unit_of_work import Command, UnitOfWork
from streaming.work import Reply, Work

CLAIMS = [f"claim-{n}" for n in range(10)]
PLACES = [("toy.a", 0), ("toy.a", 1), ("toy.b", 0)]
MINUTES_LATER = 5


@dataclass
class Fold:
    """What ought to be: the same rules, in memory, one thing after another."""

    values: dict[str, list[int]] = field(default_factory=dict)
    published: dict[str, list[int]] = field(default_factory=dict)
    waiting: dict[str, list[Instruction]] = field(default_factory=dict)
    timers: list[tuple[int, str, int]] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    dead: int = 0
    offsets: dict[tuple[str, int], int] = field(default_factory=lambda: dict.fromkeys(PLACES, 0))

    def add(self, claim: str, n: int) -> None:
        self.values.setdefault(claim, []).append(n)
        self.published.setdefault(claim, []).append(n)

    def apply(self, instruction: Instruction | None, now: int, healed: bool) -> None:
        if instruction is None:
            self.dead += 1
        elif instruction.claim in self.waiting:
            self.waiting[instruction.claim].append(instruction)
        elif instruction.id in self.seen:
            pass
        elif instruction.do == "reject":
            self.dead += 1
        elif instruction.do == "bug" and not healed:
            self.waiting[instruction.claim] = [instruction]
        else:
            self.add(instruction.claim, instruction.n)
            if instruction.do == "later":
                self.timers.append((now + MINUTES_LATER, instruction.claim, -instruction.n))
            if instruction.id is not None:
                self.seen.add(instruction.id)

    def release(self, claim: str, now: int, healed: bool) -> None:
        for instruction in self.waiting.pop(claim):
            self.apply(instruction, now, healed)

    def fire(self, now: int) -> None:
        for due in sorted(self.timers):
            at, claim, n = due
            if at <= now and claim not in self.waiting:
                self.timers.remove(due)
                self.add(claim, n)


class ShellMachine(RuleBasedStateMachine):
    new_database: Callable[[], str]

    def __init__(self) -> None:
        super().__init__()
        self.url = type(self).new_database()
        self.numbers = itertools.count(1)
        self.minute = 0
        self.clock = ManualClock()
        self.log = Log()
        self.toy = Toy()
        self.fold = Fold()
        self.stale: list[PreparedChunk] = []
        self.sent: dict[str, tuple[str, int, Reply]] = {}

    @initialize()
    def begin(self) -> None:
        self.unit = self.new_worker()
        create_tables(self.unit.conn)
        for topic, partition in PLACES:
            self.unit.start(topic, partition, 0, "id")

    def new_worker(self) -> UnitOfWork:
        return UnitOfWork(self.toy.spec(), connector(self.url, "model"), self.clock, CIPHER)

    def teardown(self) -> None:
        if hasattr(self, "unit"):
            self.unit.close()

    @rule(
        place=st.sampled_from(PLACES),
        steps=st.lists(
            st.tuples(
                st.sampled_from(CLAIMS),
                st.sampled_from(["add", "add", "add", "later", "reject", "bug", "junk"]),
                st.sampled_from([None, None, "e1", "e2", "e3"]),
            ),
            min_size=1,
            max_size=8,
        ),
    )
    def produce(self, place: tuple[str, int], steps: list[tuple[str, str, str | None]]) -> None:
        for claim, do, event_id in steps:
            # an id names one event of one claim: the producer's duplicates have the same key
            scoped = f"{claim}:{event_id}" if event_id else None
            self.log.produce(*place, b"{" if do == "junk" else Instruction(claim, next(self.numbers), do, id=scoped))

    def _pending(self, place: tuple[str, int], limit: int) -> PreparedChunk:
        begin = self.fold.offsets[place]
        return prepare(self.toy.spec(), self.log.chunk(*place, begin, begin + limit))

    def _fold(self, chunk: PreparedChunk) -> None:
        for entry in chunk.entries:
            self.fold.apply(getattr(entry, "body", None), self.minute, self.toy.healed)
        self.fold.offsets[(chunk.chunk.topic, chunk.chunk.partition)] = chunk.chunk.end

    @rule(limits=st.lists(st.integers(1, 6), min_size=3, max_size=3))
    def apply_merged(self, limits: list[int]) -> None:
        chunks = [self._pending(place, limit) for place, limit in zip(PLACES, limits, strict=True)]
        self.unit.apply(chunks)
        for chunk in chunks:
            self._fold(chunk)
        self.stale = chunks

    @rule(place=st.sampled_from(PLACES))
    def crash_before_commit(self, place: tuple[str, int]) -> None:
        self.toy.crash = True
        with suppress(KeyboardInterrupt):  # an empty chunk writes nothing and so meets no crash point
            self.unit.apply([self._pending(place, 5)])
        self.toy.crash = False
        self.unit.close()
        self.unit = self.new_worker()

    @precondition(lambda self: self.stale)
    @rule()
    def a_zombie_delivers_again(self) -> None:
        zombie = self.new_worker()
        zombie.apply(self.stale)
        zombie.close()

    @rule(place=st.sampled_from(PLACES))
    def overlapping_delivery_after_a_rebalance(self, place: tuple[str, int]) -> None:
        begin = max(0, self.fold.offsets[place] - 2)
        whole = prepare(self.toy.spec(), self.log.chunk(*place, begin, self.fold.offsets[place] + 3))
        self.unit.apply([whole])
        self._fold(self._pending(place, 3))

    @rule(place=st.sampled_from(PLACES))
    def a_jump_ahead_is_refused(self, place: tuple[str, int]) -> None:
        begin = self.fold.offsets[place] + 1
        if len(self.log.parts.get(place, [])) > begin:
            with pytest.raises(Gap):
                self.unit.apply([prepare(self.toy.spec(), self.log.chunk(*place, begin))])

    @rule(claim=st.sampled_from(CLAIMS), repeat=st.booleans())
    def command(self, claim: str, repeat: bool) -> None:
        if repeat and self.sent:
            key, (claim, n, first) = next(iter(self.sent.items()))
            if claim in self.fold.waiting:
                return  # a replay is still answered, but whether parked or not is not this rule's subject
            assert self.unit.command(self._command(key, claim, n)) == first
            return
        n = next(self.numbers)
        key = f"k{n}"
        if claim in self.fold.waiting:
            with pytest.raises(Parked):
                self.unit.command(self._command(key, claim, n))
            return
        self.sent[key] = (claim, n, self.unit.command(self._command(key, claim, n)))
        self.fold.add(claim, n)

    def _command(self, key: str, claim: str, n: int) -> Command:
        def act(work: Work) -> Reply:
            doc = work.get("claim", claim) or Numbers()
            after = Numbers((*doc.values, n))
            work.put("claim", claim, after)
            work.emit("toy.out", claim, Added(claim, n, len(after.values)))
            return Reply(201, len(after.values))

        return Command("me", key, b"f", (("claim", claim),), act)

    @rule(minutes=st.integers(1, 12), limit=st.integers(1, 4))
    def time_passes(self, minutes: int, limit: int) -> None:
        self.minute += minutes
        self.clock.value = START + timedelta(minutes=self.minute)
        while self.unit.fire_due(limit):
            pass
        self.fold.fire(self.minute)

    @precondition(lambda self: self.fold.waiting)
    @rule(data=st.data(), healed=st.booleans())
    def release(self, data: st.DataObject, healed: bool) -> None:
        claim = data.draw(st.sampled_from(sorted(self.fold.waiting)))
        self.toy.healed = healed
        recovery.release(self.unit, ("claim", claim))
        self.fold.release(claim, self.minute, healed)
        while self.unit.fire_due():
            pass
        self.fold.fire(self.minute)
        self.toy.healed = False

    @invariant()
    def the_database_holds_what_the_fold_says(self) -> None:
        if not hasattr(self, "unit"):
            return
        conn = self.unit.conn
        docs = {
            key: list(msgspec.msgpack.decode(state, type=Numbers).values)
            for key, state in conn.execute("SELECT key, state FROM document WHERE state IS NOT NULL")
        }
        assert docs == self.fold.values
        counts = dict(conn.execute("SELECT claim, count FROM toy").fetchall())
        assert counts == {claim: len(values) for claim, values in self.fold.values.items()}
        published: dict[str, list[int]] = {}
        ids = []
        for key, event_id, value in conn.execute("SELECT key, id, value FROM outbox ORDER BY seq"):
            published.setdefault(key, []).append(msgspec.json.decode(value, type=Added).n)
            ids.append(event_id)
        assert published == self.fold.published
        assert len(ids) == len(set(ids))
        offsets = {(topic, part): at for topic, part, at in conn.execute("SELECT topic, part, next_offset FROM progress")}
        assert offsets == self.fold.offsets
        parked = dict(conn.execute("SELECT key, count(*) FROM parked_item GROUP BY key").fetchall())
        assert parked == {claim: len(items) for claim, items in self.fold.waiting.items()}
        assert conn.execute("SELECT count(*) FROM dead_letter").fetchone() == (self.fold.dead,)
        assert conn.execute("SELECT count(*) FROM due").fetchone() == (len(self.fold.timers),)


def test_any_interleaving_of_chunks_commands_timers_bugs_and_crashes_equals_the_fold(shell_database: Callable[[], str]) -> None:
    ShellMachine.new_database = staticmethod(shell_database)  # type: ignore[assignment]
    run_state_machine_as_test(
        ShellMachine,
        settings=settings(
            max_examples=40, stateful_step_count=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
        ),
    )
