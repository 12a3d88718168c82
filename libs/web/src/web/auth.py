"""Access tokens and scopes. Every route says who may call it; what says nothing does not start (`web.app.create`).

Accepted: a JWT access token of the one configured issuer, signed RS256 or ES256 by a key that the issuer publishes
under the token's `kid`, for our audience, within its time. Key hints inside the token (`jku`, `jwk`, `x5u`) are ignored.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any

import jwt
import structlog
from fastapi import Request

from streaming.errors import Refused
from web import metrics, queries
from web.issuer import Issuer, IssuerUnavailable
from web.limits import Limiter
from web.principal import SCOPES, Principal, from_claims

log = structlog.get_logger()

AUDIENCE = "in-work-progression"
"""The `aud` of our access tokens."""

_ALGORITHMS = ("RS256", "ES256")
_TYPES = ("jwt", "at+jwt", "application/at+jwt")
_MAX_TOKEN = 16_384
_LEEWAY_S = 5


class _Rejected(Exception):
    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


def unauthorized() -> Refused:
    """401 without saying why; the cause is logged."""
    return Refused(401, "unauthorized")


class Authenticator:
    """Turns a bearer token into a Principal, and keeps each client within its rate. Thread safe."""

    def __init__(self, issuer: Issuer, *, audience: str = AUDIENCE, limiter: Limiter | None = None) -> None:
        self._issuer = issuer
        self._audience = audience
        self.limiter = limiter or Limiter()

    def principal(self, authorization: str | None) -> Principal:
        """The caller behind an Authorization header. Raises Refused (401, 503 when the issuer is away)."""
        try:
            return self._verified(authorization)
        except _Rejected as rejected:
            metrics.REJECTED_TOKENS.labels(rejected.cause).inc()
            log.warning("auth.rejected", cause=rejected.cause)
            raise unauthorized() from None
        except IssuerUnavailable:
            raise Refused(503, "issuer-unavailable", "Tokens cannot be checked now. Try again.", retry_after_s=2) from None

    def close(self) -> None:
        """Close the connections to the issuer."""
        self._issuer.close()

    def _verified(self, authorization: str | None) -> Principal:
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > _MAX_TOKEN:
            raise _Rejected("missing")
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            raise _Rejected("malformed") from None
        kid, algorithm = header.get("kid"), header.get("alg")
        if algorithm not in _ALGORITHMS or str(header.get("typ", "jwt")).lower() not in _TYPES or "crit" in header:
            raise _Rejected("header")
        signing = self._issuer.key(kid) if isinstance(kid, str) else None
        if signing is None or signing.algorithm != algorithm:
            raise _Rejected("key")
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                signing.key,
                algorithms=[signing.algorithm],
                audience=self._audience,
                issuer=self._issuer.issuer,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "iat", "iss", "aud"]},
            )
            return from_claims(claims)
        except jwt.PyJWTError as error:
            raise _Rejected(type(error).__name__) from None
        except ValueError as error:
            raise _Rejected(str(error)) from None


class Declared:
    """A dependency that says who may call a route; `scopes` is read by the deny-by-default check."""

    def __init__(self, scopes: frozenset[str], check: Callable[[Request], Principal]) -> None:
        self.scopes = scopes
        self._check = check

    def __call__(self, request: Request) -> Principal:
        return self._check(request)


def require(*scopes: str) -> Declared:
    """Dependency: the caller has at least one of the scopes. Gives the Principal.

    Then, in this order: within the client's rate (429), only documented query parameters (422).
    """
    wanted = frozenset(scopes)
    if not wanted or not wanted <= SCOPES:
        raise ValueError(f"unknown scopes {sorted(wanted - SCOPES)}" if wanted else "name at least one scope")
    one_of = "the scope" if len(wanted) == 1 else "one of the scopes"
    missing = f"This access token may not do that. It takes {one_of} {', '.join(sorted(wanted))}."

    def check(request: Request) -> Principal:
        authenticator: Authenticator = request.app.state.authenticator
        principal = authenticator.principal(request.headers.get("authorization"))
        request.state.principal = principal
        if not principal.has(*wanted):
            log.warning("auth.denied", client=principal.client_id, route=queries.template(request))
            raise Refused(403, "insufficient-scope", missing)
        authenticator.limiter.take(principal.client_id)
        queries.only_documented(request)
        return principal

    return Declared(wanted, check)


def static_bearer(name: str, secret: Callable[[Request], str]) -> Declared:
    """Dependency for a machine that cannot get tokens (a provider's receipts): one shared bearer secret.

    `secret` reads it from the application's state. The caller's client id is `name`.
    """

    def check(request: Request) -> Principal:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.encode(), secret(request).encode()):
            metrics.REJECTED_TOKENS.labels("static").inc()
            log.warning("auth.rejected", cause="static")
            raise unauthorized()
        request.app.state.authenticator.limiter.take(name)
        queries.only_documented(request)
        return Principal(client_id=name, scopes=frozenset())

    return Declared(frozenset({f"bearer:{name}"}), check)


def _public(request: Request) -> Principal:
    return Principal(client_id="anonymous", scopes=frozenset())


public = Declared(frozenset({"public"}), _public)
"""Dependency of the few routes that anybody may call (`/health/*`)."""
