"""F9: the database is restarted, dies by SIGKILL, freezes, and is down for two minutes."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from tests.faults.full.run import Run

DOWN_S = 120.0
FROZEN_S = 20.0


def restarted(run: Run) -> None:
    run.site.backends.postgres.restart()


def killed(run: Run) -> None:
    run.site.backends.postgres.kill()
    run.site.backends.postgres.restart()


def frozen(run: Run) -> None:
    run.site.backends.postgres.pause()
    time.sleep(FROZEN_S)
    run.site.backends.postgres.resume()


def down(run: Run) -> None:
    run.site.backends.postgres.stop(immediate=True)
    time.sleep(DOWN_S)
    run.site.backends.postgres.restart()


@pytest.mark.parametrize("how", [restarted, killed, frozen], ids=lambda how: how.__name__)
def test_f9_the_database_goes_and_comes_back(run: Run, how: Callable[[Run], None]) -> None:
    def bounce() -> None:
        how(run)
        run.cell.faults.append(f"database {how.__name__}")

    run.play(begin=bounce, during=bounce)
    run.verify()


def test_f9_the_database_is_down_for_two_minutes(run: Run) -> None:
    def begin() -> None:
        down(run)
        run.cell.faults.append(f"database down for {DOWN_S:g} s")

    run.play(begin=begin)
    run.verify()
