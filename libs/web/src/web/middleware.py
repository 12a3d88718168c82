"""What surrounds every request: trace id, bounded body, security headers, metrics, and the last line against errors.

Plain ASGI, outermost first. Bodies are read whole before the application runs: they are small by rule, a slow or large
one is cut off here, and commands need the bytes for their fingerprint.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
import traceback
from collections.abc import Mapping
from typing import Any

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web import metrics
from web.problems import problem

log = structlog.get_logger()

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_NUL_ESCAPE = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
STRICT_TRANSPORT = {"Strict-Transport-Security": "max-age=63072000; includeSubDomains"}


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _trace(scope: Scope) -> dict[str, str]:
    match = _TRACEPARENT.fullmatch(_header(scope, b"traceparent"))
    trace = match[1] if match and match[1] != "0" * 32 else secrets.token_hex(16)
    return {"trace_id": trace, "traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"}


class TraceAndGuard:
    """Outermost: gives the request its trace id, counts it, adds headers, and turns a bug into a bare 500."""

    def __init__(self, app: ASGIApp, extra_headers: Mapping[str, str] | None = None) -> None:
        self._app = app
        self._headers = {**SECURITY_HEADERS, **(extra_headers or {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace = _trace(scope)
        scope.setdefault("state", {}).update(trace)
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers["X-Trace-Id"] = trace["trace_id"]
            await send(message)

        began = time.monotonic()
        metrics.IN_PROGRESS.inc()
        try:
            await self._app(scope, receive, answer)
        except Exception as error:
            self._log(error, trace["trace_id"])
            if status:
                raise RuntimeError("the response broke off") from None
            await problem(Request(scope), 500)(scope, receive, answer)
        finally:
            metrics.IN_PROGRESS.dec()
            method, route = _labels(scope)
            metrics.REQUESTS.labels(method, route, str(status or 500)).inc()
            metrics.SECONDS.labels(method, route).observe(time.monotonic() - began)

    def _log(self, error: Exception, trace_id: str) -> None:
        """Where it went wrong, but not the exception's words: they may hold someone's data."""
        frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)[-8:]]
        log.error("request.failed", error=type(error).__name__, frames=frames, trace_id=trace_id)


_METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"})


def _labels(scope: Scope) -> tuple[str, str]:
    """Label values from the application's own text: a path or an invented method would be the caller's."""
    method = scope["method"] if scope["method"] in _METHODS else "other"
    return method, getattr(scope.get("route"), "path_format", None) or "unmatched"


class WholeBody:
    """Reads the body within its limits and leaves it in `request.state.body`."""

    def __init__(self, app: ASGIApp, max_bytes: int, timeout_s: float) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        if "\x00" in scope["path"] or b"%00" in scope.get("query_string", b""):
            await problem(request, 422)(scope, receive, send)
            return
        length = _header(scope, b"content-length")
        if length.isdecimal() and int(length) > self._max_bytes:
            await problem(request, 413, headers={"Connection": "close"})(scope, receive, send)
            return
        try:
            body = await asyncio.wait_for(self._read(receive), self._timeout_s)
        except TimeoutError:
            await problem(request, 408, headers={"Connection": "close"})(scope, receive, send)
            return
        if body is None:
            await problem(request, 413, headers={"Connection": "close"})(scope, receive, send)
            return
        if b"\x00" in body or _NUL_ESCAPE.search(body):  # no text column can hold it
            await problem(request, 422, errors=[{"in": "body", "field": None, "problem": "nul_character"}])(scope, receive, send)
            return
        scope["state"]["body"] = body
        await self._app(scope, _replay(body, receive), send)

    async def _read(self, receive: Receive) -> bytes | None:
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return b""  # the caller hung up; nobody reads the answer
            size += len(message.get("body", b""))
            if size > self._max_bytes:
                return None
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    pending: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return pending.pop() if pending else await receive()

    return next_message
