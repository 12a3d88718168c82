"""F2: the consumers of every service die by SIGKILL, again and again, at random moments."""

from __future__ import annotations

import time

from tests.faults.full.run import Run
from tests.faults.stage import until

from devstack.layout import SERVICES

ROUNDS = 3
APART_S = 0.5


def test_f2_every_consumer_is_killed_three_times(run: Run) -> None:
    def during() -> None:
        for _ in range(ROUNDS):
            victims = [f"{service.replace('_', '-')}-worker" for service in SERVICES]
            run.theatre.random.shuffle(victims)
            for name in victims:
                until(lambda: run.supervisor.alive(name), 30, f"{name} was started again")  # noqa: B023
                run.supervisor.kill(name)
                run.cell.faults.append(f"{name} killed")
                time.sleep(run.theatre.random.random() * APART_S)

    run.play(begin=during, during=during)
    run.verify()
    assert len(run.cell.faults) >= 2 * ROUNDS * len(SERVICES)
