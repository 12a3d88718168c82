"""The unit of work on a real database: once, in order, all or nothing; bad records and bugs keep to themselves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from toy import CIPHER, Added, Instruction, Log, ManualClock, Numbers, Toy, create_tables, prepare

from streaming import dead_letters, documents, due, parking, recovery
from streaming.database import connector
from streaming.errors import Busy, Fatal, Gap, Infrastructure, Parked, Refused, StopLimit, UnknownSchema
from streaming.records import Cause
from streaming.session import Session
from streaming.spec import Kind
from streaming.unit_of_work import Command, Limits, UnitOfWork
from streaming.work import DueItem, Reply, Work


class Shell:
    """One database, one toy, as many units of work as a test wants."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.toy = Toy()
        self.clock = ManualClock()
        self.log = Log()
        self.spec = self.toy.spec()
        self.units: list[UnitOfWork] = []
        self.unit = self.new_unit()
        create_tables(self.unit.conn)
        for topic in self.spec.topics:
            for partition in (0, 1):
                self.unit.start(topic, partition, 0, "id")

    def new_unit(self, limits: Limits | None = None) -> UnitOfWork:
        unit = UnitOfWork(self.spec, connector(self.url, "test"), self.clock, CIPHER, limits)
        self.units.append(unit)
        return unit

    def produce(self, *instructions: Instruction | bytes, topic: str = "toy.a", partition: int = 0) -> None:
        for instruction in instructions:
            self.log.produce(topic, partition, instruction)

    def catch_up(self, unit: UnitOfWork | None = None, topic: str = "toy.a", partition: int = 0) -> None:
        unit = unit or self.unit
        begin = unit.positions([topic])[(topic, partition)].next_offset
        unit.apply([prepare(self.spec, self.log.chunk(topic, partition, begin))])

    def values(self, claim: str) -> tuple[int, ...]:
        doc = documents.read(self.unit.conn, self.spec, "claim", claim)
        return doc.values if doc else ()

    def published(self, claim: str) -> list[int]:
        rows = self.unit.conn.execute("SELECT value FROM outbox WHERE key = %s ORDER BY seq", (claim,))
        import msgspec

        return [msgspec.json.decode(value, type=Added).n for (value,) in rows]

    def outcomes(self) -> list[str]:
        return [row[0] for row in self.unit.conn.execute("SELECT outcome FROM journal ORDER BY topic, part, position")]


@pytest.fixture
def shell(shell_database: Callable[..., str]) -> Iterator[Shell]:
    made = Shell(shell_database())
    yield made
    for unit in made.units:
        unit.close()


def test_records_are_applied_in_order_with_their_events(shell: Shell) -> None:
    shell.produce(Instruction("A", 1), Instruction("B", 2), Instruction("A", 3))
    shell.catch_up()
    assert shell.values("A") == (1, 3)
    assert shell.published("A") == [1, 3]
    assert shell.published("B") == [2]
    assert shell.unit.positions(["toy.a"])[("toy.a", 0)].next_offset == 3


def test_a_chunk_delivered_again_changes_nothing(shell: Shell) -> None:
    shell.produce(Instruction("A", 1), Instruction("A", 2))
    chunk = prepare(shell.spec, shell.log.chunk("toy.a", 0, 0))
    shell.unit.apply([chunk])
    shell.unit.apply([chunk])
    assert shell.values("A") == (1, 2)
    assert shell.published("A") == [1, 2]


def test_a_chunk_partly_behind_is_trimmed(shell: Shell) -> None:
    shell.produce(Instruction("A", 1), Instruction("A", 2))
    shell.catch_up()
    shell.produce(Instruction("A", 3))
    shell.unit.apply([prepare(shell.spec, shell.log.chunk("toy.a", 0, 1))])
    assert shell.values("A") == (1, 2, 3)


def test_a_chunk_ahead_of_the_row_is_a_gap(shell: Shell) -> None:
    shell.produce(Instruction("A", 1), Instruction("A", 2))
    with pytest.raises(Gap, match="lag"):
        shell.unit.apply([prepare(shell.spec, shell.log.chunk("toy.a", 0, 1))])
    assert shell.values("A") == ()


def test_a_crash_before_the_commit_leaves_nothing(shell: Shell) -> None:
    shell.produce(Instruction("A", 1))
    shell.toy.crash = True
    with pytest.raises(KeyboardInterrupt):
        shell.catch_up()
    shell.toy.crash = False
    assert (shell.values("A"), shell.published("A")) == ((), [])
    shell.catch_up()
    assert (shell.values("A"), shell.published("A")) == ((1,), [1])


