"""`up`, `status` and `down`, with small stand-ins for the services."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from devstack import backends, credentials, layout, supervisor
from devstack.errors import DevstackError
from devstack.processes import MARK, marked

pytestmark = pytest.mark.backend

STANDINS = Path(__file__).parent / "standins"
PROCESSES = {
    *(
        f"{service}-{role}"
        for service in ("earnings", "referrals", "notifications", "employer-link")
        for role in ("worker", "relay", "api")
    ),
    "notifications-sender",
    "employer-link-sender",
    "sandboxes",
}


class Machine:
    """The command line on ports and in a folder of its own."""

    def __init__(self, var_dir: Path) -> None:
        self.var_dir = var_dir
        self.ports = layout.Ports.free()
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PORT_", "KAFKA_", "POSTGRES_"))}
        numbers = {layout.variable(field.name): str(getattr(self.ports, field.name)) for field in fields(self.ports)}
        self.environment = {**clean, **numbers, "VAR_DIR": str(var_dir), "PYTHONPATH": str(STANDINS)}
        # An engine that may be there is not asked: these tests kill what they start.
        self.environment["DOCKER_HOST"] = "tcp://127.0.0.1:1"

    def run(self, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "devstack", *command],
            env={**self.environment, **env},
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )


@pytest.fixture
def machine(var_dir: Path) -> Iterator[Machine]:
    found = Machine(var_dir)
    yield found
    found.run("down")
    assert marked(var_dir) == []


def test_everything_starts_is_shown_and_leaves_nothing_behind(machine: Machine) -> None:
    up = machine.run("up")
    assert up.returncode == 0, up.stderr
    for service in layout.SERVICES:
        assert layout.address(getattr(machine.ports, service)) in up.stdout
    assert {one.name for one in supervisor.noted(machine.var_dir)} == PROCESSES
    settings = machine.var_dir / "dev.env"
    assert settings.stat().st_mode & 0o777 == 0o600
    sourced = subprocess.run(
        ["sh", "-c", f". {settings}; printenv EARNINGS_DATABASE_URL"], capture_output=True, text=True, check=True
    )
    with psycopg.connect(sourced.stdout.strip()) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
    started = [one.handle() for one in supervisor.noted(machine.var_dir)] + marked(machine.var_dir)
    shown = machine.run("status")
    assert shown.returncode == 0, shown.stdout
    assert {line.split()[0] for line in shown.stdout.splitlines()[1:]} == PROCESSES | {"kafka", "postgresql"}
    assert "not ready" not in shown.stdout
    found = credentials.read(machine.var_dir / credentials.FILE)
    client = found.clients["upstream"]
    token = httpx.post(
        found.token_endpoint,
        data={"grant_type": "client_credentials", "client_id": client.client_id, "client_secret": client.client_secret},
    )
    assert token.json()["scope"] == "upstream:read claims:read"
    attached = backends.attach(machine.var_dir)
    for service in layout.SERVICES:
        with psycopg.connect(attached.postgres.url(service)) as connection:
            assert connection.execute("SELECT count(*) FROM migrated").fetchone() == (0,)
    again = machine.run("up")
    assert (again.returncode, "already running" in again.stderr) == (1, True)
    down = machine.run("down")
    assert down.returncode == 0
    assert "left over" not in down.stdout
    assert not any(handle.alive() for handle in started)
    assert "nothing was running" in machine.run("down").stdout
    assert machine.run("status").returncode == 1


def test_down_also_ends_what_crashes_and_lost_pid_files_left(machine: Machine) -> None:
    assert machine.run("up").returncode == 0
    by_name = {one.name: one.handle() for one in supervisor.noted(machine.var_dir)}
    by_name["earnings-worker"].kill()
    by_name["referrals-api"].signal_tree(signal.SIGSTOP)
    (machine.var_dir / "run" / "notifications-sender.json").unlink()
    shown = machine.run("status")
    assert shown.returncode == 1
    assert re.search(r"earnings-worker .* dead", shown.stdout)
    assert re.search(r"referrals-api .* frozen", shown.stdout)
    (machine.var_dir / "run" / "backends.json").unlink()
    assert machine.run("down").returncode == 0
    assert marked(machine.var_dir) == []
    assert not any(handle.alive() for handle in by_name.values())


def test_data_stays_from_one_up_to_the_next(machine: Machine, bootstrap: str) -> None:
    assert machine.run("up", KAFKA_BOOTSTRAP_SERVERS=bootstrap).returncode == 0
    with psycopg.connect(backends.attach(machine.var_dir).postgres.url("earnings")) as connection:
        connection.execute("INSERT INTO migrated VALUES (now())")
    assert machine.run("down").returncode == 0
    up = machine.run("up", KAFKA_BOOTSTRAP_SERVERS=bootstrap)
    assert up.returncode == 0, up.stderr
    with psycopg.connect(backends.attach(machine.var_dir).postgres.url("earnings")) as connection:
        assert connection.execute("SELECT count(*) FROM migrated").fetchone() == (1,)


@pytest.mark.parametrize("failing", ["referrals-worker", "earnings-migrate"])
def test_a_process_that_fails_is_named_with_its_last_words_and_all_else_is_stopped(
    machine: Machine, bootstrap: str, failing: str
) -> None:
    up = machine.run("up", STANDIN_FAIL=failing, KAFKA_BOOTSTRAP_SERVERS=bootstrap)
    assert up.returncode == 1
    assert "because of a bad day" in up.stderr
    assert failing.split("-")[0] in up.stderr
    assert "Traceback" not in up.stderr
    assert marked(machine.var_dir) == []


def test_a_taken_port_is_named_with_the_variable_that_moves_it(machine: Machine) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", machine.ports.referrals))
        taken.listen()
        up = machine.run("up")
    assert up.returncode == 1
    assert f"port {machine.ports.referrals}" in up.stderr
    assert "PORT_REFERRALS" in up.stderr
    assert marked(machine.var_dir) == []


def test_addresses_given_by_the_caller_replace_our_own(machine: Machine, bootstrap: str) -> None:
    issuer = "http://127.0.0.1:9/issuer"
    up = machine.run("up", OIDC_ISSUER=issuer, KAFKA_BOOTSTRAP_SERVERS=bootstrap)
    assert up.returncode == 0, up.stderr
    assert issuer in up.stdout
    assert "Kafka: address" in up.stderr
    assert not (machine.var_dir / credentials.FILE).exists()
    worker = next(one for one in supervisor.noted(machine.var_dir) if one.name == "earnings-worker")
    assert psutil.Process(worker.pid).environ()["OIDC_ISSUER"] == issuer


def test_ports_come_from_the_environment_and_a_port_that_is_no_number_is_refused() -> None:
    assert layout.Ports.from_environment({"PORT_EMPLOYER_LINK": "9104"}) == layout.Ports(employer_link=9104)
    assert layout.Ports.from_environment({"PORT_ISSUER": "9110"}) == layout.Ports(oidc=9110)
    for wrong in ("eighty", "0", "70000", "-1"):
        with pytest.raises(DevstackError, match="PORT_EARNINGS must be a port number"):
            layout.Ports.from_environment({"PORT_EARNINGS": wrong})


def test_the_sweep_finds_what_carries_the_mark_but_never_the_program_that_asks(var_dir: Path) -> None:
    script = (
        "import sys, pathlib; from devstack.processes import marked; print([h.pid for h in marked(pathlib.Path(sys.argv[1]))])"
    )
    environment = {**os.environ, MARK: str(var_dir)}
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env=environment) as other:
        try:
            asked = subprocess.run(
                [sys.executable, "-c", script, str(var_dir)], env=environment, capture_output=True, text=True, check=True
            )
        finally:
            other.kill()
    assert asked.stdout.strip() == f"[{other.pid}]"
