"""Only documented query parameters: a misspelt filter must not look like "no filter"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import Request, params
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute

from streaming.errors import Refused

_documented: dict[tuple[Callable[..., Any], str], frozenset[str]] = {}


def template(request: Request) -> str:
    """The matched route's template, such as `/v1/claims/{claim_id}`; empty when nothing matched."""
    route = request.scope.get("route")
    return str(getattr(route, "path_format", ""))


def documented(route: APIRoute) -> frozenset[str]:
    """Names of the query parameters that the route takes."""
    key = (route.endpoint, route.path_format)
    names = _documented.get(key)
    if names is None:
        fields = get_flat_params(route.dependant)
        names = frozenset(field.alias for field in fields if isinstance(field.field_info, params.Query))
        _documented[key] = names
    return names


def only_documented(request: Request) -> None:
    """Refused (422) when the query string has a parameter that the route does not take."""
    route = request.scope.get("route")
    if isinstance(route, APIRoute) and not set(request.query_params) <= documented(route):
        allowed = sorted(documented(route))
        raise Refused(422, "unknown-query-parameter", "This resource has no such filter.", extra={"parameters": allowed})
