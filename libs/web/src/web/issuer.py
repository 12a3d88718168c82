"""The OpenID Connect issuer's signing keys: discovered, cached for a minute, and never guessed.

When the issuer cannot be reached and the cache is old, nobody is let in (`IssuerUnavailable` → 503).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
import structlog

log = structlog.get_logger()

_ALGORITHMS = {"RSA": "RS256", "EC": "ES256"}
DEVELOPMENT_MARK = "development_issuer"
"""A development issuer says so in its discovery document; production refuses it."""


class IssuerUnavailable(Exception):
    """The issuer's keys cannot be had."""


class RefusedIssuer(ValueError):
    """Production may not trust this issuer."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key and the one algorithm it may be used with."""

    algorithm: str
    key: Any


def check_production(issuer: str) -> None:
    """Production needs https and a host that is not this machine. Raises RefusedIssuer."""
    parts = urlsplit(issuer)
    host = parts.hostname or ""
    try:
        local = ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost" or host.endswith(".localhost")
    if parts.scheme != "https" or local:
        raise RefusedIssuer("OIDC_ISSUER must be an https address of another host in production")


def check_discovery(discovery: Mapping[str, Any], issuer: str, *, production: bool) -> None:
    """The document is this issuer's own, and production's issuer is not a development one. Raises RefusedIssuer."""
    if discovery["issuer"] != issuer:
        raise RefusedIssuer("the discovery document names another issuer")
    if production and discovery.get(DEVELOPMENT_MARK):
        raise RefusedIssuer("a development issuer in production")


def _signing_keys(document: Mapping[str, Any]) -> dict[str, SigningKey]:
    found = {}
    for entry in document["keys"]:
        algorithm = _ALGORITHMS.get(entry.get("kty"))
        if algorithm is None or entry.get("use", "sig") != "sig" or entry.get("alg", algorithm) != algorithm:
            continue
        if algorithm == "ES256" and entry.get("crv") != "P-256":
            continue
        found[entry["kid"]] = SigningKey(algorithm, jwt.PyJWK(entry, algorithm).key)
    return found


class Issuer:
    """Keys of one issuer. Thread safe.

    ttl_s: how long keys are believed. refetch_s: how soon an unknown key id may cause another fetch, and how long a
    failed fetch is remembered.
    """

    def __init__(
        self, issuer: str, *, production: bool = False, ttl_s: float = 60.0, refetch_s: float = 2.0, timeout_s: float = 2.0
    ) -> None:
        if production:
            check_production(issuer)
        self.issuer = issuer
        self._production = production
        self._ttl_s = ttl_s
        self._refetch_s = refetch_s
        self._http = httpx.Client(timeout=timeout_s, follow_redirects=False)
        self._lock = threading.Lock()
        self._keys: dict[str, SigningKey] = {}
        self._fetched: float | None = None
        self._tried: float | None = None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def key(self, kid: str) -> SigningKey | None:
        """The key with that id, or None if the issuer has no such key. Raises IssuerUnavailable."""
        now = time.monotonic()
        fresh = self._fetched is not None and now - self._fetched < self._ttl_s
        if fresh and kid in self._keys:
            return self._keys[kid]
        with self._lock:
            now = time.monotonic()
            fresh = self._fetched is not None and now - self._fetched < self._ttl_s
            if fresh and kid in self._keys:
                return self._keys[kid]
            if self._tried is None or now - self._tried >= self._refetch_s:
                self._tried = now
                self._fetch()
            elif not fresh:
                raise IssuerUnavailable
            return self._keys.get(kid)

    def _fetch(self) -> None:
        try:
            discovery = self._json(self.issuer.rstrip("/") + "/.well-known/openid-configuration")
            check_discovery(discovery, self.issuer, production=self._production)
            keys = _signing_keys(self._json(discovery["jwks_uri"]))
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError, jwt.PyJWTError) as error:
            log.error("auth.issuer_unavailable", error=type(error).__name__)
            raise IssuerUnavailable from error
        self._keys = keys
        self._fetched = time.monotonic()

    def _json(self, url: str) -> Any:
        response = self._http.get(url)
        response.raise_for_status()
        return response.json()
