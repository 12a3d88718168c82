"""The sender process: takes queued webhook messages, checks once more that they may go, sends them, notes the outcome.

Taking and noting are transactions of the unit of work; the call is between them. A crash in between sends the message
again with the same id.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from datetime import timedelta

import msgspec
import structlog
from psycopg import Error

from employer_link.acts import london_day
from employer_link.delivery import BACKOFF, Post, Result
from employer_link.lookups import DueDelivery, deliveries_due
from employer_link.model import Claim, Delivery, Employer, Webhook
from employer_link.rules.disclosure import visibility
from employer_link.settings import Settings
from employer_link.targets import TargetPolicy
from streaming.cli import Program
from streaming.clock import Clock, WallClock
from streaming.crypto import FieldCipher
from streaming.errors import Infrastructure, Refused, StreamingError
from streaming.lanes import backoff
from streaming.liveness import HealthServer, Liveness
from streaming.records import Cause, Root
from streaming.session import describe
from streaming.unit_of_work import UnitOfWork
from streaming.work import Reply, Work

log = structlog.get_logger()

THREADS = 4
BATCH = 50
IDLE_S = 0.1
LEASE = timedelta(minutes=2)
"""For how long a taken message belongs to the thread that took it; longer than any call lasts."""


class Sender:
    """One thread's work. wall: the machine's clock, which receivers compare the signature's time with."""

    def __init__(self, unit: UnitOfWork, post: Post, cipher: FieldCipher, *, shard: int = 0, shards: int = 1) -> None:
        self._unit = unit
        self._post = post
        self._cipher = cipher
        self._shard = shard
        self._shards = shards
        self._wall: Clock = WallClock()

    def step(self, begins: Callable[[], None] = lambda: None) -> int:
        """Send what is due now; returns how many went on. begins: called before each message. Raises Infrastructure."""
        try:
            due = deliveries_due(self._unit.conn, self._unit.clock.now(), shard=self._shard, shards=self._shards, limit=BATCH)
        except Error as error:
            raise Infrastructure(f"database: {type(error).__name__}") from error
        went_on = 0
        for item in due:
            begins()
            try:
                self._one(item)
                went_on += 1
            except Refused as refused:  # busy, or parked a moment ago: it stays queued
                log.info("webhook.waits", delivery_id=item.delivery_id, code=refused.code)
        return went_on

    def _one(self, item: DueDelivery) -> None:
        try:
            self._deliver(item)
        except StreamingError:
            raise
        except Exception as error:  # a bug on one message: a failed attempt, and the others go on
            code = type(error).__name__
            log.error("webhook.failed", delivery_id=item.delivery_id, error=describe(error))

            def count_it(work: Work) -> Reply:
                count(work, item, code)
                return Reply(204)

            self._unit.internal((("delivery", item.delivery_id),), Cause(f"fail:{item.delivery_id}", item.delivery_id), count_it)

    def _deliver(self, item: DueDelivery) -> None:
        roots: tuple[Root, ...] = (
            ("claim", item.claim_id),
            ("employer", item.employer_id),
            ("delivery", item.delivery_id),
        )
        taken: list[tuple[Delivery, Webhook]] = []

        def take_it(work: Work) -> Reply:
            taken.clear()
            found = take(work, item)
            if found is not None:
                taken.append(found)
            return Reply(204)

        self._unit.internal(roots, Cause(f"take:{item.delivery_id}", item.delivery_id), take_it)
        if not taken:
            return
        delivery, webhook = taken[0]
        result, code = self._call(delivery, webhook)
        log.info("webhook.sent", delivery_id=item.delivery_id, result=result, code=code, attempt=delivery.attempts)

        def note_it(work: Work) -> Reply:
            note(work, item, result, code)
            return Reply(204)

        self._unit.internal(roots, Cause(f"note:{item.delivery_id}:{delivery.attempts}", item.delivery_id), note_it)

    def _call(self, delivery: Delivery, webhook: Webhook) -> tuple[Result, str]:
        try:
            return self._post.send(webhook.url, self._cipher.decrypt(webhook.secret), delivery, sent_at=self._wall.now())
        except Exception as error:  # taking it counted the attempt already
            log.error("webhook.failed", delivery_id=delivery.delivery_id, error=describe(error))
            return "retry", type(error).__name__


