"""Answers are held against the documents: what is missing, more, of another form or kind, or not documented at all is found."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.support.documented_answers import Documented

JSON, PROBLEM = "application/json", "application/problem+json"
DOCUMENT = {
    "components": {
        "schemas": {
            "Thing": {
                "type": "object",
                "properties": {"on": {"type": "string", "format": "date"}, "at": {"type": "string", "format": "date-time"}},
                "required": ["on"],
                "additionalProperties": False,
            },
            "Problem": {"type": "object", "required": ["code"]},
        }
    },
    "paths": {
        "/things/{id}": {
            "get": {
                "responses": {
                    "200": {"content": {JSON: {"schema": {"$ref": "#/components/schemas/Thing"}}}},
                    "default": {"content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}},
                }
            },
            "delete": {"responses": {"204": {}}},
        },
        "/things/{id}.txt": {"get": {"responses": {"200": {"content": {"text/plain": {"schema": {"type": "string"}}}}}}},
    },
}


def held(method: str, path: str, status: int, body: Any = None, **how: Any) -> Documented:
    documented = Documented(DOCUMENT)
    sent = httpx.Response(status, request=httpx.Request(method, f"http://service{path}"), **({"json": body} if body else how))
    documented(sent)
    return documented


def test_what_is_as_documented_is_seen() -> None:
    assert held("GET", "/things/a%2Fb", 200, {"on": "2026-06-01", "at": "2026-06-01T09:00:00Z"}).unseen() == {
        ("DELETE", "/things/{id}", "204"),
        ("GET", "/things/{id}.txt", "200"),
    }
    assert held("GET", "/things/1.txt?a=b", 200, text="x").seen == {("GET", "/things/{id}.txt", "200")}
    assert held("DELETE", "/things/1", 204).seen
    assert held("GET", "/things/1", 404, content=b'{"code": "x"}', headers={"content-type": PROBLEM}).seen
    assert not held("GET", "/elsewhere", 404).seen


@pytest.mark.parametrize(
    "body",
    [{"at": "2026-06-01T09:00:00Z"}, {"on": "2026-06-01", "more": 1}, {"on": "1 June"}, {"on": "2026-06-01", "at": "2026-06-01"}],
    ids=["missing", "more", "no day", "no instant"],
)
def test_a_body_of_another_form_is_found(body: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match=r"'/things/{id}', '200'\): \[.\$"):
        held("GET", "/things/1", 200, body)


@pytest.mark.parametrize(
    ("method", "path", "status", "how"),
    [
        ("GET", "/elsewhere", 200, {"text": "x"}),
        ("GET", "/things/1", 202, {"text": "x"}),
        ("GET", "/things/1", 200, {"text": "x"}),
        ("DELETE", "/things/1", 204, {"text": "x"}),
        ("GET", "/things/1", 404, {"json": {"code": "x"}}),
    ],
    ids=["route", "status", "media type", "body", "error"],
)
def test_what_is_not_documented_is_found(method: str, path: str, status: int, how: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match="not documented"):
        held(method, path, status, **how)
