"""`/health/live`, `/health/ready`, `/health/drained`: open to anybody, without details that help an attacker."""

from __future__ import annotations

from typing import Any

import msgspec
from confluent_kafka import KafkaException
from fastapi import APIRouter, Depends
from starlette.responses import Response

from streaming.health import Health
from web.auth import public
from web.commands import Pool


def _json(body: Any, *, ok: bool) -> Response:
    return Response(msgspec.json.encode(body), 200 if ok else 503, media_type="application/json")


def router(health: Health, pool: Pool) -> APIRouter:
    """The three routes. `drained` answers 200 when everything known is done and 503 with the same fields until then."""
    routes = APIRouter(prefix="/health", tags=["health"], dependencies=[Depends(public)])

    @routes.get("/live")
    def live() -> Response:
        """The process answers."""
        return _json({"status": "live"}, ok=True)

    @routes.get("/ready")
    def ready() -> Response:
        """Database and broker answer."""
        ok, state = health.ready(pool.connection)
        return _json({"status": state}, ok=ok)

    @routes.get("/drained")
    def drained() -> Response:
        """Zero lag, outbox, due and send queues; `work` rises with everything done."""
        try:
            state = health.drained(pool.connection)
        except KafkaException:
            return _json({"drained": False, "status": "broker"}, ok=False)
        return _json(state.body(), ok=state.drained)

    return routes
