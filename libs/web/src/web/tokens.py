"""Access tokens for calls between services: OAuth 2 client credentials, cached until shortly before they end."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx
from pydantic import SecretStr

_EARLY_S = 30.0


class TokenSource:
    """Gets and keeps one client's token. Thread safe. Raises httpx.HTTPError when the issuer does not give one."""

    def __init__(self, issuer: str, client_id: str, client_secret: SecretStr, scopes: tuple[str, ...] = ()) -> None:
        self._issuer = issuer.rstrip("/")
        self._client_id = client_id
        self._client_secret = client_secret
        self._scopes = scopes
        self._lock = threading.Lock()
        self._token = ""
        self._usable_until = 0.0
        self._endpoint = ""

    def token(self, http: httpx.Client) -> str:
        """A token that is good for the next seconds."""
        with self._lock:
            if time.monotonic() >= self._usable_until:
                self._fetch(http)
            return self._token

    def forget(self, token: str) -> None:
        """The token was refused: get another one next time."""
        with self._lock:
            if token == self._token:
                self._usable_until = 0.0

    def _fetch(self, http: httpx.Client) -> None:
        if not self._endpoint:
            self._endpoint = str(_json(http.get(f"{self._issuer}/.well-known/openid-configuration"))["token_endpoint"])
        form = {"grant_type": "client_credentials"}
        if self._scopes:
            form["scope"] = " ".join(self._scopes)
        secret = self._client_secret.get_secret_value()
        answer = _json(http.post(self._endpoint, data=form, auth=(self._client_id, secret)))
        life_s = float(answer.get("expires_in", 60))
        self._token = str(answer["access_token"])
        self._usable_until = time.monotonic() + max(life_s - _EARLY_S, life_s / 2)


def _json(response: httpx.Response) -> Any:
    response.raise_for_status()
    return response.json()
