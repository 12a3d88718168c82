"""An id may hold a slash: it is sent as %2F and is one part of the path."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from web.slashes import SlashesInIds

Get = Callable[[str], httpx.Response]


@pytest.fixture
def get() -> Get:
    routes = APIRouter(prefix="/v1/claims")

    @routes.get("/{claim_id}")
    def claim(claim_id: str) -> str:
        return claim_id

    @routes.get("/{claim_id}/periods")
    def periods(claim_id: str) -> str:
        return f"periods of {claim_id}"

    app = FastAPI()
    app.include_router(routes)
    app.add_middleware(SlashesInIds)

    async def ask(path: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as http:
            return await http.get(path)

    return lambda path: asyncio.run(ask(path))


@pytest.mark.parametrize(
    ("sent", "meant"),
    [("a%2Fb", "a/b"), ("a%2fb%2F", "a/b/"), ("k%2F%C3%A4%20%3F%239", "k/ä ?#9"), ("a%252Fb", "a%2Fb"), ("17", "17")],
)
def test_an_id_is_one_part_of_the_path(get: Get, sent: str, meant: str) -> None:
    assert get(f"/v1/claims/{sent}").json() == meant
    assert get(f"/v1/claims/{sent}/periods").json() == f"periods of {meant}"


def test_a_plain_slash_still_parts_the_path(get: Get) -> None:
    assert get("/v1/claims/a/b").status_code == 404
