"""F1: workers die by SIGKILL in the middle of a chunk."""

from __future__ import annotations

import pytest
from tests.faults.checker import Checker
from tests.faults.report import Cell
from tests.faults.stage import Theatre

WORKERS = ("earnings-worker", "referrals-worker", "notifications-worker", "employer-link-worker")


@pytest.mark.parametrize("point", ["before_commit", "after_commit"])
def test_f1_every_worker_is_killed_mid_chunk(theatre: Theatre, checker: Checker, cell: Cell, point: str) -> None:
    armed = [(name, point) for name in WORKERS]

    def strike() -> None:
        cell.faults += [f"{name} killed {point}" for name in theatre.died(armed)]

    leg = theatre.leg(arm=lambda: theatre.arm(armed), strike=strike)
    cell.events, cell.recoveries = leg.events, [leg.recovery_s]
    cell.anomalies = checker.anomalies()
    cell.verify()
    assert len(cell.faults) >= 2, "earnings and at least one service behind it came to the point"
