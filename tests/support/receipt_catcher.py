"""A callback address for delivery receipts: remembers what it was sent, and can be told to refuse."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class ReceiptCatcher:
    def __init__(self, port: int) -> None:
        self.received: list[dict[str, Any]] = []
        self.refuse_next = 0
        self._changed = threading.Condition()
        catcher = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = catcher._take({**body, "path": self.path, "authorization": self.headers["Authorization"]})
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def _take(self, receipt: dict[str, Any]) -> int:
        with self._changed:
            if self.refuse_next:
                self.refuse_next -= 1
                return 503
            self.received.append(receipt)
            self._changed.notify_all()
            return 204

    def wait_for(self, notification_id: str, timeout: float = 15) -> dict[str, Any]:
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                for receipt in self.received:
                    if receipt["id"] == notification_id:
                        return receipt
                left = deadline - time.monotonic()
                assert left > 0, f"no receipt for {notification_id}"
                self._changed.wait(left)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
