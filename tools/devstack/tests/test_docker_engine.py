"""What a Docker engine is asked for, on an engine in small that remembers it.

No container runs here: this shows that the real client libraries take our calls, and with which ports and settings.
"""

from __future__ import annotations

import gc
import json
import re
import threading
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from devstack import docker_engine
from devstack.errors import DevstackError


class Engine(ThreadingHTTPServer):
    """Enough of the Docker API to create, start, signal and remove one container."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str]] = []
        self.created: dict[str, Any] = {}
        self.image_exists = True


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Engine

    def _answer(self, status: int, body: object) -> None:
        content = b"" if status == 204 else body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        path = re.sub(r"^/v[\d.]+", "", self.path)
        self.server.asked.append((self.command, path))
        match path.partition("?")[0]:
            case "/_ping":
                self._answer(200, b"OK")
            case "/version":
                self._answer(200, {"ApiVersion": "1.44", "Version": "27"})
            case "/info":
                self._answer(200, {"OperatingSystem": "in small"})
            case image if image.startswith("/images/") and image.endswith("/json") and self.server.image_exists:
                self._answer(200, {"Id": "sha256:1", "RepoTags": ["x"]})
            case "/containers/create":
                self.server.created = body
                self._answer(201, {"Id": "c1", "Warnings": []})
            case image if image.startswith("/images/"):
                self._answer(404, {"message": "no such image and no way to the registry"})
            case "/containers/c1/json":
                self._answer(200, {"Id": "c1", "Name": "/c1", "State": {"Status": "running"}, "Config": {"Image": "x"}})
            case "/containers/c1/wait":
                self._answer(200, {"StatusCode": 137})
            case _:
                self._answer(204, None)

    do_GET = do_POST = do_DELETE = _handle

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    found = Engine()
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{found.server_address[1]}")
    docker_engine._client.cache_clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the client libraries leave their connections to the collector
        yield found
        docker_engine._client.cache_clear()
        found.shutdown()
        found.server_close()
        thread.join()
        gc.collect()


def test_an_engine_that_answers_a_ping_is_found(engine: Engine) -> None:
    assert docker_engine.answers()
    assert ("GET", "/_ping") in engine.asked


def test_kafka_is_advertised_on_the_port_that_was_chosen_first(engine: Engine) -> None:
    started = docker_engine.start_kafka(19092, outlives_us=True)
    assert started == docker_engine.Contained("c1", 19092)
    created = engine.created
    assert created["Image"] == "apache/kafka:4.3.1"
    assert created["HostConfig"]["PortBindings"]["9092/tcp"][0]["HostPort"] == "19092"
    environment = dict(entry.split("=", 1) for entry in created["Env"])
    assert environment["KAFKA_ADVERTISED_LISTENERS"] == "PLAINTEXT://127.0.0.1:19092"
    assert environment == docker_engine.kafka_environment(19092)
    assert ("POST", "/containers/c1/start") in engine.asked


def test_postgresql_takes_enough_connections_and_its_url_has_the_port(engine: Engine) -> None:
    docker_engine.start_postgres(15432, outlives_us=True)
    assert engine.created["Image"] == "postgres:18"
    assert engine.created["Cmd"] == ["postgres", "-c", "max_connections=300"]
    assert engine.created["HostConfig"]["PortBindings"]["5432/tcp"][0]["HostPort"] == "15432"
    assert docker_engine.postgres_url(15432, "earnings").endswith("@127.0.0.1:15432/earnings")


def test_faults_become_the_engine_s_own_calls(engine: Engine) -> None:
    container = docker_engine.Contained("c1", 1)
    container.kill()
    container.pause()
    container.resume()
    container.start_again()
    container.stop()
    container.remove()
    assert container.alive()
    calls = [path for method, path in engine.asked if method in ("POST", "DELETE")]
    assert calls == [
        "/containers/c1/kill?signal=SIGKILL",
        "/containers/c1/wait",
        "/containers/c1/pause",
        "/containers/c1/unpause",
        "/containers/c1/start",
        "/containers/c1/stop?t=15",
        "/containers/c1?v=True&link=False&force=True",
    ]


def test_an_image_that_cannot_be_had_is_named(engine: Engine) -> None:
    engine.image_exists = False
    with pytest.raises(DevstackError, match=r"could not start apache/kafka:4\.3\.1"):
        docker_engine.start_kafka(19092, outlives_us=True)