def take(work: Work, item: DueDelivery) -> tuple[Delivery, Webhook] | None:
    """Take the message for sending, or end it as suppressed when it may no longer go. None: nothing to send."""
    delivery: Delivery | None = work.get("delivery", item.delivery_id)
    if delivery is None or delivery.next_at > work.now:
        return None
    employer: Employer | None = work.get("employer", delivery.employer_id)
    webhook = next((one for one in employer.webhooks if one.webhook_id == delivery.webhook_id), None) if employer else None
    if webhook is None:
        _end(work, delivery, "suppressed", "unregistered")
        return None
    if not _may_go(work, delivery):
        _end(work, delivery, "suppressed", "consent_ended")
        return None
    if delivery.attempts > len(BACKOFF):  # the outcome of its last attempt was never noted
        _end(work, delivery, "failed", "not_noted")
        return None
    taken = msgspec.structs.replace(delivery, attempts=delivery.attempts + 1, next_at=work.now + LEASE)
    work.put("delivery", delivery.delivery_id, taken)
    return taken, webhook


def _may_go(work: Work, delivery: Delivery) -> bool:
    claim: Claim | None = work.get("claim", delivery.claim_id)
    engagement = claim.engagements.get(delivery.engagement_id) if claim is not None else None
    if claim is None or engagement is None:
        return False
    claimant = work.get("claimant", engagement.claimant_id)
    return visibility(claim, claimant, engagement, london_day(work.now)) == "visible"


def note(work: Work, item: DueDelivery, result: Result, code: str) -> None:
    """Keep the outcome: arrived, given up, or to be tried again later."""
    delivery: Delivery | None = work.get("delivery", item.delivery_id)
    if delivery is None:
        return
    match result:
        case "sent":
            _end(work, delivery, "sent", code)
        case "blocked":
            _end(work, delivery, "failed", code)
        case "gone":
            _end(work, delivery, "failed", code)
            _unregister(work, delivery)
        case "retry":
            _again(work, delivery, code)


def count(work: Work, item: DueDelivery, code: str) -> None:
    """One more failed attempt, of a message that could not even be taken, or whose outcome could not be noted."""
    delivery: Delivery | None = work.get("delivery", item.delivery_id)
    if delivery is not None:
        _again(work, msgspec.structs.replace(delivery, attempts=delivery.attempts + 1), code)


def _again(work: Work, delivery: Delivery, code: str) -> None:
    """Later, or no more."""
    if delivery.attempts > len(BACKOFF):
        _end(work, delivery, "failed", code)
    else:
        later = work.now + BACKOFF[delivery.attempts - 1]
        work.put("delivery", delivery.delivery_id, msgspec.structs.replace(delivery, next_at=later))


def _unregister(work: Work, delivery: Delivery) -> None:
    """The target answered 410: it wants no more."""
    employer: Employer | None = work.get("employer", delivery.employer_id)
    if employer is not None:
        left = tuple(one for one in employer.webhooks if one.webhook_id != delivery.webhook_id)
        work.put("employer", employer.employer_id, msgspec.structs.replace(employer, webhooks=left))


def _end(work: Work, delivery: Delivery, state: str, code: str) -> None:
    work.put("delivery", delivery.delivery_id, None)
    work.append(
        "delivery_end",
        delivery_id=delivery.delivery_id,
        state=state,
        attempts=delivery.attempts,
        last_result=code,
        at=work.now,
    )


def _loop(sender: Sender, name: str, liveness: Liveness, stopping: threading.Event, fail: Callable[[], None]) -> None:
    attempt = 0
    try:
        while not stopping.is_set():
            liveness.begin(name)
            try:
                went_on = sender.step(lambda: liveness.begin(name))
            except Infrastructure as error:
                liveness.waits(name, str(error))
                stopping.wait(backoff(attempt))
                attempt += 1
                continue
            attempt = 0
            liveness.end(name)
            if not went_on:
                stopping.wait(IDLE_S)
    except Exception as error:
        log.critical("sender.stopped", error=type(error).__name__)
        fail()


def run_sender(program: Program[Settings], settings: Settings) -> None:
    """Send until SIGTERM or SIGINT. A bug in one thread stops the process (exit 1)."""
    stopping = threading.Event()
    failed = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    liveness = Liveness(settings.stuck_after_s)
    server = HealthServer(settings.metrics_port, liveness)
    cipher = FieldCipher(settings.field_key.get_secret_value())
    post = Post(TargetPolicy(settings.private_targets), settings.webhook_timeout_s)
    units = [program.unit(settings, "sender") for _ in range(THREADS)]

    def fail() -> None:
        failed.set()
        stopping.set()

    threads = [
        threading.Thread(
            target=_loop,
            args=(Sender(unit, post, cipher, shard=n, shards=THREADS), f"sender-{n}", liveness, stopping, fail),
        )
        for n, unit in enumerate(units)
    ]
    for thread in threads:
        thread.start()
    liveness.started = True
    log.info("sender.started", health_port=server.port)
    stopping.wait()
    for thread in threads:
        thread.join()
    for unit in units:
        unit.close()
    post.close()
    server.close()
    log.info("sender.stopped", reason="failed" if failed.is_set() else "asked to")
    if failed.is_set():
        raise SystemExit(1)
