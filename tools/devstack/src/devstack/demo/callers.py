"""The people of the demo as HTTP callers: each with their own token, nothing but the public APIs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from devstack.credentials import Client
from devstack.errors import DevstackError

RETRIES = 40
RENEW_BEFORE_S = 60.0
IDLE_S = 2.0
"""How long a connection waits for the next request: servers close theirs after 5 s, and one used at that moment is lost."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said. etag: of a single resource."""

    status: int
    body: Any
    etag: str | None

    @property
    def ok(self) -> bool:
        """2xx."""
        return 200 <= self.status < 300


class Callers:
    """Makes callers; counts every answer that was not a success by route-less code, so that nothing fails in silence."""

    def __init__(self, urls: Mapping[str, str], token_endpoint: str) -> None:
        self.refused: Counter[str] = Counter()
        self.calls = 0
        self._urls = dict(urls)
        self._token_endpoint = token_endpoint
        limits = httpx.Limits(max_keepalive_connections=16, keepalive_expiry=IDLE_S)
        self._http = httpx.Client(timeout=20.0, limits=limits)

    def caller(self, client: Client) -> Caller:
        """A caller with this client's scopes and identity."""
        return Caller(self, client)

    def token(self, client: Client) -> tuple[str, float]:
        """(token, monotonic time at which to renew it)."""
        form = {"grant_type": "client_credentials", "client_id": client.client_id, "client_secret": client.client_secret}
        answer = self._http.post(self._token_endpoint, data=form)
        if answer.status_code != 200:
            raise DevstackError(f"no token for {client.client_id}: {answer.status_code} {answer.text[:200]}")
        body = answer.json()
        return body["access_token"], time.monotonic() + float(body.get("expires_in", 300)) - RENEW_BEFORE_S

    def send(self, method: str, service: str, path: str, headers: Mapping[str, str], body: Any) -> Answer:
        """One request; 503 is repeated as the service asks. Raises DevstackError on 5xx that stay, or no connection."""
        for attempt in range(RETRIES):
            self.calls += 1
            try:
                answer = self._http.request(method, self._urls[service] + path, headers=dict(headers), json=body)
            except httpx.TransportError as error:
                if attempt == RETRIES - 1:
                    raise DevstackError(f"{service} does not answer: {type(error).__name__}") from error
                time.sleep(0.25)
                continue
            if answer.status_code == 503 and attempt < RETRIES - 1:
                time.sleep(min(float(answer.headers.get("retry-after", 1)), 1.0))
                continue
            break
        if answer.status_code >= 500:
            raise DevstackError(f"{service} answered {answer.status_code} to {method} {path.split('?')[0]}: {answer.text[:500]}")
        content = answer.json() if answer.content and "json" in answer.headers.get("content-type", "") else None
        if answer.status_code >= 400:
            code = content.get("code") or content.get("type") or content.get("title") if isinstance(content, dict) else None
            self.refused[f"{service} {method} {answer.status_code} {code}"] += 1
        return Answer(answer.status_code, content, answer.headers.get("etag"))

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()


class Caller:
    """One person or organisation. Every change has an Idempotency-Key of its own."""

    def __init__(self, callers: Callers, client: Client) -> None:
        self.client = client
        self._callers = callers
        self._token: tuple[str, float] | None = None
        self._keys = 0

    def get(self, service: str, path: str) -> Answer:
        """Read."""
        return self._callers.send("GET", service, path, self._headers(), None)

    def items(self, service: str, path: str) -> list[dict[str, Any]]:
        """All pages of a list. Raises DevstackError when the list is refused."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            more = "" if cursor is None else f"{'&' if '?' in path else '?'}cursor={cursor}"
            answer = self.get(service, path + more)
            if not answer.ok:
                raise DevstackError(f"{service} refused a list to {self.client.client_id}: {answer.status} {answer.body}")
            found += answer.body["items"]
            cursor = answer.body["next"]
            if cursor is None:
                return found

    def post(self, service: str, path: str, body: Any, etag: str | None = None) -> Answer:
        """Change, with If-Match where a resource exists."""
        return self._change("POST", service, path, body, etag)

    def put(self, service: str, path: str, body: Any, etag: str | None = None) -> Answer:
        """Create or replace."""
        return self._change("PUT", service, path, body, etag)

    def delete(self, service: str, path: str, etag: str | None = None) -> Answer:
        """End something."""
        return self._change("DELETE", service, path, None, etag)

    def _change(self, method: str, service: str, path: str, body: Any, etag: str | None) -> Answer:
        self._keys += 1
        headers = {**self._headers(), "Idempotency-Key": f"{self.client.client_id}-{self._keys}"}
        if etag is not None:
            headers["If-Match"] = etag
        return self._callers.send(method, service, path, headers, body)

    def _headers(self) -> dict[str, str]:
        if self._token is None or time.monotonic() > self._token[1]:
            self._token = self._callers.token(self.client)
        return {"Authorization": f"Bearer {self._token[0]}"}
