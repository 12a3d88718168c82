"""F25: a service's database is restored to an older backup; what it read since is read again."""

from __future__ import annotations

import pytest
from tests.faults.full.run import Run
from tests.faults.stage import PREFIX

BACKUP = "faults_backup"


@pytest.mark.parametrize("service", ["earnings"])
def test_f25_a_restored_database_catches_up_from_the_topics(run: Run, service: str) -> None:
    """Of a service that people change nothing in: what they decided since the backup would be lost with it."""
    processes = [name for name in run.supervisor.names() if name.startswith(f"{service}-")]
    postgres = run.site.backends.postgres

    def stopped(name: str, template: str) -> None:
        for one in processes:
            run.supervisor.stop(one)
        postgres.create_database(name, template, replace=True)
        for one in processes:
            run.supervisor.start(run.supervisor.program(one))

    with run.keeper.leaving(*processes):
        stopped(BACKUP, f"{PREFIX}{service}")
        run.supervisor.wait_healthy(processes, 90)
        run.play()
        stopped(f"{PREFIX}{service}", BACKUP)
    run.cell.faults.append(f"{service} restored to a backup of {(run.theatre.now).date()} less a week")
    run.theatre.barrier.wait(run.theatre.now)
    run.play()
    run.verify()
