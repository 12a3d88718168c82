"""Health of a process without an API (worker, relay): is it alive, is it ready, and its metrics, on METRICS_PORT.

    GET /health/live    503 when restarting the process would help: a step is stuck, or a check says so
    GET /health/ready   503 while it waits for a backend (database, broker, data keys) or has not started
    GET /metrics        Prometheus text

Waiting for a backend that is down is not being stuck: a restart would not bring it back.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest


@dataclass(slots=True)
class _Step:
    since: float | None = None
    reason: str | None = None


class Liveness:
    """Steps report here; thread safe.

    stuck_after_s: a step that began longer ago and has not ended is stuck.
    """

    def __init__(self, stuck_after_s: float) -> None:
        self._limit = stuck_after_s
        self._steps: dict[str, _Step] = {}
        self._checks: list[Callable[[], str | None]] = []
        self._lock = threading.Lock()
        self.started = False

    def begin(self, name: str) -> None:
        """The step runs from now on."""
        with self._lock:
            self._steps.setdefault(name, _Step()).since = time.monotonic()

    def waits(self, name: str, reason: str) -> None:
        """The step backs off because a backend is away: not ready, but not stuck either."""
        with self._lock:
            step = self._steps.setdefault(name, _Step())
            step.since, step.reason = None, reason

    def end(self, name: str) -> None:
        """The step came to its end."""
        with self._lock:
            self._steps.pop(name, None)

    def add_check(self, check: Callable[[], str | None]) -> None:
        """Ask `check` whenever liveness is asked for; it returns what is wrong, or None."""
        self._checks.append(check)

    def stuck(self) -> list[str]:
        """Why the process should be restarted; empty: it is alive."""
        now = time.monotonic()
        with self._lock:
            found = [
                f"{name} has not finished for {now - step.since:.0f} s"
                for name, step in self._steps.items()
                if step.since is not None and now - step.since > self._limit
            ]
        return found + [problem for check in self._checks if (problem := check()) is not None]

    def waiting(self) -> list[str]:
        """What the process waits for; empty: it is ready."""
        with self._lock:
            found = [f"{name}: {step.reason}" for name, step in self._steps.items() if step.reason is not None]
        return found if self.started else ["starting", *found]


class HealthServer:
    """Serves the three addresses from a thread of its own until `close`."""

    def __init__(self, port: int, liveness: Liveness, host: str = "0.0.0.0") -> None:  # noqa: S104 - probed from outside
        self._server = ThreadingHTTPServer((host, port), _handler(liveness))
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.5}, name="health", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


def _handler(liveness: Liveness) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version = "health"
        sys_version = ""
        timeout = 5

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest())
            elif self.path == "/health/live":
                self._health(liveness.stuck())
            elif self.path == "/health/ready":
                self._health(liveness.stuck() + liveness.waiting())
            else:
                self._answer(404, "text/plain", b"not found\n")

        def _health(self, problems: list[str]) -> None:
            body = {"status": "unhealthy" if problems else "ok", "problems": problems}
            self._answer(503 if problems else 200, "application/json", json.dumps(body).encode())

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Probes are not worth a log line."""

    return Handler
