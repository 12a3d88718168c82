"""The supervisor starts, kills, freezes and restarts by name, each with its own environment."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from devstack import ports, supervisor
from devstack.errors import DevstackError, ProcessFailed
from devstack.supervisor import Program, Supervisor

SERVER = """
import os, sys, http.server
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = os.environ.get("COLOUR", "none").encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *args): pass
print("listening", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Supervisor, str]]:
    port = ports.free_ports(1)[0]
    address = f"http://127.0.0.1:{port}/"
    found = Supervisor(tmp_path, os.environ)
    found.start(
        Program(name="web", argv=[sys.executable, "-c", SERVER, str(port)], env={"COLOUR": "green"}, health=address, port=port)
    )
    found.wait_healthy()
    yield found, address
    found.stop_all()


def test_a_program_gets_its_own_environment_and_may_get_another_at_restart(running: tuple[Supervisor, str]) -> None:
    found, address = running
    assert httpx.get(address).text == "green"
    found.restart("web", {"COLOUR": "red"})
    assert httpx.get(address).text == "red"
    found.restart("web")
    assert httpx.get(address).text == "green"


def test_sigkill_ends_it_and_a_restart_brings_it_back(running: tuple[Supervisor, str]) -> None:
    found, address = running
    before = found.pid("web")
    found.kill("web")
    assert not found.alive("web")
    assert (found.exit_code("web"), found.dead()) == (-signal.SIGKILL, ["web"])
    found.restart("web")
    assert found.pid("web") != before
    assert httpx.get(address).status_code == 200


def test_a_frozen_process_answers_nothing_and_a_stop_still_ends_it(running: tuple[Supervisor, str]) -> None:
    found, address = running
    found.pause("web")
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(address, timeout=0.3)
    found.resume("web")
    assert httpx.get(address).status_code == 200
    found.pause("web")
    assert found.stop("web") == -signal.SIGTERM
    assert supervisor.noted(found.var_dir) == []


def test_a_second_start_under_the_same_name_is_refused(running: tuple[Supervisor, str]) -> None:
    found, _ = running
    with pytest.raises(DevstackError, match="already running"):
        found.start(found.program("web"))


def test_a_process_that_ends_early_is_reported_with_the_tail_of_its_log(tmp_path: Path) -> None:
    found = Supervisor(tmp_path, os.environ)
    found.start(
        Program(name="brief", argv=[sys.executable, "-c", "print('out of paper'); exit(7)"], env={}, health="http://127.0.0.1:1/")
    )
    with pytest.raises(ProcessFailed, match=r"brief ended with exit code 7[\s\S]*out of paper"):
        found.wait_healthy()


def test_a_process_that_is_never_ready_is_named(tmp_path: Path) -> None:
    found = Supervisor(tmp_path, os.environ)
    found.start(
        Program(name="slow", argv=[sys.executable, "-c", "import time; time.sleep(60)"], env={}, health="http://127.0.0.1:1/")
    )
    try:
        with pytest.raises(ProcessFailed, match="not ready within 0 s: slow"):
            found.wait_healthy(timeout=0.2)
    finally:
        found.stop_all()
