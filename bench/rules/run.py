"""Prepare each service once, let both contenders do the same work in turn, and compare every fact they wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import psycopg
from rich.console import Console

from bench import measure
from bench.measure import SHELL, Contender, Result
from bench.rules import alone, facts
from bench.rules.feed import NOW, Message, publish, records
from bench.rules.services import EARNINGS, PROGRESSION, Service
from bench.workload import PARTITIONS, Load
from devstack import topics
from devstack.backends import Backends
from streaming import progress
from streaming.clock import advance
from streaming.migrate import upgrade

SHELL_NAME, PLAIN_NAME = "shell, 2 lanes", "plain loop"


@dataclass(frozen=True, slots=True)
class Size:
    """earnings: wages. progression: assessments, which cost more each. hot: events of the trivial rule."""

    repeats: int
    earnings: int
    progression: int
    hot: int


@dataclass(frozen=True, slots=True)
class Run:
    """One contender's turn. per_transaction: records of one, on average."""

    result: Result
    per_transaction: float


@dataclass(frozen=True, slots=True)
class Measured:
    """One service's turns, in order, and what its rules take alone (µs a record by stage)."""

    events: int
    shell: list[Run]
    plain: list[Run]
    alone: dict[str, float]
    equal: dict[str, int]


def run(found: Backends, size: Size, console: Console) -> tuple[dict[str, Measured], list[Result]]:
    """Both services, then the trivial rule through the same shell. Raises WrongResult when facts differ."""
    topics.create(found.kafka.bootstrap, PARTITIONS)
    advance(found.kafka.bootstrap, NOW)
    plan = ((EARNINGS, size.earnings), (PROGRESSION, size.progression))
    made = {service.rules: _service(found, service, count, size.repeats, console) for service, count in plan}
    return made, _trivial(found, size, console)


def _service(found: Backends, service: Service, count: int, repeats: int, console: Console) -> Measured:
    console.print(f"[bold]{service.rules}[/bold]: {count:,} records of {service.topic}; what was before is taken in …")
    made = template(found, service, count)
    feed = list(service.measured(count))
    publish(found.kafka.bootstrap, service.topic, feed)
    runs: dict[str, list[Run]] = {SHELL_NAME: [], PLAIN_NAME: []}
    first: Mapping[str, facts.Fact] | None = None
    for turn in range(repeats):
        for name, before in runs.items():
            one, written = _once(found, service, name, made, count, f"rules_{service.name}_{turn}_{len(name)}")
            if first is None:
                first = written
            facts.compare(f"{service.rules}: {name}", written, first)
            before.append(one)
            cpu = ", ".join(f"{who} {spent:.1f}" for who, spent in one.result.cpu_us.items())
            console.print(f"  {name:<18}{one.result.events_s:>10,.0f} events/s   {one.per_transaction:,.0f} a transaction   "
                          f"CPU µs an event: {cpu}", highlight=False)  # fmt: skip
    assert first is not None
    equal = {name: fact.rows for name, fact in first.items()}
    return Measured(count, runs[SHELL_NAME], runs[PLAIN_NAME], _alone(found, service, made, feed), equal)


def template(found: Backends, service: Service, count: int) -> str:
    """The database as it is when the feed begins; its name."""
    name = f"bench_rules_{service.name}"
    url = found.postgres.create_database(name, replace=True)
    upgrade(service.migrations, url)
    if service.before:
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute(service.before)
    service.past(url, _settings(found, service, url), count)
    return name


def _settings(found: Backends, service: Service, url: str) -> Any:
    told = service.environment(found.kafka.bootstrap, url, PARTITIONS)
    return service.settings.model_validate({name.lower(): value for name, value in told.items()})


def _once(
    found: Backends, service: Service, name: str, template: str, count: int, database: str
) -> tuple[Run, dict[str, facts.Fact]]:
    url = found.postgres.create_database(database, template, replace=True)
    env = {**service.environment(found.kafka.bootstrap, url, PARTITIONS), "BENCH_SERVICE": service.name}
    with psycopg.connect(url, autocommit=True) as conn:
        if name == PLAIN_NAME:
            for partition in range(PARTITIONS):
                progress.start(conn, service.name, service.topic, partition, 0, "bench")
        conn.execute("CHECKPOINT")
    result = measure.once(contender(service, name, env), service.rules, service.topic, lambda _: count, found, url, database)
    with psycopg.connect(url, autocommit=True, options="-c timezone=UTC") as conn:
        written = facts.read(conn, service.facts)
        per_transaction = count / max(1, facts.transactions(conn))
    found.postgres.drop_database(database)
    return Run(result, per_transaction), written


def contender(service: Service, name: str, env: Mapping[str, str]) -> Contender:
    if name == SHELL_NAME:
        return Contender(name, service.name, env, arguments=("worker",))
    return Contender(name, "bench.contenders.plain_rules_loop", env)


def _alone(found: Backends, service: Service, template: str, feed: Sequence[Message]) -> dict[str, float]:
    url = found.postgres.url(template)
    spec = service.program.spec(_settings(found, service, url))
    with psycopg.connect(url, autocommit=True) as conn:
        docs = alone.documents(conn, spec)
    return alone.spent(spec, docs, list(records(service.topic, 0, 0, feed)), NOW)


def _trivial(found: Backends, size: Size, console: Console) -> list[Result]:
    """The hot load through the same shell."""
    load, topic = Load("hot", size.hot, 50_000), "bench.hot.rules"
    console.print(f"[bold]trivial rule[/bold]: {load.events:,} events of the hot load")
    count, fold, outputs = load.publish(found.kafka.bootstrap, topic), load.fold(), load.outputs()
    results = []
    for turn in range(size.repeats):
        one = measure.run(SHELL, load, topic, count, fold, outputs, found, f"rules_hot_{turn}")
        console.print(
            f"  {one.contender:<18}{one.events_s:>10,.0f} events/s   client {one.cpu_us['client']:.1f} µs", highlight=False
        )
        results.append(one)
        found.postgres.drop_database(f"bench_rules_hot_{turn}")
    return results


def middle(runs: Sequence[Run]) -> Run:
    """The turn with the median rate."""
    return sorted(runs, key=lambda one: one.result.events_s)[len(runs) // 2]


def cpu(results: Sequence[Result], who: str) -> float:
    """Median µs of one core an event."""
    return median(one.cpu_us[who] for one in results)
