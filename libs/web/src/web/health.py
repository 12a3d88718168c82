"""`/health/live`, `/health/ready`, `/health/drained`: open to anybody, without details that help an attacker."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
from confluent_kafka import KafkaException
from fastapi import APIRouter, Depends
from starlette.responses import Response

from streaming.health import Health
from web.answers import Answered, described
from web.auth import public
from web.commands import Pool


class Live(Answered):
    """The process answers."""

    status: Literal["live"]


class Ready(Answered):
    """Database and broker answer."""

    status: Literal["ready"]


class NotReady(Answered):
    """status: the kind of error that one of them, or the way to it, gave."""

    status: str


class Drained(Answered):
    """drained: everything known at `now` is done. work: rises with all that was consumed or published.

    The others are counts: records not applied, events not published, timers due, messages not sent, and what is set aside.
    """

    drained: bool
    now: datetime
    work: int
    lag: int
    outbox: int
    due: int
    queue: int
    parked: int


class NotKnown(Answered):
    """The broker does not answer."""

    drained: Literal[False]
    status: Literal["broker"]


def _json(body: Any, *, ok: bool) -> Response:
    return Response(msgspec.json.encode(body), 200 if ok else 503, media_type="application/json")


def router(health: Health, pool: Pool) -> APIRouter:
    """The three routes. `drained` answers 200 when everything known is done and 503 with the same fields until then."""
    routes = APIRouter(prefix="/health", tags=["health"], dependencies=[Depends(public)])

    @routes.get("/live", responses=described(Live))
    def live() -> Response:
        """The process answers."""
        return _json({"status": "live"}, ok=True)

    @routes.get("/ready", responses=described(Ready) | described(NotReady, 503))
    def ready() -> Response:
        """Database and broker answer."""
        ok, state = health.ready(pool.connection)
        return _json({"status": state}, ok=ok)

    @routes.get("/drained", responses=described(Drained) | described(Drained | NotKnown, 503))
    def drained() -> Response:
        """Zero lag, outbox, due and send queues; `work` rises with everything done."""
        try:
            state = health.drained(pool.connection)
        except KafkaException:
            return _json({"drained": False, "status": "broker"}, ok=False)
        return _json(state.body(), ok=state.drained)

    return routes
