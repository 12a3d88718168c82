"""Only a fresh access token of the configured issuer, for us, signed by its published key, lets anybody in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import APIRouter, Depends
from live_server import serve
from local_issuer import LocalIssuer

from web import app as web_app
from web.auth import Authenticator, require
from web.issuer import Issuer, RefusedIssuer, check_discovery


def now() -> int:
    """Seconds since the epoch, when a test asks: the run began long before."""
    return int(time.time())


def _segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _unsigned(issuer: LocalIssuer) -> str:
    return f"{_segment({'alg': 'none', 'kid': 'ec-1', 'typ': 'at+jwt'})}.{_segment(issuer.claims())}."


def _hmac_with_public_key(issuer: LocalIssuer) -> str:
    public = issuer.keys["rsa-1"][1].public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    signing = f"{_segment({'alg': 'HS256', 'kid': 'rsa-1', 'typ': 'at+jwt'})}.{_segment(issuer.claims())}"
    mac = hmac.new(pem, signing.encode(), hashlib.sha256).digest()
    return f"{signing}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def _foreign_key(issuer: LocalIssuer, **headers: Any) -> str:
    stranger = ec.generate_private_key(ec.SECP256R1())
    return jwt.encode(issuer.claims(), stranger, "ES256", headers={"kid": "ec-1", "typ": "at+jwt", **headers})


def _other_algorithm(issuer: LocalIssuer) -> str:
    return jwt.encode(issuer.claims(), issuer.keys["rsa-1"][1], "RS512", headers={"kid": "rsa-1", "typ": "at+jwt"})


BAD: dict[str, Callable[[LocalIssuer], str]] = {
    "not a token": lambda issuer: "abc",
    "huge": lambda issuer: "a" * 20_000,
    "expired": lambda issuer: issuer.token(iat=now() - 900, nbf=now() - 900, exp=now() - 60),
    "not yet valid": lambda issuer: issuer.token(nbf=now() + 600, exp=now() + 900),
    "issued in the future": lambda issuer: issuer.token(iat=now() + 600, exp=now() + 900),
    "without end": lambda issuer: issuer.token(exp=None),
    "other audience": lambda issuer: issuer.token(aud="another-api"),
    "without audience": lambda issuer: issuer.token(aud=None),
    "other issuer": lambda issuer: issuer.token(iss="https://elsewhere.example"),
    "alg none": _unsigned,
    "HMAC with the public key": _hmac_with_public_key,
    "algorithm not allowed": _other_algorithm,
    "stranger's key under our kid": _foreign_key,
    "stranger's key by jku": lambda issuer: _foreign_key(issuer, kid="x", jku="https://elsewhere.example/keys"),
    "unknown kid": lambda issuer: _foreign_key(issuer, kid="nobody"),
    "without kid": lambda issuer: jwt.encode(issuer.claims(), issuer.keys["ec-1"][1], "ES256", headers={"typ": "at+jwt"}),
    "critical extension": lambda issuer: issuer.token(headers={"crit": ["b64"], "b64": False}),
    "id token by type": lambda issuer: issuer.token(headers={"typ": "id+jwt"}),
    "id token by nonce": lambda issuer: issuer.token(nonce="n"),
    "without scope": lambda issuer: issuer.token(scope=None),
    "without client": lambda issuer: issuer.token(client_id=None),
    "identity of the wrong form": lambda issuer: issuer.token(office_ids={"a": 1}),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_token_is_refused_without_saying_why(kind: str, sample: httpx.Client, shared_issuer: LocalIssuer) -> None:
    answer = sample.get("/v1/cases", headers={"Authorization": f"Bearer {BAD[kind](shared_issuer)}"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert set(body) == {"type", "title", "status", "code", "detail", "trace_id"}
    assert body["code"] == "unauthorized"


@pytest.mark.parametrize("header", [None, "", "Basic YTpi", "bearer"])
def test_without_a_bearer_token_nobody_gets_in(header: str | None, sample: httpx.Client) -> None:
    answer = sample.get("/v1/cases", headers={} if header is None else {"Authorization": header})
    assert answer.status_code == 401


@pytest.mark.parametrize("kid", ["ec-1", "rsa-1"])
@pytest.mark.parametrize("typ", ["at+jwt", "JWT"])
def test_a_good_token_gets_in(kid: str, typ: str, sample: httpx.Client, shared_issuer: LocalIssuer) -> None:
    token = shared_issuer.token(kid, headers={"typ": typ})
    assert sample.get("/v1/cases", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_the_wrong_scope_is_forbidden(sample: httpx.Client, shared_issuer: LocalIssuer) -> None:
    token = shared_issuer.token(scope="analyst employer")
    answer = sample.get("/v1/cases", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient-scope")
    assert answer.json()["detail"].endswith("It takes the scope coach.")


def _app(issuer: Issuer) -> Any:
    router = APIRouter(dependencies=[Depends(require("coach"))])

    @router.get("/v1/thing")
    def thing() -> dict[str, str]:
        return {}

    return web_app.create(title="t", routers=[router], authenticator=Authenticator(issuer), production=False)


def _status(client: httpx.Client, token: str) -> int:
    return client.get("/v1/thing", headers={"Authorization": f"Bearer {token}"}).status_code


def test_when_the_issuer_is_away_nobody_gets_in_and_everybody_may_try_again(own_issuer: LocalIssuer) -> None:
    token = own_issuer.token()
    own_issuer.stop()
    with serve(_app(Issuer(own_issuer.url, refetch_s=0))) as client:
        answer = client.get("/v1/thing", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["code"]) == (503, "issuer-unavailable")
        assert int(answer.headers["retry-after"]) > 0
        own_issuer.come_back()
        assert _status(client, token) == 200


def test_keys_are_not_believed_longer_than_their_time(own_issuer: LocalIssuer) -> None:
    token = own_issuer.token()
    with serve(_app(Issuer(own_issuer.url, ttl_s=0, refetch_s=0))) as client:
        assert _status(client, token) == 200
        own_issuer.fail = True
        assert _status(client, token) == 503


def test_a_key_that_the_issuer_withdrew_is_refused(own_issuer: LocalIssuer) -> None:
    token = own_issuer.token("ec-1")
    with serve(_app(Issuer(own_issuer.url, ttl_s=0, refetch_s=0))) as client:
        assert _status(client, token) == 200
        del own_issuer.keys["ec-1"]
        assert _status(client, token) == 401


def test_keys_are_fetched_once_and_again_when_a_new_key_appears(own_issuer: LocalIssuer) -> None:
    with serve(_app(Issuer(own_issuer.url, refetch_s=0))) as client:
        assert [_status(client, own_issuer.token()) for _ in range(5)] == [200] * 5
        assert own_issuer.key_fetches == 1
        own_issuer.keys["ec-2"] = ("ES256", ec.generate_private_key(ec.SECP256R1()))
        assert _status(client, own_issuer.token("ec-2")) == 200
        assert own_issuer.key_fetches == 2


def test_unknown_keys_cannot_make_us_hammer_the_issuer(own_issuer: LocalIssuer) -> None:
    with serve(_app(Issuer(own_issuer.url, refetch_s=60))) as client:
        assert _status(client, own_issuer.token()) == 200
        assert [_status(client, _foreign_key(own_issuer, kid=f"k{n}")) for n in range(20)] == [401] * 20
        assert own_issuer.key_fetches == 1


def test_a_discovery_document_of_another_issuer_is_not_believed(own_issuer: LocalIssuer) -> None:
    own_issuer.discovery_extra = {"issuer": "https://elsewhere.example"}
    with serve(_app(Issuer(own_issuer.url))) as client:
        assert _status(client, own_issuer.token()) == 503


@pytest.mark.parametrize(
    "address", ["http://issuer.example", "https://localhost:8110", "https://127.0.0.1", "https://[::1]", "https://a.localhost"]
)
def test_production_refuses_an_issuer_on_this_machine_or_without_tls(address: str) -> None:
    with pytest.raises(RefusedIssuer):
        Issuer(address, production=True)


def test_production_refuses_an_issuer_that_calls_itself_a_development_issuer() -> None:
    document = {"issuer": "https://id.example", "development_issuer": True}
    check_discovery(document, "https://id.example", production=False)
    with pytest.raises(RefusedIssuer, match="development"):
        check_discovery(document, "https://id.example", production=True)
