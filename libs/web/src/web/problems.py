"""Errors as `application/problem+json` (RFC 9457): a code, a sentence of ours and the trace id. Never the caller's input.

Framework defaults echo input (422 bodies) or exception text; every error of an API goes through this module instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from streaming.errors import Infrastructure, Refused
from streaming.unit_of_work import is_infrastructure

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"

SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "type": "object",
    "required": ["type", "title", "status", "code", "detail", "trace_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "trace_id": {"type": "string"},
        "allowed": {"type": "array", "items": {"type": "string"}, "description": "409: the moves that are open now"},
        "parameters": {
            "type": "array",
            "items": {"type": "string"},
            "description": "422 unknown-query-parameter: the query parameters that the resource takes",
        },
        "errors": {
            "type": "array",
            "description": "422: which documented field is wrong and in what way, never its value",
            "items": {
                "type": "object",
                "properties": {
                    "in": {"type": "string"},
                    "field": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                    "problem": {"type": "string"},
                },
            },
        },
    },
}
"""Members of every error body, in the words of JSON Schema."""

_CODES = {
    400: ("bad-request", "The request cannot be understood."),
    401: ("unauthorized", "Send a valid access token."),
    403: ("forbidden", "This access token may not do that."),
    404: ("not-found", "There is no such resource, or it is not yours to see."),
    405: ("method-not-allowed", "This resource does not have that method."),
    408: ("too-slow", "The request body took too long."),
    413: ("too-large", "The request body is too large."),
    415: ("unsupported-media-type", "Send application/json."),
    422: ("invalid", "The request does not have the documented form."),
    429: ("too-many-requests", "Slow down."),
    500: ("internal", "Something went wrong on our side."),
    503: ("unavailable", "A part of the service is away. Try again."),
}


def trace_id(request: Request) -> str:
    """The request's trace id, as in `traceparent`; the only thing an error body says about the request."""
    return str(request.scope.get("state", {}).get("trace_id", ""))


def problem(
    request: Request,
    status: int,
    code: str | None = None,
    detail: str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    **extra: Any,
) -> Response:
    """A problem response. `detail` is a sentence of ours; `extra` are members of ours (`allowed`, `errors`)."""
    usual_code, usual_detail = _CODES.get(status, (f"status-{status}", HTTPStatus(status).phrase))
    code = code or usual_code
    body = {
        "type": f"urn:in-work-progression:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail or usual_detail,
        "trace_id": trace_id(request),
        **{name: value for name, value in extra.items() if value is not None},
    }
    return Response(msgspec.json.encode(body), status, headers, MEDIA_TYPE)


def refused(request: Request, error: Refused) -> Response:
    """A command or read that may not be done; 409 says what is allowed now."""
    headers = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return problem(
        request, error.status, error.code, error.detail or None, headers=headers, **{**error.extra, "allowed": error.allowed}
    )


def unavailable(request: Request, code: str = "unavailable", retry_after_s: int = 2) -> Response:
    """503: the caller may repeat the same request later."""
    return problem(request, 503, code, headers={"Retry-After": str(retry_after_s)})


def _place(location: Iterable[Any], declared: frozenset[str]) -> tuple[str, str | None]:
    """Where the error is, in declared names only: an undeclared field's name is the caller's input."""
    part, *path = list(location)
    names = [str(item) if isinstance(item, int) else item for item in path]
    known = [name for name in names if name in declared or name.isdecimal()]
    return str(part), ".".join(known) or None


def invalid(request: Request, error: RequestValidationError, declared: frozenset[str]) -> Response:
    """422: which declared field is wrong and in what way, without the value."""
    errors = []
    for item in error.errors():
        part, field = _place(item["loc"], declared)
        errors.append({"in": part, "field": field, "problem": item["type"]})
    return problem(request, 422, errors=errors)


def _no_json(request: Request, error: RequestValidationError) -> bool:
    """Whether the body was not even read as JSON, because the caller did not say that it is."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    said = kind.startswith("application/") and kind.endswith(("/json", "+json"))
    return not said and bool(request.state.body) and any(tuple(item["loc"]) == ("body",) for item in error.errors())


def _referred(part: Any) -> Iterator[str]:
    """Names of the schemas that a part of the OpenAPI document points to."""
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"].rpartition("/")[2]
        part = list(part.values())
    if isinstance(part, list):
        for item in part:
            yield from _referred(item)


def _declared_names(app: FastAPI) -> frozenset[str]:
    """Names in what callers send, and in errors. Answers do not count, so that describing one changes no error."""
    document = app.openapi()
    operations = [one for operations in document["paths"].values() for one in operations.values()]
    names = {parameter["name"] for operation in operations for parameter in operation.get("parameters", [])}
    names |= set(SCHEMA["properties"])
    left = set(_referred([operation.get("requestBody") for operation in operations]))
    done: set[str] = set()
    while left:
        name = left.pop()
        done.add(name)
        schema = document["components"]["schemas"][name]
        names |= set(schema.get("properties", {}))
        left |= set(_referred(schema)) - done
    return frozenset(names)


def install(app: FastAPI) -> None:
    """Render every error that reaches the application as a problem."""
    declared: list[frozenset[str]] = []

    async def on_refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        return refused(request, error)

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        if _no_json(request, error):
            return problem(request, 415)
        if not declared:
            declared.append(_declared_names(app))
        return invalid(request, error, declared[0])

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 400:  # the framework's word for a body that cannot be parsed (depth, encoding)
            return problem(request, 422, errors=[{"in": "body", "field": None, "problem": "json_invalid"}])
        return problem(request, error.status_code, headers=error.headers)

    async def on_infrastructure(request: Request, error: Exception) -> Response:
        log.warning("request.infrastructure", error=type(error).__name__)
        return unavailable(request)

    async def on_database(request: Request, error: Exception) -> Response:
        assert isinstance(error, psycopg.Error)
        if is_infrastructure(error):
            return await on_infrastructure(request, error)
        if isinstance(error, psycopg.DataError):  # a value of the right form that no column can hold
            log.warning("request.data_error", sqlstate=error.sqlstate)
            return problem(request, 422)
        raise error

    app.add_exception_handler(Refused, on_refused)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Infrastructure, on_infrastructure)
    app.add_exception_handler(psycopg.Error, on_database)
