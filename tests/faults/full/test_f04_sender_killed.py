"""F4: the sender dies by SIGKILL around the call to the provider; nobody gets a message twice."""

from __future__ import annotations

import pytest
from tests.faults.full.run import Run
from tests.faults.stage import until

SENDER = "notifications-sender"


@pytest.mark.parametrize("point", ["before_effect", "after_provider_accept", "after_commit"])
def test_f4_the_sender_dies_around_the_call(run: Run, point: str) -> None:
    seen = len(run.keeper.restarts)
    with run.keeper.leaving(SENDER):
        run.supervisor.restart(SENDER, {"CRASH_AT": point}, timeout=60)
    run.ask(2)
    until(lambda: any(name == SENDER for name, _ in run.keeper.restarts[seen:]), 60, f"the sender dies {point}")
    run.cell.faults.append(f"{SENDER} killed {point}")
    run.settle()
    run.play()
    run.verify()
