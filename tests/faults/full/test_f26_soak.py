"""F26: weeks of random faults, drawn from the seed."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random

from tests.faults.full.run import Run
from tests.faults.proxy import Weather

from devstack.layout import SERVICES

WEEKS = 10
FAULTS_A_WEEK = 3
SHORT_S = 3.0


def kill(run: Run, chance: Random) -> str:
    names = [name for name in run.supervisor.names() if name.endswith(("-worker", "-relay", "-sender", "-api"))]
    name = chance.choice([name for name in names if run.supervisor.alive(name)])
    run.supervisor.kill(name)
    return f"{name} killed"


def freeze(run: Run, chance: Random) -> str:
    name = f"{chance.choice(SERVICES).replace('_', '-')}-{chance.choice(['worker', 'relay'])}"
    if not run.supervisor.alive(name):
        return f"{name} was dead"
    run.supervisor.pause(name)
    time.sleep(SHORT_S)
    run.supervisor.resume(name)
    return f"{name} frozen for {SHORT_S:g} s"


def cut(run: Run, chance: Random) -> str:
    link = chance.choice([run.site.broker, run.site.database])
    link.cut()
    time.sleep(SHORT_S)
    link.mend()
    return f"the {'broker' if link is run.site.broker else 'database'} cut off for {SHORT_S:g} s"


def reset(run: Run, chance: Random) -> str:
    return f"{chance.choice(run.site.links).reset()} connections reset"


def slow(run: Run, chance: Random) -> str:
    link = chance.choice([run.site.broker, run.site.database])
    link.weather = Weather(latency_s=0.03)
    time.sleep(SHORT_S)
    link.mend()
    return f"latency for {SHORT_S:g} s"


def bounce(run: Run, chance: Random) -> str:
    backend = chance.choice([run.site.backends.kafka, run.site.backends.postgres])
    backend.kill()
    backend.restart()
    return f"{type(backend).__name__} killed"


KINDS: tuple[Callable[[Run, Random], str], ...] = (kill, kill, freeze, cut, reset, slow, bounce)


def test_f26_weeks_of_random_faults(run: Run) -> None:
    chance = Random(f"soak-{run.theatre.play.seed}")
    plan = [[chance.choice(KINDS) for _ in range(FAULTS_A_WEEK)] for _ in range(WEEKS)]
    for week in plan:

        def strike(week: list[Callable[[Run, Random], str]] = week) -> None:
            for fault in week:
                run.cell.faults.append(fault(run, chance))

        run.play(begin=strike)
    run.verify()
