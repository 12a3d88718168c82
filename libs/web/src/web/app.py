"""The application that every service's API is built on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.concurrency import run_in_threadpool

from web import headers, problems
from web.auth import Authenticator, Declared
from web.middleware import STRICT_TRANSPORT, TraceAndGuard, WholeBody
from web.slashes import SlashesInIds

MAX_BODY_BYTES = 256 * 1024
BODY_TIMEOUT_S = 10.0


class UndeclaredRoute(Exception):
    """A route does not say who may call it: nothing is open by accident."""


def _declared(dependant: Dependant) -> frozenset[str]:
    own = dependant.call.scopes if isinstance(dependant.call, Declared) else frozenset()
    return own.union(*(_declared(child) for child in dependant.dependencies)) if dependant.dependencies else own


def _dependants(app: FastAPI) -> dict[tuple[str, str], Dependant]:
    found = {}
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if not isinstance(route, APIRoute):
            continue
        if context.path != route.path:
            raise UndeclaredRoute(f"{context.path}: give the prefix to the router itself, not to include_router")
        for method in route.methods or ():
            found[(method, route.path_format)] = context.dependant
    return found


def declared_scopes(app: FastAPI) -> dict[tuple[str, str], frozenset[str]]:
    """(method, path template) → the scopes that its route declares, for every route of the application.

    `public` and `bearer:<name>` stand for the routes without access token.
    """
    return {place: _declared(dependant) for place, dependant in _dependants(app).items()}


def check_declared(app: FastAPI) -> None:
    """Raises UndeclaredRoute, naming every route that does not say who may call it."""
    silent = sorted(f"{method} {path}" for (method, path), scopes in declared_scopes(app).items() if not scopes)
    if silent:
        raise UndeclaredRoute(f"no scopes declared: {', '.join(silent)}; add Depends(require(…)), spelt with module-level names")


def _only_models(responses: dict[str, Any]) -> None:
    """Where a route names its model (`web.answers.described`), take away what the framework makes of its return type."""
    for response in responses.values():
        for content in response.get("content", {}).values():
            schema = content.get("schema", {})
            content["schema"] = next(({name: schema[name]} for name in ("$ref", "anyOf") if name in schema), schema)


def _describe(app: FastAPI) -> None:
    """Put each route's scopes, its headers and the form of errors into the OpenAPI document, for tests and clients."""
    plain = app.openapi
    dependants = _dependants(app)
    written: list[dict[str, Any]] = []

    def openapi() -> dict[str, Any]:
        if written:  # the framework keeps its document too: what is added is added once
            return written[0]
        document = plain()
        components = document.setdefault("components", {})
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
        schemas = components.setdefault("schemas", {})
        for name in ("HTTPValidationError", "ValidationError"):  # the framework's own form, which nobody is sent
            schemas.pop(name, None)
        schemas["Problem"] = problems.SCHEMA
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                dependant = dependants[(method.upper(), path)]
                names = sorted(_declared(dependant))
                keyed = names != ["public"] and not any(name.startswith("bearer:") for name in names)
                headers.describe(operation, method.upper(), dependant, keyed=keyed)
                operation["x-scopes"] = names
                operation["security"] = [] if names == ["public"] else [{"token": []}]
                operation["responses"].pop("422", None)
                _only_models(operation["responses"])
                error = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
                for status, response in operation["responses"].items():
                    if status >= "4":  # what else the route says with it, it may be an error like any other
                        response["content"] = response.get("content", {}) | error
                operation["responses"]["default"] = {"description": "An error (RFC 9457)", "content": error}
        written.append(document)
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def create(
    *,
    title: str,
    routers: Iterable[APIRouter],
    authenticator: Authenticator,
    production: bool,
    version: str = "1",
    open_resources: Callable[[], AbstractContextManager[Any]] = nullcontext,
    max_body_bytes: int = MAX_BODY_BYTES,
    body_timeout_s: float = BODY_TIMEOUT_S,
) -> FastAPI:
    """A FastAPI application with the platform's error bodies, limits, headers, metrics and access rules.

    open_resources: what lives as long as the application (`lambda: pool`); entered before the first request.
    production: no OpenAPI page, strict transport. Raises UndeclaredRoute.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        check_declared(app)  # also routes that were added after create
        resources = open_resources()
        await run_in_threadpool(resources.__enter__)
        try:
            yield
        finally:
            await run_in_threadpool(resources.__exit__, None, None, None)
            authenticator.close()

    app = FastAPI(
        title=title,
        version=version,
        openapi_url=None if production else "/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.authenticator = authenticator
    for router in routers:
        app.include_router(router)
    problems.install(app)
    app.add_middleware(WholeBody, max_bytes=max_body_bytes, timeout_s=body_timeout_s)
    app.add_middleware(TraceAndGuard, extra_headers=STRICT_TRANSPORT if production else None)
    app.add_middleware(SlashesInIds)
    check_declared(app)
    _describe(app)
    return app
