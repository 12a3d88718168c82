"""A service small enough to check by folding: it counts records per key. Run as a real worker or relay process by the tests.

TALLY_DATABASE_URL=… TALLY_TOPICS=a,b … python tally.py worker | relay
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from faust.tables.recovery import Recovery

from streaming import cli, logs, relay, transport, watchdog, worker
from streaming.errors import Infrastructure
from streaming.records import Cause, Item, Prepared, Record
from streaming.settings import PlatformSettings
from streaming.spec import Due, Kind, Spec
from streaming.work import DueItem, Work, derive_id

NAME = os.environ.get("TALLY_NAME", "tally")
"""Consumer group, lease and transactional id: one for each test, so that members of an earlier one are not waited for."""

EVERY = 20
"""One event for each 20 records of a key."""


class Count(msgspec.Struct, frozen=True):
    """The n-th record of a key; `timer_in_s` sets a timer instead."""

    key: str
    n: int
    pad: str = ""


class Tally(msgspec.Struct, frozen=True):
    """count: records applied. order: sum of count * n, which a swap, loss or repetition changes. fired: timers."""

    count: int = 0
    order: int = 0
    fired: int = 0


class Counted(msgspec.Struct, frozen=True):
    claim_id: str
    count: int


class TallySettings(PlatformSettings):
    tally_database_url: str
    tally_topics: str
    tally_out: str = "tally.out"
    tally_timer_topic: str = ""
    tally_keys_down: str = ""
    """topic=path: while the file exists, preparing that topic waits, as for a data key service that is down."""


def step(before: Tally, n: int) -> Tally:
    """The rule; the tests fold with it too."""
    count = before.count + 1
    return Tally(count, (before.order + count * n) % 1_000_000_007, before.fired)


def prepare(down: Path | None, records: Sequence[Record]) -> list[Prepared]:
    if down is not None and down.exists():
        raise Infrastructure("data key service: refused")
    entries: list[Prepared] = []
    for record in records:
        body = msgspec.json.decode(record.value or b"", type=Count)
        cause = f"{record.topic}/{record.partition}/{record.offset}"
        entries.append(Item(record, Cause(cause, cause), (("claim", body.key),), body))
    return entries


def spec(settings: TallySettings) -> Spec:
    """The service."""

    def handle(work: Work, item: Item) -> None:
        body: Count = item.body
        if item.record.topic == settings.tally_timer_topic:
            work.schedule(DueItem(derive_id("tally", body.key, str(body.n)), ("claim", body.key), work.now, "tick"))
            return
        after = step(work.get("claim", body.key) or Tally(), body.n)
        work.put("claim", body.key, after)
        if after.count % EVERY == 0:
            work.emit(settings.tally_out, body.key, Counted(body.key, after.count))

    def fire(work: Work, due: Due) -> None:
        before: Tally = work.get("claim", due.root[1]) or Tally()
        work.put("claim", due.root[1], Tally(before.count, before.order, before.fired + 1))

    topic_down, _, path = settings.tally_keys_down.partition("=")
    topics = [topic for topic in settings.tally_topics.split(",") if topic]
    return Spec(
        name=NAME,
        kinds=(Kind("claim", Tally),),
        topics={topic: partial(prepare, Path(path) if topic == topic_down else None) for topic in topics},
        handle=handle,
        fire=fire,
    )


PROGRAM: cli.Program[TallySettings] = cli.Program(
    name=NAME,
    settings=TallySettings,  # type: ignore[arg-type]
    database_url=lambda settings: settings.tally_database_url,
    spec=spec,
    api=lambda settings: None,
    migrations=Path(os.devnull),
    port=0,
)


def relay_until(point: str, number: int) -> None:
    """A relay that gets `number` when it comes to `point` for the first time."""
    settings = TallySettings()  # type: ignore[call-arg]
    logs.configure(NAME, "relay")
    relay.IDLE_SESSION_MS = 2500  # shorter than in production, so that tests need not wait for it
    met: list[str] = []

    def reached(here: str) -> None:
        if here == point and not met:
            met.append(here)
            os.kill(os.getpid(), number)

    relay.run_relay(NAME, settings.tally_database_url, settings, reached)


def worker_that_loses() -> None:
    """A worker whose fetched chunks Faust takes for those of an older generation, and drops."""
    transport.DELIVERY_LIMIT_S, watchdog.PERSISTS_S = 1.0, 0.5
    made = transport.Consumer._to_message

    def outdated(consumer: transport.Consumer, tp: Any, chunk: Any) -> Any:
        message = made(consumer, tp, chunk)
        message.generation_id = -1
        return message

    transport.Consumer._to_message = outdated  # type: ignore[method-assign]
    logs.configure(NAME, "worker")
    worker.run_worker(PROGRAM, TallySettings())  # type: ignore[arg-type,call-arg]


def worker_that_is_late() -> None:
    """A worker whose places take longer to be found than Faust allows its hook after an assignment."""
    wait, resume = Recovery._wait, worker._Worker._resume

    async def impatient(recovery: Recovery, coro: Any, timeout: Any = None) -> None:  # noqa: ASYNC109 - Faust's signature
        await wait(recovery, coro, timeout=timeout and 1.0)

    async def late(self: Any, assigned: frozenset[tuple[str, int]]) -> dict[tuple[str, int], int]:
        await asyncio.sleep(3.0)
        return await resume(self, assigned)

    Recovery._wait, worker._Worker._resume = impatient, late  # type: ignore[method-assign]
    logs.configure(NAME, "worker")
    worker.run_worker(PROGRAM, TallySettings())  # type: ignore[arg-type,call-arg]


if __name__ == "__main__":
    program = cli.make(PROGRAM)
    program.command("worker-late")(worker_that_is_late)
    program.command("worker-loses")(worker_that_loses)
    program.command("relay-dies")(lambda: relay_until("after_publish", signal.SIGKILL))
    program.command("relay-freezes")(lambda: relay_until("before_publish", signal.SIGSTOP))
    program()
