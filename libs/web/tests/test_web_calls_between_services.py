"""Calls to another service carry our own token, are repeated within bounds, and never twice when that could do harm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import APIRouter, Depends, FastAPI, Request
from live_server import serve
from local_issuer import LocalIssuer
from pydantic import SecretStr
from starlette.responses import Response

from streaming.errors import Refused
from web import app as web_app
from web.auth import Authenticator, require
from web.client import ServiceClient, ServiceError, ServiceUnavailable
from web.issuer import Issuer
from web.principal import Principal
from web.tokens import TokenSource

Caller = Annotated[Principal, Depends(require("coach"))]


class Answer(msgspec.Struct):
    number: int


class Other:
    """The other service: fails as often as told, and counts."""

    def __init__(self) -> None:
        self.failures = 0
        self.calls = 0

    def answer(self) -> dict[str, int]:
        self.calls += 1
        if self.failures > 0:
            self.failures -= 1
            raise Refused(503, "busy", retry_after_s=0)
        return {"number": self.calls}


def _app(other: Other, issuer: LocalIssuer) -> FastAPI:
    router = APIRouter(prefix="/v1")

    @router.get("/number")
    def get_number(caller: Caller) -> dict[str, int]:
        return other.answer()

    @router.post("/number")
    def post_number(request: Request, caller: Caller) -> dict[str, int]:
        return other.answer()

    @router.get("/no")
    def no(caller: Caller) -> Response:
        raise Refused(409, "illegal-move", allowed=["nothing"])

    @router.get("/strange")
    def strange(caller: Caller) -> Any:
        return {"number": "QQ123456C"}

    return web_app.create(
        title="other", routers=[router], authenticator=Authenticator(Issuer(issuer.url, refetch_s=0, ttl_s=0)), production=False
    )


@pytest.fixture
def other() -> Other:
    return Other()


@pytest.fixture
def client(other: Other, own_issuer: LocalIssuer) -> Iterator[ServiceClient]:
    tokens = TokenSource(own_issuer.url, "us", SecretStr("s"), ("coach",))
    with serve(_app(other, own_issuer)) as http, ServiceClient(str(http.base_url), tokens, first_wait_s=0.001) as made:
        yield made


def test_one_token_serves_many_calls(client: ServiceClient, own_issuer: LocalIssuer) -> None:
    assert [client.get("/v1/number", Answer).number for _ in range(5)] == [1, 2, 3, 4, 5]
    assert own_issuer.tokens_given == 1


def test_a_busy_service_is_asked_again(client: ServiceClient, other: Other) -> None:
    other.failures = 3
    assert client.get("/v1/number", Answer).number == 4


def test_asking_ends_after_some_attempts(client: ServiceClient, other: Other) -> None:
    other.failures = 100
    with pytest.raises(ServiceUnavailable) as error:
        client.get("/v1/number", Answer)
    assert (error.value.status, other.calls) == (503, 4)


def test_a_post_is_repeated_only_when_that_is_safe(client: ServiceClient, other: Other) -> None:
    other.failures = 1
    with pytest.raises(ServiceUnavailable):
        client.post("/v1/number", {}, Answer)
    assert other.calls == 1
    other.failures = 1
    assert client.post("/v1/number", {}, Answer, idempotency_key="k").number == 3
    other.failures = 1
    assert client.post("/v1/number", {}, Answer, repeatable=True).number == 5


def test_a_refused_token_is_replaced_once(client: ServiceClient, own_issuer: LocalIssuer) -> None:
    client.get("/v1/number", Answer)
    own_issuer.keys["ec-1"] = ("ES256", ec.generate_private_key(ec.SECP256R1()))
    assert client.get("/v1/number", Answer).number == 2
    assert own_issuer.tokens_given == 2


def test_a_refusal_is_an_error_with_its_code(client: ServiceClient) -> None:
    with pytest.raises(ServiceError) as error:
        client.get("/v1/no", Answer)
    assert (error.value.status, error.value.code) == (409, "illegal-move")
    assert not isinstance(error.value, ServiceUnavailable)


def test_an_answer_of_another_form_is_an_error_without_its_content(client: ServiceClient) -> None:
    with pytest.raises(ServiceError, match="unexpected-body") as error:
        client.get("/v1/strange", Answer)
    assert "QQ" not in str(error.value)


def test_without_issuer_there_is_no_call(client: ServiceClient, own_issuer: LocalIssuer, other: Other) -> None:
    own_issuer.stop()
    with pytest.raises(ServiceUnavailable):
        client.get("/v1/number", Answer)
    assert other.calls == 0
