"""Kills workers and relays with SIGKILL at random moments of the play, each as often as asked, and starts them again."""

from __future__ import annotations

import signal
import threading
import time
from collections import defaultdict
from random import Random

from devstack.supervisor import Supervisor

VICTIMS = ("-worker", "-relay")
WITHIN_DAY_S = 0.6


class Chaos:
    """The plan is drawn from the seed: for each victim, the days on which it dies. kills: how many have happened."""

    def __init__(self, supervisor: Supervisor, kills: int, seed: int) -> None:
        self.kills = 0
        self._supervisor = supervisor
        self._wanted = kills
        self._random = Random(f"kills-{seed}")
        self._plan: dict[int, list[str]] = defaultdict(list)
        self._threads: list[threading.Thread] = []

    def start(self, days: int) -> None:
        """Draw the plan: not on the first and last days, so that there is something to lose and time to recover."""
        victims = [name for name in self._supervisor.names() if name.endswith(VICTIMS)]
        for victim in victims if self._wanted else ():
            for day in self._random.sample(range(days // 10, days - 5), self._wanted):
                self._plan[day].append(victim)

    def day(self, number: int) -> None:
        """Kill today's victims, a moment from now, while the day's work is under way."""
        for victim in self._plan.get(number, ()):
            thread = threading.Thread(target=self._strike, args=(victim, self._random.random() * WITHIN_DAY_S))
            thread.start()
            self._threads.append(thread)
            self.kills += 1

    def _strike(self, victim: str, after_s: float) -> None:
        time.sleep(after_s)
        self._supervisor.kill(victim, signal.SIGKILL)
        self._supervisor.start(self._supervisor.program(victim))

    def stop(self) -> None:
        """Wait for strikes that are under way."""
        for thread in self._threads:
            thread.join()
