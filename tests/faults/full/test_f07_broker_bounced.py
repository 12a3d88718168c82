"""F7, F8: the broker is restarted, dies by SIGKILL, freezes, and is down for five minutes."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import pytest
from tests.faults.full.run import Run

from devstack.layout import SERVICES

DOWN_S = 300.0
FROZEN_S = 20.0


def restarted(run: Run) -> None:
    run.site.backends.kafka.restart()


def killed(run: Run) -> None:
    run.site.backends.kafka.kill()
    run.site.backends.kafka.restart()


def frozen(run: Run) -> None:
    run.site.backends.kafka.pause()
    time.sleep(FROZEN_S)
    run.site.backends.kafka.resume()


@pytest.mark.parametrize("how", [restarted, killed, frozen], ids=lambda how: how.__name__)
def test_f7_the_broker_goes_and_comes_back(run: Run, how: Callable[[Run], None]) -> None:
    def bounce() -> None:
        how(run)
        run.cell.faults.append(f"broker {how.__name__}")

    run.play(begin=bounce, during=bounce)
    run.verify()


def test_f8_the_broker_is_down_for_five_minutes_and_people_are_served(run: Run) -> None:
    kafka = run.site.backends.kafka

    def during() -> None:
        kafka.kill()
        went = time.monotonic()
        run.cell.faults.append(f"broker down for {DOWN_S:g} s")
        asked = run.ask(2)
        for service in SERVICES:
            live = httpx.get(f"{run.theatre.stage.url(service)}/health/live", timeout=10)
            assert live.status_code == 200, f"{service} is not alive without a broker"
        run.cell.faults.append(f"{asked} requests for contact accepted meanwhile")
        time.sleep(max(0.0, DOWN_S - (time.monotonic() - went)))
        kafka.restart()

    run.play(during=during)
    run.verify()
