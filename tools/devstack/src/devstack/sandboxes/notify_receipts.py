"""Delivery receipts: each accepted text message and email reaches its final status, and the callback is told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import httpx

from devstack.sandboxes.notify_checks import destined_status
from devstack.sandboxes.notify_store import Send, now

FIRST_RETRY_S, LAST_RETRY_S, ATTEMPTS = 0.25, 10.0, 60


@dataclass(slots=True)
class Counts:
    """told: callbacks answered 2xx; waiting: not yet told; failed: attempts that were refused or got no answer."""

    told: int = 0
    waiting: int = 0
    failed: int = 0
    given_up: int = 0


class Receipts:
    """Notify tries again every five minutes; here from a quarter of a second on, growing, so that nobody waits."""

    def __init__(self, url: str, token: str, delay_s: float) -> None:
        self.counts = Counts()
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._delay_s = delay_s
        self._tasks: set[asyncio.Task[None]] = set()
        self._client = httpx.AsyncClient(timeout=10, limits=httpx.Limits(max_connections=8))

    def follow(self, send: Send) -> None:
        """Begin the way from accepted to its end."""
        task = asyncio.create_task(self._follow(send))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    async def _follow(self, send: Send) -> None:
        self.counts.waiting += 1
        try:
            await asyncio.sleep(self._delay_s)
            send.sent_at = now()
            send.status = destined_status(send.kind, send.to)
            send.completed_at = now()
            if send.kind != "letter":
                await self._tell(send)
        finally:
            self.counts.waiting -= 1

    async def _tell(self, send: Send) -> None:
        wait = FIRST_RETRY_S
        for _ in range(ATTEMPTS):
            try:
                answer = await self._client.post(self._url, json=send.receipt(), headers=self._headers)
                if answer.is_success:
                    self.counts.told += 1
                    return
            except httpx.HTTPError:
                pass
            self.counts.failed += 1
            await asyncio.sleep(wait)
            wait = min(wait * 2, LAST_RETRY_S)
        self.counts.given_up += 1
