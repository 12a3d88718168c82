"""A development OIDC issuer: client credentials only, ES256, clients from the credentials file.

Production settings refuse it: its address is not https.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
import time
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote_plus

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI, Form, Header
from fastapi.responses import JSONResponse
from jwt.algorithms import ECAlgorithm

from devstack import credentials
from devstack.credentials import Client, Credentials

AUDIENCE = "in-work-progression"
LIFETIME_S = 3600


class SigningKey:
    """A key made when the issuer starts; its id is the RFC 7638 thumbprint."""

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        public: dict[str, Any] = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        required = json.dumps({name: public[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
        self.kid = base64.urlsafe_b64encode(hashlib.sha256(required.encode()).digest()).rstrip(b"=").decode()
        self.jwk = {**public, "kid": self.kid, "use": "sig", "alg": "ES256"}

    def sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self.private, algorithm="ES256", headers={"kid": self.kid, "typ": "at+jwt"})


class KnownClients:
    """The credentials file, read again whenever it changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._content: Credentials | None = None

    def find(self, client_id: str, client_secret: str) -> Client | None:
        """The client if the secret is right."""
        content = self._current()
        if content is None:
            return None
        for client in content.clients.values():
            if client.client_id == client_id:
                right = secrets.compare_digest(client.client_secret.encode(), client_secret.encode())
                return client if right else None
        return None

    def _current(self) -> Credentials | None:
        try:
            stat = self._path.stat()
            seen = (stat.st_mtime_ns, stat.st_ino)
            if seen != self._seen:
                self._content, self._seen = credentials.read(self._path), seen
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        return self._content


def create(issuer: str, clients_file: Path) -> FastAPI:
    """The application; `issuer` is its public address, without a slash at the end."""
    app = FastAPI(title="Development OIDC issuer")
    key, clients = SigningKey(), KnownClients(clients_file)

    @app.get("/.well-known/openid-configuration")
    async def configuration() -> dict[str, object]:
        return {
            "issuer": issuer,
            "development_issuer": True,  # production refuses an issuer that says so
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/jwks.json",
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        }

    @app.get("/jwks.json")
    async def jwks() -> dict[str, object]:
        return {"keys": [key.jwk]}

    @app.post("/token")
    async def token(
        grant_type: Annotated[str, Form()] = "",
        client_id: Annotated[str, Form()] = "",
        client_secret: Annotated[str, Form()] = "",
        scope: Annotated[list[str] | None, Form()] = None,
        authorization: Annotated[str | None, Header()] = None,
    ) -> JSONResponse:
        if grant_type != "client_credentials":
            return _refuse(400, "unsupported_grant_type")
        if authorization is not None:
            basic = _basic(authorization)
            if basic is None:
                return _refuse(401, "invalid_client")
            client_id, client_secret = basic
        client = clients.find(client_id, client_secret)
        if client is None:
            return _refuse(401, "invalid_client")
        # One parameter with spaces as RFC 6749 says, or repeated: both are understood.
        wanted = " ".join(scope or ()).split()
        if not set(wanted) <= set(client.scopes):
            return _refuse(400, "invalid_scope")
        granted = " ".join(wanted or client.scopes)
        claims = _claims(issuer, client, granted)
        body = {"access_token": key.sign(claims), "token_type": "Bearer", "expires_in": LIFETIME_S, "scope": granted}
        return JSONResponse(body, headers={"Cache-Control": "no-store"})

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "up"}

    return app


def _claims(issuer: str, client: Client, scope: str) -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": client.client_id,
        "client_id": client.client_id,
        "scope": scope,
        "iat": now,
        "nbf": now,
        "exp": now + LIFETIME_S,
        "jti": secrets.token_urlsafe(16),
        **client.identity(),
    }


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (unquote_plus(user), unquote_plus(password)) if colon else None


def _refuse(status: int, error: str) -> JSONResponse:
    headers = {"Cache-Control": "no-store"}
    if status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="token"'
    return JSONResponse({"error": error}, status_code=status, headers=headers)
