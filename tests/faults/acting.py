"""People who change something over HTTP while the API that serves them dies: each repeats until there is an answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
from tests.faults.stage import Theatre, until

from devstack.demo.callers import Caller

PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Act:
    """One change somebody wants, under one Idempotency-Key."""

    who: Caller
    service: str
    path: str
    body: dict[str, Any]
    key: str
    etag: str | None = None

    def headers(self) -> dict[str, str]:
        """Token, key and the version that was read."""
        token, _ = self.who._callers.token(self.who.client)
        made = {"Authorization": f"Bearer {token}", "Idempotency-Key": self.key}
        return made if self.etag is None else {**made, "If-Match": self.etag}


@dataclass(frozen=True, slots=True)
class Done:
    """The answers in their order: the first that came, and the repeat's. broken: attempts without an answer."""

    act: Act
    first: httpx.Response
    again: httpx.Response
    broken: int


def insist(theatre: Theatre, acts: Sequence[Act], kill: tuple[str, str]) -> list[Done]:
    """All acts at once while the API dies at its crash point; then each once more under its key."""
    name, point = kill
    theatre.arm([kill])

    def one(act: Act) -> Done:
        first, broken = _answer(theatre, act)
        again, _ = _answer(theatre, act)
        return Done(act, first, again, broken)

    with ThreadPoolExecutor(max(1, len(acts))) as threads:
        waiting = [threads.submit(one, act) for act in acts]
        until(lambda: not theatre.stage.supervisor.alive(name), 20, f"{name} dies {point}")
        theatre.restart(name)
        return [done.result() for done in waiting]


def once(theatre: Theatre, act: Act) -> httpx.Response:
    """The first answer."""
    return _answer(theatre, act)[0]


def _answer(theatre: Theatre, act: Act) -> tuple[httpx.Response, int]:
    headers = act.headers()
    url = theatre.stage.url(act.service) + act.path
    deadline = time.monotonic() + PATIENCE_S
    broken = 0
    while True:
        try:
            with httpx.Client(timeout=10) as http:
                answer = http.post(url, json=act.body, headers=headers)
            if answer.status_code != 503:
                theatre.callers.noted(act.service, act.path, headers, answer)
                return answer, broken
        except httpx.TransportError:
            broken += 1
        assert time.monotonic() < deadline, f"no answer from {act.service} within {PATIENCE_S:g} s"
        time.sleep(0.1)


def anomalies(done: Sequence[Done]) -> list[str]:
    """Every act succeeded, and its repeat had the same answer."""
    wrong = [f"{d.act.path} answered {d.first.status_code}: {d.first.text[:200]}" for d in done if not d.first.is_success]
    wrong += [
        f"{d.act.path}: {d.first.status_code}, repeated {d.again.status_code}"
        for d in done
        if (d.first.status_code, d.first.content) != (d.again.status_code, d.again.content)
    ]
    return wrong
