"""The offset row decides where to read; a log that no longer fits it stops the worker with what to do."""

from __future__ import annotations

import time

from confluent_kafka import Producer
from rig import Rig, until


def consumed_once(rig: Rig, count: int = 300) -> None:
    rig.produce(rig.topics[0], [(f"k{n % 10}", n) for n in range(count)])
    worker = rig.start()
    rig.wait_consumed()
    assert worker.stop() == 0


def test_records_deleted_before_they_were_consumed_stop_the_worker(rig: Rig) -> None:
    rig.consumes(a=1)
    consumed_once(rig)
    rig.produce(rig.topics[0], [(f"k{n % 10}", n) for n in range(50)])
    rig.delete_records(rig.topics[0], 0, 320)
    worker = rig.start()
    assert worker.wait(20) == 1
    assert "20 records from offset 300 were deleted before they were consumed" in worker.output()
    assert f"positions reset --topic {rig.topics[0]} --partition 0" in worker.output()
    assert rig.offsets() == {(rig.topics[0], 0): 300}
    reset = rig.start(f"positions reset --topic {rig.topics[0]} --partition 0 --yes")
    assert reset.wait(20) == 0, reset.output()
    rig.start()
    rig.wait_consumed()
    assert sum(tally.count for tally in rig.state().values()) == 330
    assert rig.rows("SELECT action FROM audit") == [("positions.reset",)]


def test_records_deleted_behind_the_position_are_no_matter(rig: Rig) -> None:
    rig.consumes(a=1)
    consumed_once(rig)
    rig.delete_records(rig.topics[0], 0, 300)
    rig.start()
    rig.produce(rig.topics[0], [("k1", 7)])
    rig.wait_consumed()
    rig.check()


def test_a_topic_created_again_under_its_name_stops_the_worker(rig: Rig) -> None:
    rig.consumes(a=1)
    consumed_once(rig, 5)
    rig.delete(rig.topics[0])
    rig.consumes(a=1)
    rig.produce(rig.topics[0], [("k1", n) for n in range(10)])
    worker = rig.start()
    assert worker.wait(20) == 1
    assert f"topic {rig.topics[0]} was deleted and created again" in worker.output()
    assert "positions reset" in worker.output()


def test_records_deleted_ahead_of_a_running_worker_stop_it(rig: Rig) -> None:
    """The key service is down meanwhile, so the partition is not fetched while retention passes it by."""
    rig.consumes(a=1)
    consumed_once(rig, 10)
    down = rig.home / "keys-are-down"
    down.touch()
    worker = rig.start(tally_keys_down=f"{rig.topics[0]}={down}", fetch_max_bytes=16384)
    worker.says("consumer.assigned")
    for batch in range(40):  # one record batch each, more than is fetched ahead
        rig.produce(rig.topics[0], [("k1", n) for n in range(batch * 10, batch * 10 + 10)], pad="." * 1000)
    until(lambda: worker.health("ready")[0] == 503, 10, "the worker to wait for the key service")
    rig.delete_records(rig.topics[0], 0, 409)
    down.unlink()
    assert worker.wait(30) == 1, worker.output()
    assert "no longer holds what is next" in worker.output() or "were deleted before" in worker.output()


def test_partitions_added_before_a_start_are_read_from_their_beginning(rig: Rig) -> None:
    rig.consumes(a=2)
    consumed_once(rig)
    rig.add_partitions(rig.topics[0], 4)
    rig.produce(rig.topics[0], [(f"new{n}", n) for n in range(100)])
    assert all(end > 0 for end in rig.ends().values()), "every partition gets some"
    rig.start()
    rig.wait_consumed(30)
    rig.check()


def test_a_missing_topic_is_named_at_the_start(rig: Rig) -> None:
    rig.consumes(a=1)
    rig.topics.append(f"{rig.prefix}.nowhere")
    worker = rig.start()
    assert worker.wait(20) == 1
    assert f"topics are missing: {rig.prefix}.nowhere; create them with" in worker.output()


def test_a_second_worker_with_the_same_instance_id_exits_and_the_first_goes_on(rig: Rig) -> None:
    rig.consumes(a=2)
    first = rig.start(instance_id="tally-1")
    first.says("consumer.assigned")
    second = rig.start(instance_id="tally-1")
    assert second.wait(20) == 1
    assert f"another worker of {rig.prefix} runs as tally-1" in second.output()
    rig.produce(rig.topics[0], [("k1", 1)])
    rig.wait_consumed()
    assert first.running()
    rig.check()


def test_a_killed_worker_is_replaced_within_seconds(rig: Rig) -> None:
    """Static membership: the successor does not wait for the dead member's session to end."""
    rig.consumes(a=4)
    first = rig.start(session_timeout_s=20)
    rig.produce(rig.topics[0], [("k1", 1)])
    rig.wait_consumed()
    first.kill()
    rig.produce(rig.topics[0], [("k1", 2)])
    began = time.monotonic()
    rig.start(session_timeout_s=20)
    rig.wait_consumed(15)
    assert time.monotonic() - began < 10


def test_aborted_records_and_markers_move_the_offset_row_too(rig: Rig) -> None:
    rig.consumes(a=1)
    producer = Producer({"bootstrap.servers": rig.bootstrap, "transactional.id": f"{rig.prefix}-abort"})
    producer.init_transactions(10)
    producer.begin_transaction()
    producer.produce(rig.topics[0], key="k1", value=b"never to be seen")
    producer.flush(10)
    producer.abort_transaction(10)
    worker = rig.start()
    worker.says("consumer.assigned")
    rig.wait_consumed(15)
    assert rig.offsets() == {(rig.topics[0], 0): 2}
    assert rig.state() == {}
