"""Every route tried without token and with every scope that it does not accept: a test that each service runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from fastapi import FastAPI

from web.app import declared_scopes
from web.principal import SCOPES


class Answer(Protocol):
    """The part of a response that is looked at."""

    @property
    def status_code(self) -> int:
        """HTTP status."""


class Client(Protocol):
    """An HTTP client of the running application, such as httpx.Client."""

    def request(self, method: str, url: str, *, headers: dict[str, str]) -> Answer:
        """Send a request."""


def open_doors(app: FastAPI, client: Client, token: Callable[[str], str]) -> list[str]:
    """What should have been refused but was not; empty for a healthy service.

    token: scope → an access token with that scope only. Expected: 401 without token, 403 with a scope that the route
    does not accept, 401 with any token where a static secret is asked for.
    """
    found = []
    for (method, path), accepted in sorted(declared_scopes(app).items()):
        if accepted == {"public"}:
            continue
        url = re.sub(r"\{[^}]*\}", "0", path)
        static = any(scope.startswith("bearer:") for scope in accepted)
        tries = [(None, 401), *((scope, 401 if static else 403) for scope in sorted(SCOPES - accepted))]
        for scope, expected in tries:
            headers = {} if scope is None else {"Authorization": f"Bearer {token(scope)}"}
            status = client.request(method, url, headers=headers).status_code
            if status != expected:
                found.append(f"{method} {path} as {scope or 'nobody'}: {status}, not {expected}")
    return found
