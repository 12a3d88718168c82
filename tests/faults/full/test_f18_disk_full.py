"""F18: the disk of the broker or of the database is full while events flow; later there is space again."""

from __future__ import annotations

import time

import pytest
from tests.faults.full.run import Run

FULL_S = 15.0


@pytest.mark.parametrize("which", ["database", "broker"])
def test_f18_a_disk_is_full_for_a_while(run: Run, which: str) -> None:
    site = run.site
    disk = site.database_disk if which == "database" else site.broker_disk
    backend = site.backends.postgres if which == "database" else site.backends.kafka

    def during() -> None:
        run.ask(1)
        disk.fill()
        deadline = time.monotonic() + FULL_S
        while backend.alive() and time.monotonic() < deadline:
            time.sleep(0.1)
        run.cell.faults.append(f"disk of the {which} full; it {'went on' if backend.alive() else 'stopped'}")
        disk.free()
        if not backend.alive() or not backend.responds():
            backend.restart()

    run.play(during=during)
    run.verify()
