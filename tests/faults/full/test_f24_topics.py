"""F24: Kafka forgets offsets, a topic is made anew, records expire before they were read, partitions are added."""

from __future__ import annotations

from collections.abc import Callable

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic  # type: ignore[attr-defined]
from tests.faults.full.run import Run
from tests.faults.reading import rows
from tests.faults.sending import Outbound
from tests.faults.stage import until

from contracts import topics
from contracts.topics import TOPICS
from devstack.layout import SERVICES

TOPIC = topics.CONTACT_PREFERENCES
READER = "notifications"
WORKER = "notifications-worker"
MORE = 6
"""Partitions in the end; there were four."""


def admin(run: Run) -> AdminClient:
    return AdminClient({"bootstrap.servers": run.theatre.stage.bootstrap, "log_level": 0})


def settled(question: Callable[[], object]) -> bool:
    """Whether the broker does it now; False to ask again."""
    try:
        question()
    except KafkaException:
        return False
    return True


def refused(run: Run, said: bytes, act: Callable[[], None]) -> None:
    """After `act` the worker stops and says why; it goes on when the operator has reset every partition."""
    log = run.supervisor.log(WORKER)
    seen = log.stat().st_size
    with run.keeper.leaving(WORKER):
        run.supervisor.stop(WORKER)
        act()
        run.supervisor.start(run.supervisor.program(WORKER))
        until(lambda: not run.supervisor.alive(WORKER), 60, "the worker stops")
        assert run.supervisor.exit_code(WORKER) == 1
        assert said in log.read_bytes()[seen:]
        for part in range(run.theatre.stage.partitions):
            run.command(READER, "positions", "reset", "--topic", TOPIC, "--partition", str(part), "--yes")
        run.supervisor.start(run.supervisor.program(WORKER))
        run.supervisor.wait_healthy([WORKER], 60)
    run.cell.faults.append(f"the worker stopped ({said.decode()}), the operator reset {run.theatre.stage.partitions} partitions")


def test_f24_offsets_that_kafka_forgot_change_nothing(run: Run) -> None:
    workers = [f"{service.replace('_', '-')}-worker" for service in SERVICES]
    groups = [spec.name for spec in run.theatre.specs.values()]
    with run.keeper.leaving(*workers):
        for name in workers:
            run.supervisor.stop(name)
        client = admin(run)
        for group in groups:
            until(lambda: settled(lambda: client.delete_consumer_groups([group])[group].result(10)), 60, f"{group} is gone")  # noqa: B023
        for name in workers:
            run.supervisor.start(run.supervisor.program(name))
    run.cell.faults.append(f"{len(groups)} consumer groups deleted")
    run.play()
    run.verify()


def test_f24_a_topic_made_anew_stops_its_reader_until_the_operator_decides(run: Run) -> None:
    client = admin(run)

    def make_anew() -> None:
        client.delete_topics([TOPIC])[TOPIC].result(30)
        new = NewTopic(TOPIC, num_partitions=run.theatre.stage.partitions, config=TOPICS[TOPIC].config())
        until(lambda: settled(lambda: client.create_topics([new])[TOPIC].result(10)), 60, "the topic is there again")

    refused(run, b"was deleted and created again", make_anew)
    run.play()
    run.verify()


def test_f24_records_that_expired_unread_stop_their_reader_until_the_operator_accepts_the_loss(run: Run) -> None:
    client = admin(run)

    def expire() -> None:
        sent = run.theatre.feeder.send([Outbound(TOPIC, b"expired", b"{}", ()) for _ in range(3)])
        ends = {record.partition: record.offset + 1 for record in sent}
        places = [TopicPartition(TOPIC, part, end) for part, end in ends.items()]
        for future in client.delete_records(places).values():
            future.result(30)
        run.cell.faults.append(f"{len(sent)} records expired")

    refused(run, b"were deleted before", expire)
    run.play()
    run.verify()


def test_f24_added_partitions_are_read_from_their_beginning(run: Run) -> None:
    client = admin(run)  # kept: a client that is collected never answers
    client.create_partitions([NewPartitions(TOPIC, MORE)])[TOPIC].result(30)
    for name in (WORKER, "notifications-api", "notifications-sender"):
        with run.keeper.leaving(name):
            run.supervisor.restart(name, timeout=60)
    run.theatre.feeder.reconnect()
    mark = [Outbound(TOPIC, str(number).encode(), b"{}", ()) for number in range(40)]
    sent = run.theatre.feeder.send(mark)
    assert len({record.partition for record in sent}) == MORE, "every partition gets some"
    run.cell.faults.append(f"{TOPIC} has {MORE} partitions")
    run.play()
    held = "SELECT part, next_offset FROM progress WHERE topic = %s ORDER BY part"
    at = dict(rows(run.theatre.stage.databases[READER], held, TOPIC))
    for record in sent:
        if at.get(record.partition, 0) <= record.offset:
            run.cell.anomalies.setdefault("I1 conservation", []).append(f"{TOPIC}[{record.partition}] stands at {at}")
    run.verify()
