"""Failures on request: `PUT /sandbox/faults {"mode", "times", "delay_s"}`, `GET` shows, `DELETE` ends them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field


class Order(BaseModel):
    """What to do wrong: `mode` is one of the sandbox's; for the next `times` requests (null: until told otherwise)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: str
    times: Annotated[int, Field(ge=1)] | None = None
    delay_s: Annotated[float, Field(ge=0, le=600)] = 2.0


class Faults:
    """The present order of one sandbox and how often each was carried out."""

    def __init__(self, *modes: str) -> None:
        self._modes = modes
        self._order: Order | None = None
        self._left: int | None = None
        self.fired: dict[str, int] = {}

    def take(self) -> Order | None:
        """The order for one request, counted; None to behave."""
        order = self._order
        if order is None:
            return None
        self.fired[order.mode] = self.fired.get(order.mode, 0) + 1
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                self._order = None
        return order

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/sandbox", tags=["sandbox"])

        @router.put("/faults")
        async def put(order: Order) -> dict[str, object]:
            if order.mode not in self._modes:
                raise HTTPException(422, f"mode must be one of {', '.join(self._modes)}")
            self._order, self._left = order, order.times
            return self._shown()

        @router.get("/faults")
        async def get() -> dict[str, object]:
            return self._shown()

        @router.delete("/faults", status_code=204)
        async def delete() -> None:
            self._order = None

        return router

    def _shown(self) -> dict[str, object]:
        order = self._order
        return {"mode": order.mode if order else None, "times": self._left if order else None, "fired": self.fired}
