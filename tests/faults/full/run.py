"""One cell of the longer kind: some days under a fault, with people, until everything is done and checked."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.faults.acting import once
from tests.faults.checker import Checker
from tests.faults.full.asking import asked
from tests.faults.full.crowd import Crowd
from tests.faults.full.keeper import Keeper
from tests.faults.full.site import Site
from tests.faults.report import Cell
from tests.faults.sending import Outbound
from tests.faults.stage import Arrange, Leg, Theatre

from devstack.supervisor import Supervisor

DAYS = 4
"""Of a leg: all cells together must fit into the world."""
KILLED = "ended with -9"
"""What a cell did itself, and says itself."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a cell needs."""

    site: Site
    theatre: Theatre
    crowd: Crowd
    keeper: Keeper
    checker: Checker
    cell: Cell
    passed: list[bool] = field(default_factory=list)

    @property
    def supervisor(self) -> Supervisor:
        return self.theatre.stage.supervisor

    def ask(self, number: int = 1) -> int:
        """People do what makes a message, until they are answered."""
        wanted = asked(self.theatre, number)
        assert wanted, "nobody is left to make a message"
        answered = [once(self.theatre, act) for act in wanted]
        assert all(answer.is_success for answer in answered), [answer.text[:200] for answer in answered]
        return len(wanted)

    def command(self, service: str, *argv: str) -> str:
        """What an operator types; fails with its output."""
        done = subprocess.run(
            [sys.executable, "-m", service, *argv], env=self.supervisor.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{service} {' '.join(argv)}: {done.returncode}\n{(done.stdout + done.stderr)[-2000:]}"
        return done.stdout

    def play(
        self,
        *,
        begin: Callable[[], object] = lambda: None,
        during: Callable[[], object] = lambda: None,
        end: Callable[[], float | None] = lambda: None,
        days: int = DAYS,
        late: Sequence[Outbound] = (),
        arrange: Arrange = list,
    ) -> Leg:
        """Some days. `begin` when a fifth of the messages is consumed; then the others are published, people act, `during`;
        `end` ends the fault, and recovery is counted from there, or from the instant (monotonic) that it returns."""

        def strike() -> float:
            self.crowd.day()
            during()
            ended = end()
            return time.monotonic() if ended is None else ended

        seen = len(self.keeper.restarts)
        leg = self.theatre.leg(days, late=late, arrange=arrange, arm=begin, strike=strike)
        self.cell.add(leg)
        self.cell.faults += [f"{name} started again ({why})" for name, why in self.keeper.restarts[seen:] if why != KILLED]
        return leg

    def settle(self) -> None:
        """Let everything be done, also what waits for a lease or a back-off."""
        self.theatre.barrier.wait(self.theatre.now)

    def verify(self) -> None:
        """Everything is done; ask the checker."""
        self.settle()
        for name, found in self.checker.anomalies().items():
            self.cell.anomalies.setdefault(name, []).extend(found)
        self.cell.verify()
        self.passed.append(True)
