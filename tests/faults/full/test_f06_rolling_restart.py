"""F6: every process is stopped in order and started again, one after another, while events flow."""

from __future__ import annotations

from tests.faults.full.run import Run

SANDBOXES = "sandboxes"


def test_f6_rolling_restart_of_every_process(run: Run) -> None:
    def during() -> None:
        for name in run.supervisor.names():
            if name == SANDBOXES:
                continue
            with run.keeper.leaving(name):
                code = run.supervisor.stop(name)
                run.supervisor.start(run.supervisor.program(name))
                run.supervisor.wait_healthy([name], 60)
            run.cell.faults.append(f"{name} restarted")
            if code not in (0, -15):
                run.cell.anomalies.setdefault("I8 isolation", []).append(f"{name} ended with {code} when asked to stop")

    run.play(during=during)
    run.verify()
