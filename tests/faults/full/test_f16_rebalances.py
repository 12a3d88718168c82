"""F16: workers come and go in a storm of rebalances; zombies wake up after others have taken their place."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.faults.full.run import Run
from tests.faults.stage import SESSION_S

from devstack.layout import SERVICES
from devstack.ports import free_ports
from devstack.supervisor import Program

ROUNDS = 3
WORKERS = tuple(f"{service.replace('_', '-')}-worker" for service in SERVICES)


def twin(program: Program) -> Program:
    """The same process once more, under a name of its own."""
    (port,) = free_ports(1)
    argv = [*program.argv[:3], f"{program.name}-2", *program.argv[4:]]
    health = None if program.health is None else program.health.replace(f":{program.port}/", f":{port}/")
    env = {**program.env, "METRICS_PORT": str(port)}
    return replace(program, name=f"{program.name}-2", argv=argv, env=env, health=health, port=port)


@pytest.fixture
def twins(run: Run) -> Iterator[list[Program]]:
    """Second workers, not started; gone at the end."""
    made = [twin(run.supervisor.program(name)) for name in WORKERS]
    with run.keeper.leaving(*WORKERS, *(program.name for program in made)):
        yield made
        for program in made:
            run.supervisor.remove(program.name)


def joined(run: Run, twins: list[Program]) -> None:
    for program in twins:
        run.supervisor.start(program)
    run.supervisor.wait_healthy([program.name for program in twins], 90)


def test_f16_a_storm_of_rebalances(run: Run, twins: list[Program]) -> None:
    def storm() -> None:
        for _ in range(ROUNDS):
            joined(run, twins)
            for number, program in enumerate(twins):
                if number % 2:
                    run.supervisor.kill(program.name)
                else:
                    run.supervisor.stop(program.name)
        run.cell.faults.append(f"{ROUNDS} times a second worker of each service joined and left, half of them by SIGKILL")

    run.play(begin=storm)
    run.verify()


def test_f16_zombies_wake_after_their_partitions_went_to_others(run: Run, twins: list[Program]) -> None:
    def begin() -> None:
        joined(run, twins)
        for name in WORKERS:
            run.supervisor.pause(name)
        run.cell.faults.append("every first worker frozen for longer than its session")

    def end() -> None:
        time.sleep(2 * SESSION_S)
        for name in WORKERS:
            run.supervisor.resume(name)

    run.play(begin=begin, end=end)
    run.verify()
