"""The API document says what answers hold, without any effect on them; where it says nothing is found."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI
from live_server import serve
from pydantic import BaseModel, Field
from starlette.responses import Response

from web import app as web_app
from web import openapi
from web.answers import Answered, Page, described
from web.auth import Authenticator, public
from web.issuer import Issuer


class Thing(Answered):
    thing_id: str
    size: int


class Asked(BaseModel):
    model_config = {"extra": "forbid"}
    wish: str


def _create(router: APIRouter) -> FastAPI:
    return web_app.create(title="t", routers=[router], authenticator=Authenticator(Issuer("http://x")), production=False)


def _things() -> FastAPI:
    router = APIRouter(prefix="/v1/things", dependencies=[Depends(public)])

    @router.get("", responses=described(Page[Thing]))
    def listed() -> dict[str, Any]:
        return {"items": [{"thing_id": "t", "size": "large", "more": 1}], "next": None}

    @router.get("/{thing_id}", responses=described(Thing, tagged=True) | described(Thing | Page[Thing], 404))
    def read(thing_id: str) -> dict[str, str]:
        return {"thing_id": thing_id}

    @router.post("/asked", responses=described(Thing))
    def asked(body: Asked) -> Response:
        return Response(status_code=204)

    return _create(router)


def test_the_model_stands_in_the_document_instead_of_the_return_type() -> None:
    paths = _things().openapi()["paths"]
    listed, read = paths["/v1/things"]["get"]["responses"], paths["/v1/things/{thing_id}"]["get"]["responses"]
    assert listed["200"]["content"] == {"application/json": {"schema": {"$ref": "#/components/schemas/Page_Thing_"}}}
    assert read["200"]["content"] == {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}
    assert [len(one) for one in read["404"]["content"]["application/json"]["schema"].values()] == [2]
    assert read["404"]["content"].keys() == {"application/json", "application/problem+json"}, "a part may be away anywhere"
    assert ["ETag" in read[status].get("headers", {}) for status in ("200", "404")] == [True, False]


def test_what_is_sent_stays_as_the_route_returns_it() -> None:
    with serve(_things()) as client:
        assert client.get("/v1/things").content == b'{"items":[{"thing_id":"t","size":"large","more":1}],"next":null}'
        assert client.get("/v1/things/7").content == b'{"thing_id":"7"}'


def test_fields_of_answers_do_not_become_names_of_wrong_input() -> None:
    with serve(_things()) as client:
        body = {"size": 9, "wish": 1}
        errors = client.post("/v1/things/asked", json=body).json()["errors"]
    assert [(error["field"], error["problem"]) for error in errors] == [("wish", "string_type"), (None, "extra_forbidden")]


def test_answers_of_which_nothing_is_said_are_found() -> None:
    class Loose(Answered):
        anything: Any
        told: Annotated[Any, Field(description="Whatever the caller stored")]
        rows: list[Any]
        counts: dict[str, int]
        extra: dict[str, Any]
        inner: list[Thing | dict[str, list[Any]]] | None

    router = APIRouter(dependencies=[Depends(public)])

    @router.get("/loose", responses=described(Loose))
    def loose() -> dict[str, Any]:
        return {}

    @router.get("/page", responses=described(Page[Any]))
    def page() -> dict[str, Any]:
        return {}

    @router.get("/dict")
    def plain() -> dict[str, Any]:
        return {}

    @router.get("/any")
    def anything() -> Any:
        return {}

    @router.post("/response", responses={202: {"description": "Later"}})
    def response() -> Response:
        return Response()

    @router.delete("/nothing", status_code=204)
    def nothing() -> None:
        return None

    @router.get("/said", responses=described(Page[Thing]))
    def said() -> Response:
        return Response()

    assert openapi.unsaid(_create(router).openapi()) == [
        "GET /any 200",
        "GET /dict 200",
        "GET /loose 200 anything",
        "GET /loose 200 inner[][]",
        "GET /loose 200 rows[]",
        "GET /page 200 items[]",
        "POST /response 200",
        "POST /response 202",
    ]
