"""Calls to another service's API: typed answers, own token, bounded retries.

ServiceError            the answer was no: status and code
└── ServiceUnavailable  no usable answer after all attempts; trying later can help
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import msgspec

from web.tokens import TokenSource

T = TypeVar("T")

_RETRIED = frozenset({429, 502, 503, 504})
_MAX_WAIT_S = 2.0


class ServiceError(Exception):
    """Another service refused. Holds no part of either body except the problem's code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code


class ServiceUnavailable(ServiceError):
    """Another service, or the issuer of our token, did not answer in time."""


class ServiceClient:
    """One other service. attempts: how often a repeatable request is sent at most. Thread safe; close it in the end."""

    def __init__(
        self, base_url: str, tokens: TokenSource, *, timeout_s: float = 3.0, attempts: int = 4, first_wait_s: float = 0.05
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._http = httpx.Client(timeout=timeout_s, follow_redirects=False)
        self._tokens = tokens
        self._attempts = attempts
        self._first_wait_s = first_wait_s

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, answer: type[T], *, params: Mapping[str, str] | None = None) -> T:
        """GET and decode the body as `answer` (msgspec). Raises ServiceError."""
        return self._decoded(self._send("GET", path, params=params), answer)

    def post(self, path: str, body: Any, answer: type[T], *, idempotency_key: str | None = None, repeatable: bool = False) -> T:
        """POST as JSON and decode the answer. Repeated on failure only with an idempotency key or when `repeatable`
        (a query that needs a body). Raises ServiceError."""
        headers = {"Content-Type": "application/json"}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        again = repeatable or idempotency_key is not None
        content = msgspec.json.encode(body)
        return self._decoded(self._send("POST", path, content=content, headers=headers, again=again), answer)

    def _decoded(self, response: httpx.Response, answer: type[T]) -> T:
        try:
            return msgspec.json.decode(response.content, type=answer)
        except msgspec.MsgspecError:
            raise ServiceError(response.status_code, "unexpected-body") from None

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        again: bool = True,
    ) -> httpx.Response:
        attempts = self._attempts if again else 1
        status, renewed = 0, False
        while attempts:
            attempts -= 1
            pause = self._first_wait_s * 2 ** (self._attempts - attempts - 1)
            try:
                token = self._tokens.token(self._http)
                response = self._http.request(
                    method,
                    self._base_url + path,
                    params=params,
                    content=content,
                    headers={**(headers or {}), "Authorization": f"Bearer {token}"},
                )
            except httpx.HTTPError:
                status = 0
            else:
                if response.is_success:
                    return response
                status = response.status_code
                if status == 401 and not renewed:  # the issuer's keys changed, or the token was cut short
                    renewed = True
                    self._tokens.forget(token)
                    attempts += 1
                    continue
                if status not in _RETRIED:
                    raise ServiceError(status, _code(response))
                pause = max(pause, _retry_after(response))
            if attempts:
                time.sleep(min(pause, _MAX_WAIT_S))
        raise ServiceUnavailable(status, "unavailable")


def _retry_after(response: httpx.Response) -> float:
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdecimal() else 0.0


def _code(response: httpx.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return "no-problem-body"
    return str(body.get("code", "no-code")) if isinstance(body, dict) else "no-code"
