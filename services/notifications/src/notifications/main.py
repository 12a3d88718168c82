"""The composition root: everything is built here and passed down."""

from __future__ import annotations

import os
import socket
from functools import partial

import structlog

from contracts import topics
from notifications import policy, timers
from notifications.consumers.handle import handle
from notifications.consumers.prepare import prepare
from notifications.links import links
from notifications.model import ClaimDoc, CoachDoc, OfficeDoc
from notifications.settings import NAME, Settings
from notifications.setup import Setup
from notifications.store import queue
from notifications.store.projections import project
from streaming.clock import make_clock
from streaming.crypto import FieldCipher
from streaming.database import connector
from streaming.health import EndOffsets, Health
from streaming.liveness import HealthServer, Liveness
from streaming.spec import Kind, Spec
from streaming.unit_of_work import UnitOfWork

log = structlog.get_logger()


KINDS = (Kind("claim", ClaimDoc), Kind("coach", CoachDoc), Kind("office", OfficeDoc))
"""In lock order."""

CONSUMED = tuple(name for name in topics.consumed_by(NAME) if name != topics.PLATFORM_CLOCK)
"""The clock is followed by every process on its own, without offsets."""


def build_setup(settings: Settings) -> Setup:
    """The figures in force, and the key of contact details."""
    return Setup(policy=policy.current(), cipher=FieldCipher(settings.field_key.get_secret_value()))


def build_spec(settings: Settings) -> Spec:
    """The service as the shell sees it."""
    setup = build_setup(settings)
    return Spec(
        name=NAME,
        kinds=KINDS,
        topics=dict.fromkeys(CONSUMED, prepare),
        handle=partial(handle, setup),
        fire=partial(timers.fire, setup),
        links=links,
        project=project,
        pending=queue.count_due,
    )


def run_sender(settings: Settings) -> None:
    """The `sender` process, until SIGTERM."""
    from notifications.senders import crash
    from notifications.senders.brake import Brake
    from notifications.senders.loop import Sender, stop_on_signals

    setup, spec, clock = build_setup(settings), build_spec(settings), make_clock(settings)
    connect = connector(settings.notifications_database_url, f"{NAME} sender")
    health = Health(spec, clock, EndOffsets(settings.kafka_bootstrap_servers, list(spec.topics)))
    liveness = Liveness(settings.stuck_after_s)
    server = HealthServer(settings.metrics_port, liveness)
    sender = Sender(
        settings,
        setup,
        lambda: UnitOfWork(spec, connect, clock, setup.cipher),
        Brake(health, settings.sender_brake_lag),
        liveness,
        crash.at(settings.crash_at),
        f"{socket.gethostname()}/{os.getpid()}",
    )
    log.info("sender.starting", health_port=server.port)
    liveness.started = True
    try:
        sender.run(stop_on_signals())
    except Exception as error:
        log.critical("sender.stopped", error=type(error).__name__)
        raise
    finally:
        server.close()
    log.info("sender.stopped", reason="asked to")
