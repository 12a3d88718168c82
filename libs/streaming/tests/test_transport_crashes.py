"""Workers that are killed, join, leave or freeze: nothing is lost, nothing is done twice."""

from __future__ import annotations

import random
import signal

from rig import Rig, until

KEYS = 400


def numbered(name: str, count: int, start: int = 0) -> list[tuple[str, int]]:
    return [(f"{name}-{n % KEYS}", n) for n in range(start, start + count)]


def test_ten_random_kills_lose_and_double_nothing(rig: Rig) -> None:
    rig.consumes(a=8)
    rig.produce(rig.topics[0], numbered("a", 20_000), pad="." * 400)
    dice = random.Random(20260406)
    slow = {"merge_cap": 25, "fetch_max_bytes": 16384}
    workers = [rig.start(**slow), rig.start(**slow)]
    for _ in range(10):
        wanted = rig.consumed() + dice.randrange(1, 600)
        until(lambda: rig.consumed() >= wanted, 20, f"{wanted} consumed")  # noqa: B023
        at_work = [worker for worker in workers if '"consumer.assigned"' in worker.output()]
        victim = dice.choice(at_work)
        victim.kill()
        workers[workers.index(victim)] = rig.start(**slow)
    assert rig.consumed() < 20_000, "every kill must hit workers at work"
    rig.wait_consumed()
    rig.check()


def test_five_workers_share_topics_with_unequal_numbers_of_partitions(rig: Rig) -> None:
    rig.consumes(a=8, b=3, c=1)
    workers = [rig.start(merge_cap=100) for _ in range(5)]
    for name, topic in zip("abc", rig.topics, strict=True):
        rig.produce(topic, numbered(name, 1500))
    for worker in workers:
        worker.says("consumer.assigned")
    rig.wait_consumed()
    assert workers[1].stop() == 0
    workers[3].kill()
    for name, topic in zip("abc", rig.topics, strict=True):
        rig.produce(topic, numbered(name, 1500, 1500))
    rig.wait_consumed()
    rig.check()


def test_a_worker_frozen_beyond_its_session_is_fenced_when_it_wakes(rig: Rig) -> None:
    rig.consumes(a=4)
    zombie = rig.start(merge_cap=25, fetch_max_bytes=16384)
    rig.produce(rig.topics[0], numbered("a", 10_000), pad="." * 200)
    until(lambda: rig.consumed() > 500, 20, "some records consumed")
    zombie.signal(signal.SIGSTOP)
    frozen_at = rig.consumed()
    rig.start()
    rig.wait_consumed()
    assert frozen_at < 10_000
    zombie.signal(signal.SIGCONT)
    zombie.says('"consumer.assigned"')
    rig.produce(rig.topics[0], numbered("a", 2_000, 10_000))
    rig.wait_consumed()
    assert zombie.running()
    rig.check()


def test_a_worker_frozen_in_the_middle_of_a_transaction_does_it_again_when_it_wakes(rig: Rig) -> None:
    """The database ends the session of a client that is silent within a transaction: its offset row must not stay locked."""
    rig.consumes(a=1)
    rig.produce(rig.topics[0], [("k1", 1)])
    worker = rig.start()
    rig.wait_consumed()
    sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND"
    with rig.connect() as conn, conn.transaction():
        conn.execute("SELECT 1 FROM document WHERE key = 'k1' FOR UPDATE")
        rig.produce(rig.topics[0], [("k1", 2)])
        until(lambda: rig.rows(f"{sessions} wait_event_type = 'Lock'") == [(1,)], 20, "the worker to wait for the row")
        worker.signal(signal.SIGSTOP)
    until(lambda: rig.rows(f"{sessions} state = 'idle in transaction'") == [(1,)], 10, "its transaction to go on alone")
    until(lambda: rig.rows(f"{sessions} state = 'idle in transaction'") == [(0,)], 10, "its session to be ended")
    worker.signal(signal.SIGCONT)
    rig.wait_consumed()
    assert worker.running()
    rig.check()


def test_sigterm_in_the_middle_of_work_ends_well_and_at_once(rig: Rig) -> None:
    rig.consumes(a=4)
    rig.produce(rig.topics[0], numbered("a", 8_000), pad="." * 200)
    worker = rig.start(merge_cap=25, fetch_max_bytes=16384)
    until(lambda: rig.consumed() > 200, 20, "some records consumed")
    assert worker.stop(8) == 0, worker.output()
    assert rig.consumed() < 8_000
    rig.start()
    rig.wait_consumed()
    rig.check()
