"""F20: consumers are sent back. Kafka's own offsets are a hint and change nothing; an operator's reset applies again, and
what was applied before is recognised."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from tests.faults.checker import Checker
from tests.faults.reading import rows
from tests.faults.report import Cell
from tests.faults.stage import Theatre, until

from contracts import topics
from devstack.layout import SERVICES
from streaming import progress

WORKERS = {service: f"{service.replace('_', '-')}-worker" for service in SERVICES}
BY_COMMAND = (("earnings", topics.RTI_PAYMENT), ("referrals", topics.EARNINGS_PERIOD), ("notifications", topics.PROGRESSION_CASE))
VERSIONS = "SELECT kind, key, version FROM document ORDER BY kind, key"
LEDGER = 'SELECT topic, part, "offset", outcome FROM ledger ORDER BY 1, 2, 3'


@pytest.mark.long
def test_f20_rewinding_kafkas_own_offsets_changes_nothing(theatre: Theatre, checker: Checker, cell: Cell) -> None:
    before = _everything(theatre)
    _stop(theatre)
    admin = AdminClient({"bootstrap.servers": theatre.stage.bootstrap})
    for service in SERVICES:
        spec = theatre.specs[service]
        places = [TopicPartition(topic, part, 0) for topic in spec.topics for part in range(theatre.stage.partitions)]
        until(lambda: _rewound(admin, spec.name, places), 40, f"the group {spec.name} is empty")  # noqa: B023
        cell.faults.append(f"{spec.name}: {len(places)} partitions rewound to 0")
    _start(theatre)
    theatre.barrier.wait(theatre.now)
    again = _everything(theatre)
    changed = [name for name in before if before[name] != again[name]]
    leg = theatre.leg()
    cell.events, cell.recoveries = leg.events, [leg.recovery_s]
    cell.anomalies = checker.anomalies()
    if changed:
        cell.anomalies["I2 effect once"] = [f"{name} changed by the rewind" for name in changed]
    cell.verify()


@pytest.mark.long
def test_f20_partitions_reset_by_the_operator_are_applied_again_without_effect(
    theatre: Theatre, checker: Checker, cell: Cell
) -> None:
    """All inbound partitions of every service from the beginning, three by the command itself, the others as it does."""
    documents = {service: theatre.docs(service) for service in SERVICES}
    ledger = rows(theatre.stage.databases["earnings"], LEDGER)
    published = len([event for event in theatre.topics.read() if event.type and not event.repeat])
    _stop(theatre)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda one: _command(theatre, *one), BY_COMMAND))
    records = sum(reset_all(theatre, service) for service in SERVICES)
    cell.faults.append(f"{records} records delivered again")
    _start(theatre)
    theatre.barrier.wait(theatre.now)
    told = [event for event in theatre.topics.read() if event.type and not event.repeat][published:]
    wrong = [f"{event.type} {event.key} was published by the replay" for event in told]
    wrong += [f"documents of {service} changed" for service in SERVICES if documents[service] != theatre.docs(service)]
    after = rows(theatre.stage.databases["earnings"], LEDGER)
    wrong += [f"the ledger said {was}, now {now}" for was, now in zip(ledger, after, strict=True) if was != now]
    leg = theatre.leg()
    cell.events, cell.recoveries = records, [leg.recovery_s]
    cell.anomalies = checker.anomalies()
    if wrong:
        cell.anomalies["I2 effect once"] = wrong
    cell.verify()


def reset_all(theatre: Theatre, service: str) -> int:
    """Every partition of a service back to its beginning, as the operator's command does it; returns how many records."""
    spec, records = theatre.specs[service], 0
    with psycopg.connect(theatre.stage.databases[service], autocommit=True) as conn:
        for place, at in progress.positions(conn, spec.name, spec.topics).items():
            progress.move(conn, spec.name, *place, 0, at.topic_id)
            records += at.next_offset
    return records


def _everything(theatre: Theatre) -> dict[str, object]:
    found: dict[str, object] = {
        f"documents of {service}": rows(url, VERSIONS) for service, url in theatre.stage.databases.items()
    }
    found["the ledger"] = rows(theatre.stage.databases["earnings"], LEDGER)
    found["what was published"] = len(theatre.topics.read())
    return found


def _stop(theatre: Theatre) -> None:
    with ThreadPoolExecutor(len(WORKERS)) as threads:
        list(threads.map(theatre.stage.supervisor.stop, WORKERS.values()))


def _start(theatre: Theatre) -> None:
    for name in WORKERS.values():
        theatre.restart(name)


def _rewound(admin: AdminClient, group: str, places: list[TopicPartition]) -> bool:
    """A group that still counts a member (a static one, until its session ends) is asked again."""
    wanted = [ConsumerGroupTopicPartitions(group, places)]
    try:
        done = next(iter(admin.alter_consumer_group_offsets(wanted).values())).result(10)
    except KafkaException:
        return False
    return all(place.error is None for place in done.topic_partitions or ())


def _command(theatre: Theatre, service: str, topic: str) -> None:
    argv = [sys.executable, "-m", service, "positions", "reset", "--topic", topic, "--partition", "0", "--yes"]
    done = subprocess.run(argv, env=theatre.stage.supervisor.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
