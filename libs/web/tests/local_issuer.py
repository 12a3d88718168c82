"""An OpenID Connect issuer for the tests: discovery, keys and a token endpoint over real HTTP; can go away and rotate."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

AUDIENCE = "in-work-progression"


class LocalIssuer:
    """`keys`: kid → (algorithm, private key). Counts the requests for its keys and tokens."""

    def __init__(self) -> None:
        self.keys: dict[str, tuple[str, Any]] = {
            "rsa-1": ("RS256", rsa.generate_private_key(65537, 2048)),
            "ec-1": ("ES256", ec.generate_private_key(ec.SECP256R1())),
        }
        self.discovery_extra: dict[str, Any] = {}
        self.key_fetches = 0
        self.tokens_given = 0
        self.fail = False
        self._port = 0
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def _start(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), _handler(self))
        self._port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def stop(self) -> None:
        """Nothing listens on the port any more."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def come_back(self) -> None:
        self._start()

    def public_jwk(self, kid: str) -> dict[str, Any]:
        algorithm, private = self.keys[kid]
        maker: Any = RSAAlgorithm if algorithm == "RS256" else ECAlgorithm
        return {**maker.to_jwk(private.public_key(), as_dict=True), "kid": kid, "use": "sig", "alg": algorithm}

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Claims of a good access token; a change to None leaves the claim out."""
        now = int(time.time())
        good = {
            "iss": self.url,
            "aud": AUDIENCE,
            "iat": now,
            "nbf": now,
            "exp": now + 300,
            "sub": "client-1",
            "client_id": "client-1",
        }
        return {name: value for name, value in {**good, "scope": "coach", **changes}.items() if value is not None}

    def token(self, kid: str = "ec-1", headers: dict[str, Any] | None = None, **claims: Any) -> str:
        algorithm, private = self.keys[kid]
        return jwt.encode(self.claims(**claims), private, algorithm, headers={"kid": kid, "typ": "at+jwt", **(headers or {})})


def _handler(issuer: LocalIssuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self, body: object) -> None:
            content = json.dumps(body).encode()
            self.send_response(500 if issuer.fail else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            if self.path == "/keys":
                issuer.key_fetches += 1
                self._answer({"keys": [issuer.public_jwk(kid) for kid in issuer.keys]})
            else:
                self._answer(
                    {
                        "issuer": issuer.url,
                        "jwks_uri": f"{issuer.url}/keys",
                        "token_endpoint": f"{issuer.url}/token",
                        **issuer.discovery_extra,
                    }
                )

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            issuer.tokens_given += 1
            self._answer({"access_token": issuer.token(jti=str(issuer.tokens_given)), "expires_in": 300})

        def log_message(self, format: str, *args: object) -> None:
            return

    return Handler
