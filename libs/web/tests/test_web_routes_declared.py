"""Every route says who may call it, in code and in the OpenAPI document; what says nothing does not start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI
from live_server import serve
from local_issuer import LocalIssuer
from prometheus_client import REGISTRY
from sample_service import RECEIPT_SECRET

from streaming.errors import Refused
from web import app as web_app
from web import headers, matrix, openapi
from web.app import UndeclaredRoute
from web.auth import Authenticator, public, require
from web.issuer import Issuer
from web.limits import Limiter
from web.principal import Principal

Coach = Annotated[Principal, Depends(require("coach", "team-leader"))]


def _create(*routers: APIRouter, production: bool = False, limiter: Limiter | None = None, issuer: str = "http://x") -> FastAPI:
    authenticator = Authenticator(Issuer(issuer), limiter=limiter)
    return web_app.create(title="t", routers=routers, authenticator=authenticator, production=production)


def _router(with_scopes: bool = True) -> APIRouter:
    router = APIRouter(prefix="/v1")

    @router.get("/open", dependencies=[Depends(public)])
    def open_to_all() -> dict[str, str]:
        return {}

    @router.get("/things/{thing_id}")
    def thing(thing_id: str, principal: Coach) -> dict[str, str]:
        return {"role": principal.role}

    if not with_scopes:

        @router.delete("/things/{thing_id}")
        def forgotten(thing_id: str) -> None:
            return None

    return router


def test_an_application_with_a_silent_route_does_not_start() -> None:
    with pytest.raises(UndeclaredRoute, match=r"DELETE /v1/things/\{thing_id\}"):
        _create(_router(with_scopes=False))


def test_a_silent_route_added_later_stops_the_start() -> None:
    app = _create(_router())

    @app.get("/v1/late")
    def late() -> None:
        return None

    with pytest.raises(UndeclaredRoute, match="GET /v1/late"):
        web_app.check_declared(app)


def test_an_unknown_scope_is_a_mistake_in_code() -> None:
    with pytest.raises(ValueError, match="coahc"):
        require("coahc")
    with pytest.raises(ValueError, match="at least one"):
        require()


def test_scopes_are_in_the_openapi_document() -> None:
    app = _create(_router())
    paths = app.openapi()["paths"]
    assert paths["/v1/things/{thing_id}"]["get"]["x-scopes"] == ["coach", "team-leader"]
    assert paths["/v1/things/{thing_id}"]["get"]["security"] == [{"token": []}]
    assert paths["/v1/open"]["get"]["x-scopes"] == ["public"]
    assert paths["/v1/open"]["get"]["security"] == []
    assert app.openapi()["openapi"].startswith("3.1")
    assert openapi.unlisted(app) == []


def test_errors_are_described_as_they_are_sent() -> None:
    document = _create(_router()).openapi()
    responses = document["paths"]["/v1/things/{thing_id}"]["get"]["responses"]
    assert "422" not in responses
    assert list(responses["default"]["content"]) == ["application/problem+json"]
    assert not {"HTTPValidationError", "ValidationError"} & set(document["components"]["schemas"])


def _headers(operation: dict[str, Any]) -> dict[str, bool]:
    return {one["name"]: one["required"] for one in operation.get("parameters", []) if one["in"] == "header"}


def test_the_document_names_the_headers_that_a_change_needs(sample_app: FastAPI) -> None:
    paths = sample_app.openapi()["paths"]
    hold, read = paths["/v1/cases/{case_id}/hold"]["post"], paths["/v1/cases/{case_id}"]["get"]
    assert _headers(hold) == {"Idempotency-Key": True, "If-Match": True}
    assert _headers(read) == _headers(paths["/v1/receipts"]["post"]) == {}
    assert "ETag" in hold["responses"]["200"]["headers"]
    assert "ETag" in read["responses"]["200"]["headers"]
    assert sample_app.openapi()["paths"]["/v1/cases/{case_id}/hold"]["post"]["parameters"] == hold["parameters"]


def test_what_replaces_needs_the_tag_only_where_something_is_and_what_reads_needs_nothing() -> None:
    router = APIRouter(prefix="/v1", dependencies=[Depends(require("operator"))])

    @router.put("/things/{thing_id}", dependencies=headers.REPLACES)
    def put(thing_id: str) -> None:
        return None

    @router.delete("/things/{thing_id}", status_code=204, dependencies=headers.CHANGES)
    def delete(thing_id: str) -> None:
        return None

    @router.post("/things/search", dependencies=headers.READS_ONLY)
    def search() -> None:
        return None

    paths = _create(router).openapi()["paths"]
    things = paths["/v1/things/{thing_id}"]
    assert _headers(things["put"]) == {"Idempotency-Key": False, "If-Match": False}
    assert [status for status, answer in things["put"]["responses"].items() if "ETag" in answer.get("headers", {})] == [
        "200",
        "201",
    ]
    assert _headers(things["delete"]) == {"Idempotency-Key": False, "If-Match": True}
    assert "headers" not in things["delete"]["responses"]["204"]
    assert _headers(paths["/v1/things/search"]["post"]) == {}


def test_a_route_hidden_from_the_document_is_found() -> None:
    router = APIRouter(prefix="/v1", dependencies=[Depends(require("operator"))])

    @router.get("/hidden", include_in_schema=False)
    def hidden() -> None:
        return None

    assert openapi.unlisted(_create(router)) == ["GET /v1/hidden"]


def test_every_door_of_the_sample_service_is_shut(sample: httpx.Client, sample_app: FastAPI, shared_issuer: LocalIssuer) -> None:
    assert matrix.open_doors(sample_app, sample, lambda scope: shared_issuer.token(scope=scope)) == []


def test_a_door_left_open_is_found(shared_issuer: LocalIssuer) -> None:
    served, intended = _create(_router(), issuer=shared_issuer.url), APIRouter(prefix="/v1")

    @intended.get("/things/{thing_id}", dependencies=[Depends(require("operator"))])
    def thing(thing_id: str) -> None:
        return None

    with serve(served) as client:
        found = matrix.open_doors(_create(intended), client, lambda scope: shared_issuer.token(scope=scope))
    assert found == [f"GET /v1/things/{{thing_id}} as {scope}: 200, not 403" for scope in ("coach", "team-leader")]


def test_the_committed_document_is_written_once_and_checked_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "openapi.json"
    app = _create(_router())
    assert not openapi.export(app, path, check=True)
    assert openapi.export(app, path)
    assert openapi.export(app, path, check=True)
    assert json.loads(path.read_text())["info"]["title"] == "t"
    path.write_text(path.read_text().replace("team-leader", "leader"))
    assert not openapi.export(app, path, check=True)


def test_production_has_no_document_page_and_insists_on_tls() -> None:
    app = web_app.create(
        title="t",
        routers=[_router()],
        authenticator=Authenticator(Issuer("https://id.example", production=True)),
        production=True,
    )
    with serve(app) as client:
        for path in ("/openapi.json", "/docs", "/redoc"):
            assert client.get(path).status_code == 404
        assert "max-age" in client.get("/v1/open").headers["strict-transport-security"]


def test_a_noisy_client_is_slowed_and_others_are_not(shared_issuer: LocalIssuer) -> None:
    app = _create(_router(), limiter=Limiter(rate=0.5, burst=3), issuer=shared_issuer.url)

    def call(client: httpx.Client, name: str) -> httpx.Response:
        token = shared_issuer.token(client_id=name, sub=name)
        return client.get("/v1/things/1", headers={"Authorization": f"Bearer {token}"})

    with serve(app) as client:
        answers = [call(client, "noisy") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert 1 <= int(answers[3].headers["retry-after"]) <= 2
        assert call(client, "quiet").status_code == 200


def test_a_bucket_fills_again_at_its_rate_and_no_higher_than_its_burst() -> None:
    seconds = [0.0]
    limiter = Limiter(rate=2, burst=3, monotonic=lambda: seconds[0])

    def taken() -> int:
        for number in range(10):
            try:
                limiter.take("a")
            except Refused:
                return number
        raise AssertionError("no limit")

    assert taken() == 3
    seconds[0] = 0.5
    assert taken() == 1
    seconds[0] = 1000.0
    assert taken() == 3


def test_a_refusal_says_how_long_to_wait() -> None:
    limiter = Limiter(rate=0.1, burst=1, monotonic=lambda: 0.0)
    limiter.take("a")
    with pytest.raises(Refused) as refused:
        limiter.take("a")
    assert (refused.value.status, refused.value.retry_after_s) == (429, 10)


@pytest.mark.parametrize(
    ("header", "status"),
    [(f"Bearer {RECEIPT_SECRET}", 200), ("Bearer wrong", 401), (f"Basic {RECEIPT_SECRET}", 401), (None, 401)],
)
def test_a_provider_without_tokens_uses_its_one_secret(header: str | None, status: int, sample: httpx.Client) -> None:
    headers = {} if header is None else {"Authorization": header}
    assert sample.post("/v1/receipts", json={"a": 1}, headers=headers).status_code == status


def test_request_metrics_carry_templates_and_no_ids(sample: httpx.Client, coach: dict[str, str]) -> None:
    sample.get("/v1/cases/secret-id", headers=coach)
    sample.get("/secret-path", headers=coach)
    sample.request("SECRET", "/v1/cases", headers=coach)
    labels: list[dict[str, Any]] = [
        dict(sample_.labels) for metric in REGISTRY.collect() if metric.name.startswith("iwp_http") for sample_ in metric.samples
    ]
    assert {"method": "GET", "route": "/v1/cases/{case_id}", "status": "404"} in labels
    assert {"method": "GET", "route": "unmatched", "status": "404"} in labels
    assert "secret" not in json.dumps(labels).lower()
