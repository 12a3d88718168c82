"""F3: relays die between publishing and marking, and two relays of a service race."""

from __future__ import annotations

import time
from dataclasses import replace

from tests.faults.checker import Checker
from tests.faults.reading import rows
from tests.faults.report import Cell
from tests.faults.stage import Theatre

from devstack.ports import free_ports

SERVICES = ("earnings", "referrals")
"""Those that publish in any week; the others speak when people act."""


def test_f3_relays_killed_between_publish_and_mark(theatre: Theatre, checker: Checker, cell: Cell) -> None:
    armed = [(f"{service}-relay", "after_publish") for service in SERVICES]

    def strike() -> None:
        cell.faults += [f"{name} killed after_publish" for name in theatre.died(armed)]

    published = len(theatre.topics.read())
    leg = theatre.leg(arm=lambda: theatre.arm(armed), strike=strike)
    cell.events, cell.recoveries = leg.events, [leg.recovery_s]
    cell.anomalies = checker.anomalies()
    repeats = sum(event.repeat for event in theatre.topics.events[published:])
    cell.faults.append(f"{repeats} events published again under their ids")
    cell.verify()
    assert repeats, "what was published before the kill was published again"


def test_f3_two_relays_race_and_the_leader_is_killed_twice(theatre: Theatre, checker: Checker, cell: Cell) -> None:
    supervisor = theatre.stage.supervisor
    seconds = [supervisor.program(f"{service}-relay") for service in SERVICES]
    for program, port in zip(seconds, free_ports(len(seconds)), strict=True):
        twin = replace(program, name=f"{program.name}-2", env={**program.env, "METRICS_PORT": str(port)}, port=port)
        supervisor.start(replace(twin, argv=[*twin.argv[:3], twin.name, *twin.argv[4:]], health=None))

    def strike() -> None:
        for service in SERVICES * 2:
            name = _leader(theatre, service)
            supervisor.kill(name)
            cell.faults.append(f"{name} killed while leading")
            time.sleep(theatre.random.random() * 0.5)
            theatre.restart(name)

    leg = theatre.leg(strike=strike)
    cell.events, cell.recoveries = leg.events, [leg.recovery_s]
    cell.anomalies = checker.anomalies()
    for program in seconds:
        supervisor.stop(f"{program.name}-2")
        if not supervisor.alive(program.name):
            theatre.restart(program.name)
    cell.verify()


def _leader(theatre: Theatre, service: str) -> str:
    holder = rows(theatre.stage.databases[service], "SELECT holder FROM relay_lease")[0][0]
    pid = int(holder.split(":")[-2])
    names = (f"{service}-relay", f"{service}-relay-2")
    alive = [name for name in names if theatre.stage.supervisor.alive(name)]
    return next((name for name in alive if theatre.stage.supervisor.pid(name) == pid), alive[0])
