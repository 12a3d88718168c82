"""Every answer of the running service is held against what the API document says of its route."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from typing import Any

import httpx
from jsonschema import Draft202012Validator, FormatChecker

from referrals.cli import documented
from referrals.main import build_api

FORMATS = FormatChecker(["date"])


@FORMATS.checks("date-time", raises=ValueError)
def _instant(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@cache
def _document() -> dict[str, Any]:
    return build_api(documented()).openapi()


@cache
def _paths() -> list[tuple[re.Pattern[str], str]]:
    """What a path looks like, and its template; those without ids first."""
    templates = sorted(_document()["paths"], key=lambda template: template.count("{"))
    return [(re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))), template) for template in templates]


@cache
def _forms(method: str, template: str, status: int) -> dict[str, Draft202012Validator]:
    """Media type → what such an answer is held against."""
    responses = _document()["paths"][template][method.lower()]["responses"]
    assert str(status) in responses, f"{method} {template}: {status} is not documented"
    shared = {"components": _document()["components"]}
    return {
        kind: Draft202012Validator({**said["schema"], **shared}, format_checker=FORMATS)
        for kind, said in responses[str(status)].get("content", {}).items()
    }


def check(response: httpx.Response) -> None:
    """Hook of a client: an answer that is no error is as documented, or AssertionError."""
    if not response.is_success:
        return
    path = response.request.url.raw_path.decode().partition("?")[0]
    template = next(template for pattern, template in _paths() if pattern.fullmatch(path))
    place = (response.request.method, template, response.status_code)
    kind, forms = response.headers["content-type"], _forms(*place)
    assert kind in forms, f"{place}: {kind} is not documented"
    if kind == "application/json":
        response.read()
        wrong = [f"{error.json_path}: {error.message}" for error in forms[kind].iter_errors(response.json())]
        assert not wrong, f"{place}: {'; '.join(wrong)}"
