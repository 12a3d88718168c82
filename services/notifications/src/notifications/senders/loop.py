"""The sender: leases due messages and works on them in threads, until asked to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial

import psycopg
import structlog

from notifications.senders import metrics, steps
from notifications.senders.brake import Brake
from notifications.senders.crash import CrashAt
from notifications.senders.provider import Accepted, Outgoing, Provider, Unknown
from notifications.settings import Settings
from notifications.setup import Setup
from notifications.store import queue
from notifications.store.queue import Claimed
from streaming.errors import Infrastructure, Refused
from streaming.liveness import Liveness
from streaming.records import Cause
from streaming.session import describe
from streaming.unit_of_work import UnitOfWork
from streaming.work import Reply, Work

log = structlog.get_logger()

BUSY_POLL_S, IDLE_POLL_S, BROKEN_POLL_S = 0.025, 0.1, 1.0
AFTER_BUSY_S, AFTER_PARKED_S, AFTER_BUG_S = 0.25, 30.0, 30.0
STOP_WAIT_S = 20.0


class Sender:
    """One process. open_unit: a unit of work with its own connection, for each thread. holder: this process's name."""

    def __init__(
        self,
        settings: Settings,
        setup: Setup,
        open_unit: Callable[[], UnitOfWork],
        brake: Brake,
        liveness: Liveness,
        crash: CrashAt,
        holder: str,
    ) -> None:
        self._settings = settings
        self._setup = setup
        self._open_unit = open_unit
        self._brake = brake
        self._liveness = liveness
        self._crash = crash
        self._holder = holder
        self._own = threading.local()
        self._wake = threading.Event()

    def run(self, stopping: threading.Event) -> None:
        """Until `stopping` is set; what is in hand is finished first."""
        unit = self._open_unit()
        in_hand: set[Future[None]] = set()
        with ThreadPoolExecutor(self._settings.sender_threads, thread_name_prefix="send") as pool:
            while not stopping.is_set():
                in_hand = {future for future in in_hand if not future.done()}
                pause = self._turn(unit, pool, in_hand)
                self._liveness.begin("sender")
                self._wake.wait(pause)
                self._wake.clear()
            wait(in_hand, timeout=STOP_WAIT_S)
        unit.close()

    def _turn(self, unit: UnitOfWork, pool: ThreadPoolExecutor, in_hand: set[Future[None]]) -> float:
        free = 2 * self._settings.sender_threads - len(in_hand)
        if free <= 0:
            return BUSY_POLL_S
        try:
            if self._brake.on(unit.conn):
                return IDLE_POLL_S
            claimed = queue.claim_due(
                unit.conn, unit.clock.now(), holder=self._holder, lease_s=self._settings.sender_lease_s, limit=free
            )
        except (psycopg.Error, Infrastructure) as error:
            log.warning("sender.waits", error=type(error).__name__)
            return BROKEN_POLL_S
        for item in claimed:
            future = pool.submit(self._one, item)
            future.add_done_callback(lambda _: self._wake.set())
            in_hand.add(future)
        return BUSY_POLL_S if claimed or in_hand else IDLE_POLL_S

    def _one(self, item: Claimed) -> None:
        unit, provider = self._mine()
        try:
            self._send(unit, provider, item)
        except Refused as refused:
            self._release(unit, item, AFTER_PARKED_S if refused.code == "parked" else AFTER_BUSY_S)
        except (Infrastructure, psycopg.Error) as error:
            # Safe to take up again at once: what may have been handed over is in state `sending` and looked up first.
            log.warning("sender.waits", error=type(error).__name__)
            self._release(unit, item, BROKEN_POLL_S)
        except Exception as error:  # a bug on one message: the others go on
            log.error("sender.failed", message_id=item.message_id, error=describe(error))
            metrics.FAILED.inc()
            self._release(unit, item, AFTER_BUG_S)

    def _mine(self) -> tuple[UnitOfWork, Provider]:
        if not hasattr(self._own, "unit"):
            self._own.unit = self._open_unit()
            self._own.provider = Provider(self._settings)
        return self._own.unit, self._own.provider

    def _send(self, unit: UnitOfWork, provider: Provider, item: Claimed) -> None:
        begun = self._in_claim(unit, item, "begin", partial(steps.begin, setup=self._setup))
        if isinstance(begun, steps.LookUp):
            self._look_up(unit, provider, item)
        elif isinstance(begun, Outgoing):
            self._crash("before_effect")
            if not queue.holds(unit.conn, item, self._holder, self._settings.notify_timeout_s):
                log.warning("sender.lease_lost", message_id=item.message_id)
                return
            answer = provider.send(begun)
            metrics.CALLS.labels(type(answer).__name__.lower()).inc()
            if isinstance(answer, Accepted):
                self._crash("after_provider_accept")
            self._in_claim(unit, item, "record", partial(steps.record, setup=self._setup, answer=answer))
            self._crash("after_commit")
            if isinstance(answer, Unknown):
                self._look_up(unit, provider, item)

    def _look_up(self, unit: UnitOfWork, provider: Provider, item: Claimed) -> None:
        found = provider.look_up(item.message_id)
        metrics.LOOK_UPS.labels(type(found).__name__.lower()).inc()
        act = partial(steps.record_look_up, setup=self._setup, found=found, settle_s=self._settings.notify_settle_s)
        self._in_claim(unit, item, "look-up", act)

    def _in_claim(self, unit: UnitOfWork, item: Claimed, step: str, act: Callable[..., object]) -> object:
        """One transaction under the claim's lock. Ids derive from message and step: each step publishes once per message."""
        cause = Cause(f"{item.message_id}/{step}", item.message_id)

        def inside(work: Work) -> Reply:
            return Reply(body=act(work, claim_id=item.claim_id, message_id=item.message_id))

        return unit.internal([("claim", item.claim_id)], cause, inside).body

    def _release(self, unit: UnitOfWork, item: Claimed, seconds: float) -> None:
        try:
            queue.release(unit.conn, item, self._holder, seconds)
        except (psycopg.Error, Infrastructure):
            log.warning("sender.lease_kept", message_id=item.message_id)


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    return stopping
