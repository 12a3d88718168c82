"""One thing that is stuck or away: what goes on, what waits, and what health says."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from psycopg import errors
from rig import Rig, until

from streaming.unit_of_work import is_infrastructure

STARTS, ASKING = 3, 4


def test_a_key_service_that_is_down_holds_its_topic_while_the_others_flow(rig: Rig) -> None:
    rig.consumes(encrypted=8, plain=4)
    encrypted, plain = rig.topics
    down = rig.home / "keys-are-down"
    down.touch()
    worker = rig.start(tally_keys_down=f"{encrypted}={down}")
    worker.says("consumer.assigned")
    for batch in range(12):  # more chunks than every queue on the way can hold
        rig.produce(encrypted, [(f"e{n % 50}", n) for n in range(batch * 100, batch * 100 + 100)])
    rig.produce(plain, [(f"p{n % 50}", n) for n in range(1000)])

    def consumed(topic: str) -> int:
        return sum(at for (name, _), at in rig.offsets().items() if name == topic)

    until(lambda: consumed(plain) == 1000, 10, "the other topic consumed")
    rig.produce(plain, [("p1", 1000)])
    until(lambda: consumed(plain) == 1001, 2, "the other topic consumed promptly")
    assert consumed(encrypted) == 0
    status, body = worker.health("ready")
    assert status == 503
    assert f"prepare {encrypted}[" in body
    assert "data key service" in body
    assert worker.health("live")[0] == 200
    assert rig.rows("SELECT count(*) FROM dead_letter") == [(0,)]
    down.unlink()
    rig.wait_consumed(20)
    assert worker.health("ready")[0] == 200
    rig.check()


def test_a_locked_claim_row_fails_liveness_within_its_limit_and_recovers(rig: Rig) -> None:
    rig.consumes(a=1)
    rig.produce(rig.topics[0], [("k1", 1)])
    worker = rig.start(stuck_after_s=1.5)
    rig.wait_consumed()
    assert worker.health("live")[0] == 200
    with rig.connect() as conn, conn.transaction():
        conn.execute("SELECT 1 FROM document WHERE key = 'k1' FOR UPDATE")
        rig.produce(rig.topics[0], [("k1", 2)])
        until(lambda: worker.health("live")[0] == 503, 5, "liveness to fail")
        assert "lane-0 has not finished" in worker.health("live")[1]
    until(lambda: worker.health("live")[0] == 200, 5, "liveness to recover")
    rig.wait_consumed()
    rig.check()


def test_a_database_that_is_away_is_waited_for_and_not_called_stuck(rig: Rig) -> None:
    rig.consumes(a=2)
    rig.produce(rig.topics[0], [("k1", 1)])
    worker = rig.start(stuck_after_s=1)
    rig.wait_consumed()
    name = rig.url.split("/")[3].split("?")[0]
    with rig.administer() as conn:
        conn.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')  # type: ignore[arg-type]
        conn.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        rig.produce(rig.topics[0], [("k1", 2)])
        until(lambda: worker.health("ready")[0] == 503, 10, "readiness to fail")
        until(lambda: "lane-0: database" in worker.health("ready")[1], 10, "the lane to say why")
        assert worker.health("live")[0] == 200
        conn.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')  # type: ignore[arg-type]
    rig.wait_consumed(20)
    until(lambda: worker.health("ready")[0] == 200, 10, "readiness to recover")
    rig.check()


def test_a_worker_whose_chunks_get_lost_on_the_way_says_so_and_ends_and_the_next_one_misses_nothing(rig: Rig) -> None:
    rig.consumes(a=2)
    rig.produce(rig.topics[0], [(f"k{n % 20}", n) for n in range(100)])
    worker = rig.start("worker-loses")
    assert worker.wait(40) == 1
    assert "has not come through" in worker.output()
    assert rig.consumed() == 0
    rig.start()
    rig.wait_consumed()
    rig.check()


def test_a_worker_that_finds_its_places_late_reads_on_all_the_same(rig: Rig) -> None:
    rig.consumes(a=2)
    rig.produce(rig.topics[0], [(f"k{n % 20}", n) for n in range(100)])
    rig.start("worker-late")
    rig.wait_consumed(30)
    rig.check()


def test_timers_fire_while_nothing_else_happens(rig: Rig) -> None:
    rig.consumes(timers=2, a=1)
    rig.start(tally_timer_topic=rig.topics[0])
    rig.produce(rig.topics[0], [(f"t{n}", n) for n in range(30)])
    rig.expected.clear()
    until(lambda: sum(tally.fired for tally in rig.state().values()) == 30, 15, "every timer fired")
    assert {tally.fired for tally in rig.state().values()} == {1}
    assert rig.rows("SELECT count(*) FROM due") == [(0,)]


def test_two_workers_fire_a_timer_once(rig: Rig) -> None:
    rig.consumes(timers=4)
    for worker in [rig.start(tally_timer_topic=rig.topics[0]) for _ in range(2)]:
        worker.says("consumer.assigned")
    rig.produce(rig.topics[0], [(f"t{n % 40}", n) for n in range(400)])
    until(lambda: sum(tally.fired for tally in rig.state().values()) >= 400, 20, "every timer fired")
    assert {key: tally.fired for key, tally in rig.state().items()} == {f"t{n}": 10 for n in range(40)}


@pytest.mark.parametrize(
    ("error", "waits"),
    [
        (errors.OperationalError(), True),
        (errors.AdminShutdown(), True),
        (errors.LockNotAvailable(), True),
        (errors.DeadlockDetected(), True),
        (errors.IdleInTransactionSessionTimeout(), True),
        (errors.ReadOnlySqlTransaction(), True),
        (errors.DiskFull(), True),
        (errors.UniqueViolation(), False),
        (errors.UntranslatableCharacter(), False),
        (errors.UndefinedTable(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_the_database_says_is_waited_for_or_is_ours_to_mend(error: errors.Error, waits: bool) -> None:
    assert is_infrastructure(error) is waits


def test_being_asked_all_the_time_while_it_starts_does_not_keep_a_worker_from_starting(rig: Rig) -> None:
    """Faust makes its consumer when it is first asked for, in the thread that asks."""
    rig.consumes(a=1)
    rig.produce(rig.topics[0], [("a", 1)])
    for _ in range(STARTS):
        worker = rig.start()
        worker.says("health_port")
        with ThreadPoolExecutor(ASKING) as threads:
            list(threads.map(lambda _: worker.health("live"), range(ASKING * 40)))  # noqa: B023
        until(lambda: worker.health("ready")[0] == 200, 20, "the worker is ready")  # noqa: B023
        assert worker.stop() == 0
    rig.start()
    rig.wait_consumed()
    rig.check()
