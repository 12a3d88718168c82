"""HTTP requests that change something, handed to the shell: key, fingerprint and If-Match in, stored reply out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, Protocol

import msgspec
from fastapi import Request
from psycopg import Connection
from starlette.responses import Response

from streaming.clock import Clock
from streaming.crypto import FieldCipher
from streaming.errors import Refused
from streaming.records import Root
from streaming.spec import Spec
from streaming.unit_of_work import Command, UnitOfWork
from streaming.work import Reply, Work
from web import headers, queries
from web.principal import Principal

_MAX_KEY = 255


class Shell(Protocol):
    """What does commands: a UnitOfWork, or `PooledShell` for many threads."""

    def command(self, command: Command) -> Reply:
        """Do it once; raises Refused or Infrastructure."""


class Pool(Protocol):
    """A psycopg_pool.ConnectionPool."""

    def connection(self, timeout: float | None = None) -> AbstractContextManager[Connection[Any]]:
        """One connection for the length of the block."""


class PooledShell:
    """Commands from an API's threads: a unit of work per command, on a connection of the pool."""

    def __init__(self, spec: Spec, pool: Pool, clock: Clock, cipher: FieldCipher) -> None:
        self._spec = spec
        self._pool = pool
        self._clock = clock
        self._cipher = cipher

    def command(self, command: Command) -> Reply:
        """See UnitOfWork.command."""
        with self._pool.connection() as conn:
            return UnitOfWork(self._spec, lambda: conn, self._clock, self._cipher).command(command)


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is None:
        if request.method == "POST":
            raise Refused(400, "idempotency-key-required", "Send an Idempotency-Key header: a new value for each new request.")
        return None
    if not key or len(key) > _MAX_KEY or not key.isascii() or not key.isprintable():
        raise Refused(422, "idempotency-key-invalid", f"Idempotency-Key: 1 to {_MAX_KEY} printable ASCII characters.")
    return key


def fingerprint(request: Request) -> bytes:
    """SHA-256 of method, path, query and body: a repeat with the same key must be the same request."""
    digest = hashlib.sha256()
    for part in (
        request.method.encode(),
        request.scope["path"].encode(),
        request.scope.get("query_string", b""),
        request.state.body,
    ):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


def _audited(request: Request, principal: Principal, act: Callable[[Work], Reply]) -> Callable[[Work], Reply]:
    action = f"{request.method} {queries.template(request)}"
    ids = {name: str(value) for name, value in request.path_params.items()}
    resource = next((part for part in queries.template(request).split("/")[2:] if part), "")
    row = {
        "actor": principal.actor,
        "action": action,
        "resource": resource,
        "granted": True,
        "reason": None,
        "ids": ids,
    }

    def audited(work: Work) -> Reply:
        reply = act(work)
        work.effects.audit.append(row)
        return reply

    return audited


def run(
    request: Request,
    principal: Principal,
    shell: Shell,
    *,
    roots: Iterable[Root],
    act: Callable[[Work], Reply],
) -> Response:
    """Do a command once and render its reply; a repeat with the same Idempotency-Key gets the same answer.

    POST needs an Idempotency-Key (400 without), PUT and DELETE may have one. If-Match is handed to `act` as
    `work.require_match(etag)`, on routes that declare it (`web.headers`). One audit row (who, what, path ids) is written
    with the change. Refusals are raised and rendered by `web.problems`: 400, 409 with `allowed`, 412, 422, 428, 503 with
    Retry-After.
    """
    reply = shell.command(
        Command(
            client=principal.actor,
            idempotency_key=_idempotency_key(request),
            fingerprint=fingerprint(request),
            roots=tuple(roots),
            act=_audited(request, principal, act),
            if_match=headers.if_match(request),
            traceparent=request.scope["state"].get("traceparent"),
        )
    )
    return render(reply)


def render(reply: Reply) -> Response:
    """A Reply as JSON, with its status and headers; no body for 204."""
    headers = dict(reply.headers)
    if reply.status == 204:
        return Response(status_code=204, headers=headers)
    return Response(msgspec.json.encode(reply.body), reply.status, headers, "application/json")
