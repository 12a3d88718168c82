"""A service in small: every command of a real one, with a health address, and ways to go wrong on request.

STANDIN_FAIL=<service>-<role> makes that process end at once with exit code 3.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def main(service: str) -> None:
    role = sys.argv[1]
    if os.environ.get("STANDIN_FAIL") == f"{service}-{role}":
        print(f"{service}: cannot go on because of a bad day", flush=True)
        raise SystemExit(3)
    if role == "migrate":
        import psycopg  # costs a third of a start, and only this command needs it

        with psycopg.connect(os.environ[f"{service.upper()}_DATABASE_URL"]) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS migrated (at timestamptz)")
        return
    port = int(sys.argv[3]) if role == "api" else int(os.environ["METRICS_PORT"])
    serve(port)


class Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def serve(port: int) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", port), Healthy)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.05)
    server.server_close()