def test_a_batch_that_the_database_finds_too_long_is_applied_in_parts(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tried again whole it would fail for ever; the database cannot tell a busy worker from a frozen one."""
    handle = shell.spec.handle

    def slowly(work: Work, item: Any) -> None:
        time.sleep(0.02)
        handle(work, item)

    hasty = UnitOfWork(replace(shell.spec, handle=slowly), connector(shell.url, "test", 200), shell.clock, CIPHER)
    shell.units.append(hasty)
    shell.produce(*[Instruction(f"C{n % 3}", n) for n in range(40)])
    shell.catch_up(hasty)
    assert [shell.values(f"C{n}") for n in range(3)] == [tuple(range(n, 40, 3)) for n in range(3)]
    assert shell.published("C1") == list(range(1, 40, 3))
    assert shell.unit.positions(["toy.a"])[("toy.a", 0)].next_offset == 40


def test_due_items_that_the_database_finds_too_long_fire_in_parts(shell: Shell) -> None:
    fire = shell.spec.fire

    def slowly(work: Work, item: Any) -> None:
        time.sleep(0.02)
        fire(work, item)

    shell.produce(*[Instruction(f"T{n}", n + 1, "later") for n in range(30)])
    shell.catch_up()
    shell.clock.value += timedelta(hours=1)
    hasty = UnitOfWork(replace(shell.spec, fire=slowly), connector(shell.url, "test", 200), shell.clock, CIPHER)
    shell.units.append(hasty)
    fired = 0
    while some := hasty.fire_due():
        fired += some
    assert fired == 30


def test_two_workers_with_the_same_chunk_have_one_effect(shell: Shell) -> None:
    shell.produce(*[Instruction(f"C{n % 5}", n) for n in range(200)])
    chunk = prepare(shell.spec, shell.log.chunk("toy.a", 0, 0))
    run_all([lambda unit=shell.new_unit(): unit.apply([chunk]) for _ in range(4)])
    assert shell.values("C0") == tuple(range(0, 200, 5))
    assert shell.published("C0") == list(range(0, 200, 5))


def test_two_topics_that_make_the_same_new_claim_both_count(shell: Shell) -> None:
    for n in range(30):
        shell.produce(Instruction(f"N{n}", 1), topic="toy.a")
        shell.produce(Instruction(f"N{n}", 2), topic="toy.b")
    units = [shell.new_unit(), shell.new_unit()]
    run_all([lambda t=topic, u=unit: shell.catch_up(u, t) for topic, unit in zip(("toy.a", "toy.b"), units, strict=True)])
    for n in range(30):
        assert sorted(shell.values(f"N{n}")) == [1, 2]
        assert shell.published(f"N{n}") == list(shell.values(f"N{n}")), "outbox order is commit order"


def test_bytes_that_are_no_json_are_kept_and_neighbours_flow(shell: Shell) -> None:
    shell.produce(Instruction("A", 1), b"\xff\x00{", Instruction("A", 2, "reject"), Instruction("A", 3))
    shell.catch_up()
    assert shell.values("A") == (1, 3)
    assert [letter.reason for letter in dead_letters.listing(shell.unit.conn)] == ["not_json", "unwanted"]
    kept = dead_letters.fetch(shell.unit.conn, CIPHER, "toy.a", 0, 1)
    assert kept is not None
    assert kept.value == b"\xff\x00{"
    assert shell.outcomes() == ["applied", "quarantined", "quarantined", "applied"]


def test_a_dead_letter_is_used_after_mending_and_only_then(shell: Shell) -> None:
    shell.produce(Instruction("A", 7, "reject"))
    shell.catch_up()
    assert recovery.replay(shell.unit, "toy.a", 0, 0, dry_run=False) == recovery.Replayed("quarantined", "unwanted")
    accepting = shell.toy
    accepting.handle = lambda work, item: accepting._add(work, item.body.claim, item.body.n)  # type: ignore[method-assign]
    shell.spec = accepting.spec()
    mended = shell.new_unit()
    assert recovery.replay(mended, "toy.a", 0, 0, dry_run=True) == recovery.Replayed("used", None)
    assert shell.values("A") == ()
    assert recovery.replay(mended, "toy.a", 0, 0, dry_run=False) == recovery.Replayed("used", None)
    assert shell.values("A") == (7,)
    assert shell.outcomes() == ["applied"]
    assert dead_letters.listing(shell.unit.conn) == []


def test_a_bug_parks_its_claim_with_all_that_follows_until_released(shell: Shell) -> None:
    shell.produce(Instruction("A", 1, "bug"), Instruction("B", 2), Instruction("A", 3))
    shell.produce(Instruction("A", 4), topic="toy.b")
    shell.catch_up()
    shell.catch_up(topic="toy.b")
    assert (shell.values("A"), shell.values("B")) == ((), (2,))
    listed = parking.listing(shell.unit.conn)
    assert [(root.key, root.waiting) for root in listed] == [("A", 3)]
    assert "ZeroDivisionError at toy.py" in listed[0].error
    shell.toy.healed = True
    assert recovery.release(shell.unit, ("claim", "A")) == 3
    assert shell.values("A") == (1, 3, 4)
    assert parking.listing(shell.unit.conn) == []
    assert set(shell.outcomes()) == {"applied"}


def test_release_before_mending_parks_again_and_loses_nothing(shell: Shell) -> None:
    shell.produce(Instruction("A", 1, "bug"), Instruction("A", 2))
    shell.catch_up()
    recovery.release(shell.unit, ("claim", "A"))
    assert [(root.key, root.waiting) for root in parking.listing(shell.unit.conn)] == [("A", 2)]
    shell.toy.healed = True
    recovery.release(shell.unit, ("claim", "A"))
    assert shell.values("A") == (1, 2)


def test_a_record_that_reaches_for_a_parked_claim_waits_behind_it(shell: Shell) -> None:
    shell.produce(Instruction("A", 1, "bug"), Instruction("B", 2, "both", "A"), Instruction("B", 3))
    shell.catch_up()
    assert shell.values("B") == (3,)
    shell.toy.healed = True
    recovery.release(shell.unit, ("claim", "A"))
    assert (shell.values("A"), shell.values("B")) == ((1, 2), (3, 2))


@pytest.mark.parametrize("what", ["nul", "long", "huge"])
def test_a_value_that_cannot_be_written_parks_only_its_own_claim(shell: Shell, what: str) -> None:
    shell.produce(Instruction("A", 1), Instruction("B", 2, what), Instruction("C", 3), Instruction("B", 4))
    shell.catch_up()
    assert (shell.values("A"), shell.values("B"), shell.values("C")) == ((1,), (), (3,))
    assert [(root.key, root.waiting) for root in parking.listing(shell.unit.conn)] == [("B", 2)]


def test_more_parked_keys_than_the_limit_stop_the_worker(shell: Shell) -> None:
    unit = shell.new_unit(Limits(parked_roots_per_hour=2))
    shell.produce(*[Instruction(f"P{n}", n, "bug") for n in range(3)])
    with pytest.raises(StopLimit, match="parked list"):
        shell.catch_up(unit)


def test_dead_letters_in_a_row_stop_the_worker_and_a_good_record_starts_the_count_again(shell: Shell) -> None:
    unit = shell.new_unit(Limits(dead_letters_in_a_row=5))
    shell.produce(*[b"x"] * 4, Instruction("A", 1), *[b"x"] * 4)
    shell.catch_up(unit)
    shell.produce(b"x")
    with pytest.raises(StopLimit, match="dlq list"):
        shell.catch_up(unit)


def test_an_event_sent_twice_under_one_id_counts_once(shell: Shell) -> None:
    shell.produce(Instruction("A", 1, id="e1"), Instruction("A", 1, id="e1"))
    shell.catch_up()
    shell.produce(Instruction("A", 1, id="e1"))
    shell.catch_up()
    assert shell.values("A") == (1,)
    assert shell.outcomes() == ["applied", "duplicate", "duplicate"]


def test_timers_fire_in_order_of_their_time_however_late(shell: Shell) -> None:
    shell.produce(Instruction("A", 1, "later"))
    shell.catch_up()
    shell.clock.value += timedelta(minutes=1)
    shell.produce(Instruction("A", 2, "later"))
    shell.catch_up()
    assert shell.unit.fire_due() == 0
    shell.clock.value += timedelta(days=400)
    assert shell.unit.fire_due() == 2
    assert shell.values("A") == (1, 2, -1, -2)


def test_two_timer_workers_have_one_effect(shell: Shell) -> None:
    shell.produce(*[Instruction(f"T{n}", n + 1, "later") for n in range(40)])
    shell.catch_up()
    shell.clock.value += timedelta(hours=1)

    def drain(unit: UnitOfWork) -> None:
        while unit.fire_due(limit=7):
            pass

    run_all([lambda u=shell.new_unit(): drain(u) for _ in range(3)])
    for n in range(40):
        assert shell.values(f"T{n}") == (n + 1, -n - 1)
        assert shell.published(f"T{n}") == [n + 1, -n - 1]


def test_a_timer_set_by_a_timer_for_an_earlier_moment_fires_in_its_place(shell: Shell) -> None:
    base = shell.clock.now()

    def fire(work: Work, item: Any) -> None:
        shell.toy._add(work, "A", item.payload["n"])
        if item.payload["n"] == 1:
            work.schedule(DueItem("late", ("claim", "A"), base + timedelta(minutes=2), "x", {"n": 2}))

    shell.toy.fire = fire  # type: ignore[method-assign]
    shell.spec = shell.toy.spec()
    unit = shell.new_unit()

    def act(work: Work) -> Reply:
        work.schedule(DueItem("one", ("claim", "A"), base + timedelta(minutes=1), "x", {"n": 1}))
        work.schedule(DueItem("three", ("claim", "A"), base + timedelta(minutes=3), "x", {"n": 3}))
        return Reply()

    unit.internal([("claim", "A")], Cause("c", "c"), act)
    shell.clock.value += timedelta(minutes=10)
    while unit.fire_due():
        pass
    assert shell.values("A") == (1, 2, 3)
    assert due.count_due(unit.conn, shell.clock.now()) == 0


def test_a_timer_goes_along_to_another_claim(shell: Shell) -> None:
    at = shell.clock.now() + timedelta(minutes=5)

    def set_for(claim: str, *also: str) -> None:
        def act(work: Work) -> Reply:
            if also:
                work.cancel("one")
            work.schedule(DueItem("one", ("claim", claim), at, "x", {"n": 1}))
            return Reply()

        shell.unit.internal([("claim", name) for name in (claim, *also)], Cause("c", claim), act)

    set_for("A")
    set_for("B", "A")
    shell.clock.value += timedelta(minutes=6)
    assert shell.unit.fire_due() == 1
    assert (shell.values("A"), shell.values("B")) == ((), (1,))


def test_a_timer_set_again_for_the_same_moment_fires_once_as_it_was_set_last(shell: Shell) -> None:
    base = shell.clock.now()

    def fire(work: Work, item: Any) -> None:
        shell.toy._add(work, "A", item.payload["n"])
        if item.payload["n"] == 1:
            work.schedule(DueItem("two", ("claim", "A"), base + timedelta(minutes=2), "x", {"n": 3}))

    shell.toy.fire = fire  # type: ignore[method-assign]
    shell.spec = shell.toy.spec()
    unit = shell.new_unit()

    def act(work: Work) -> Reply:
        for minutes, name in enumerate(("one", "two"), 1):
            work.schedule(DueItem(name, ("claim", "A"), base + timedelta(minutes=minutes), "x", {"n": minutes}))
        return Reply()

    unit.internal([("claim", "A")], Cause("c", "c"), act)
    shell.clock.value += timedelta(minutes=10)
    while unit.fire_due():
        pass
    assert shell.values("A") == (1, 3)


def test_a_timer_whose_write_the_database_refuses_parks_its_own_claim_and_the_others_fire(shell: Shell) -> None:
    shell.produce(Instruction("A", 1, "later"), Instruction("B", 2, "later nul"), Instruction("C", 3, "later"))
    shell.catch_up()
    shell.clock.value += timedelta(minutes=6)
    while shell.unit.fire_due():
        pass
    assert (shell.values("A"), shell.values("B"), shell.values("C")) == ((1, -1), (2,), (3, -3))
    assert [root.key for root in parking.listing(shell.unit.conn)] == ["B"]
    assert due.count_due(shell.unit.conn, shell.clock.now()) == 0
    shell.toy.healed = True
    recovery.release(shell.unit, ("claim", "B"))
    while shell.unit.fire_due():
        pass
    assert shell.values("B") == (2, -2)


def test_timers_of_a_parked_claim_wait(shell: Shell) -> None:
    shell.produce(Instruction("A", 1, "later"), Instruction("A", 2, "bug"))
    shell.catch_up()
    shell.clock.value += timedelta(hours=1)
    assert shell.unit.fire_due() == 0
    assert due.count_due(shell.unit.conn, shell.clock.now()) == 0
    shell.toy.healed = True
    recovery.release(shell.unit, ("claim", "A"))
    assert shell.unit.fire_due() == 1
    assert shell.values("A") == (1, 2, -1)


def add_command(key: str | None, n: int, claim: str = "A", client: str = "me", fingerprint: bytes = b"f") -> Command:
    def act(work: Work) -> Reply:
        doc = work.get("claim", claim) or Numbers()
        after = Numbers((*doc.values, n))
        work.put("claim", claim, after)
        work.emit("toy.out", claim, Added(claim, n, len(after.values)))
        return Reply(201, {"count": len(after.values)}, {"etag": "x"})

    return Command(client, key, fingerprint, (("claim", claim),), act)


def test_a_command_repeated_with_its_key_gives_the_first_reply_and_one_effect(shell: Shell) -> None:
    first = shell.unit.command(add_command("k", 1))
    again = shell.new_unit().command(add_command("k", 1))
    assert first == again == Reply(201, {"count": 1}, {"etag": "x"})
    assert shell.values("A") == (1,)


def test_fifty_at_once_with_one_key_have_one_effect(shell: Shell) -> None:
    units = [shell.new_unit() for _ in range(10)]
    replies: list[Reply] = []
    run_all([lambda u=unit: replies.extend(u.command(add_command("k", 1)) for _ in range(5)) for unit in units])
    assert len(replies) == 50
    assert {reply.body["count"] for reply in replies} == {1}
    assert shell.published("A") == [1]


def test_no_update_is_lost_among_concurrent_commands(shell: Shell) -> None:
    units = [shell.new_unit() for _ in range(6)]
    run_all(
        [lambda u=unit, i=index: [u.command(add_command(f"{i}-{n}", n)) for n in range(25)] for index, unit in enumerate(units)]
    )
    assert len(shell.values("A")) == 150
    assert shell.published("A") == list(shell.values("A"))


def test_a_key_used_for_another_request_is_refused_and_another_client_has_its_own(shell: Shell) -> None:
    shell.unit.command(add_command("k", 1))
    with pytest.raises(Refused) as refused:
        shell.unit.command(add_command("k", 2, fingerprint=b"other"))
    assert (refused.value.status, refused.value.code) == (422, "idempotency-key-reused")
    shell.unit.command(add_command("k", 5, client="you"))
    assert shell.values("A") == (1, 5)


def test_keys_and_replies_are_forgotten_after_a_week(shell: Shell) -> None:
    for key in ("old", "new"):
        shell.unit.command(add_command(key, 1))
    shell.unit.conn.execute("UPDATE idempotency SET at = at - interval '8 days' WHERE key = 'old'")
    assert shell.new_unit().fire_due() == 0
    assert shell.unit.conn.execute("SELECT key FROM idempotency").fetchall() == [("new",)]


def test_commands_for_a_parked_claim_are_told_to_wait(shell: Shell) -> None:
    shell.produce(Instruction("A", 1, "bug"))
    shell.catch_up()
    with pytest.raises(Parked) as refused:
        shell.unit.command(add_command("k", 1))
    assert refused.value.status == 503
    shell.toy.healed = True
    recovery.release(shell.unit, ("claim", "A"))
    assert shell.unit.command(add_command("k", 2)).body == {"count": 2}


def test_a_command_behind_a_locked_claim_is_busy_not_stuck(shell: Shell) -> None:
    shell.unit.command(add_command("k", 1))
    with psycopg.connect(shell.url) as holder:
        holder.execute("SELECT 1 FROM document WHERE key = 'A' FOR UPDATE")
        with pytest.raises(Busy):
            shell.unit.command(add_command("k2", 2))
    assert shell.unit.command(add_command("k2", 2)).body == {"count": 2}


def test_a_document_that_another_transaction_moved_while_its_lock_was_waited_for_is_written_where_it_is_now(shell: Shell) -> None:
    shell.unit.command(add_command(None, 1))
    unit = shell.new_unit()
    with psycopg.connect(shell.url) as other:
        before = other.execute("SELECT ctid::text FROM document WHERE key = 'A' FOR UPDATE").fetchone()
        for _ in range(3):
            other.execute("UPDATE document SET version = version + 1 WHERE key = 'A'")
        waiting = threading.Thread(target=lambda: unit.command(add_command("k2", 2)))
        waiting.start()
        wait_until(lambda: waiting_for_locks(shell.unit.conn) >= 1)
        moved = other.execute("SELECT ctid::text FROM document WHERE key = 'A'").fetchone()
        other.commit()
        waiting.join(20)
    assert before != moved
    assert shell.values("A") == (1, 2)


def test_a_document_that_this_transaction_has_moved_since_it_was_locked_is_not_written_silently(shell: Shell) -> None:
    shell.unit.command(add_command(None, 1))

    def twice(session: Session) -> None:
        session.lock([("claim", "A")])
        for number in (2, 3):
            documents.save(session.conn, session.codec, {("claim", "A"): Numbers((number,))}, session.stored)

    with pytest.raises(Fatal, match="1 locked documents were to be written, 0 were"):
        shell.unit.transaction(twice)
    assert shell.values("A") == (1,)


def test_everything_linked_is_locked_however_long_the_chain_is(shell: Shell) -> None:
    spec = replace(
        shell.toy.spec(),
        kinds=(Kind("claim", Numbers), Kind("other", Numbers)),
        links=lambda kind, doc: [(kind, other) for other in doc.linked],
    )
    chain = [("claim", f"L{number:02}") for number in range(40)]
    docs = {root: Numbers(linked=tuple(key for _, key in chain[at + 1 : at + 2])) for at, root in enumerate(chain)}
    codec = documents.Codec(spec.kinds)
    with shell.unit.conn.transaction():
        documents.save(shell.unit.conn, codec, docs, {})
    with shell.unit.conn.transaction():
        session = Session(shell.unit.conn, spec, codec, CIPHER, shell.clock.now())
        session.lock(chain[:1])
    assert session.locked == session.stored.keys() == set(chain)


def test_a_deadlock_parks_nothing_and_both_sides_are_applied(shell: Shell) -> None:
    """Somebody else locks B then A while the chunk locks A then B: PostgreSQL breaks it; the chunk is redone."""
    shell.unit.command(add_command(None, 1, "A"))
    shell.unit.command(add_command(None, 1, "B"))
    shell.produce(Instruction("A", 2), Instruction("B", 3))
    unit = shell.new_unit()
    with psycopg.connect(shell.url) as other:
        other.execute("SET deadlock_timeout = '10s'")
        other.execute("SELECT 1 FROM document WHERE key = 'B' FOR UPDATE")
        results: list[str] = []

        def consume() -> None:
            while True:
                try:
                    shell.catch_up(unit)
                    return
                except Infrastructure as error:
                    results.append(str(error))

        thread = threading.Thread(target=consume)
        thread.start()
        wait_until(lambda: waiting_for_locks(shell.unit.conn) >= 1)
        other.execute("SELECT 1 FROM document WHERE key = 'A' FOR UPDATE")
        other.commit()
        thread.join(20)
    assert set(results) == {"database: DeadlockDetected"}, "once; more often on a slow machine"
    assert (shell.values("A"), shell.values("B")) == ((1, 2), (1, 3))
    assert parking.listing(shell.unit.conn) == []


def test_a_lost_connection_is_infrastructure_and_the_next_attempt_goes_on(shell: Shell) -> None:
    unit = shell.new_unit()
    unit.conn.execute("SELECT 1")
    shell.unit.conn.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
    shell.produce(Instruction("A", 1))
    with pytest.raises(Infrastructure):
        shell.catch_up(unit)
    shell.catch_up(unit)
    assert shell.values("A") == (1,)


def test_a_document_of_an_unknown_schema_stops_the_process(shell: Shell) -> None:
    shell.unit.command(add_command(None, 1))
    shell.unit.conn.execute("UPDATE document SET schema = 99")
    shell.produce(Instruction("A", 2))
    with pytest.raises(UnknownSchema, match="schema 99"):
        shell.catch_up(shell.new_unit())


def test_an_earlier_schema_is_upgraded_when_read(shell: Shell) -> None:
    from streaming.documents import Codec, Stored
    from streaming.spec import Kind

    codec = Codec([Kind("claim", Numbers, 2, {1: lambda old: {"values": old["numbers"]}})])
    import msgspec

    assert codec.decode("claim", Stored(1, 1, msgspec.msgpack.encode({"numbers": [4]}))) == Numbers((4,))


def run_all(jobs: list[Callable[[], Any]]) -> None:
    errors: list[BaseException] = []

    def guarded(job: Callable[[], Any]) -> None:
        try:
            job()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert not any(thread.is_alive() for thread in threads)


def waiting_for_locks(conn: Connection[Any]) -> int:
    row = conn.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone()
    assert row is not None
    return int(row[0])


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    event = threading.Event()
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        event.wait(0.02)
    raise AssertionError(f"not within {seconds} s")
