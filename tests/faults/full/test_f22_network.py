"""F22: the network between the services and their broker or database is cut, slow, deaf on one way, reset, half-open."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from tests.faults.full.run import Run
from tests.faults.proxy import Link, Weather

from devstack.layout import database_variable
from streaming.database import VANISHED, connector

LASTS_S = 8.0
HALF_OPEN_S = 20.0
RESETS = 5


def test_f22_a_connection_notices_soon_that_the_database_s_machine_has_vanished(run: Run) -> None:
    """Asked of the socket: the proxy's own machine would go on to answer for a server that is gone."""
    url = run.supervisor.environment[database_variable("earnings")]
    with connector(url, "test")() as conn, socket.socket(fileno=os.dup(conn.fileno())) as wire:
        assert wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == VANISHED["tcp_user_timeout"]


def cut(link: Link) -> None:
    link.cut()
    time.sleep(LASTS_S)


def latency(link: Link) -> None:
    link.weather = Weather(latency_s=0.1)
    time.sleep(LASTS_S)


def nothing_up(link: Link) -> None:
    link.weather = Weather(held=frozenset({"up"}))
    time.sleep(LASTS_S)


def nothing_down(link: Link) -> None:
    link.weather = Weather(held=frozenset({"down"}))
    time.sleep(LASTS_S)


def reset(link: Link) -> None:
    for _ in range(RESETS):
        assert link.reset(), "connections stand"
        time.sleep(LASTS_S / RESETS)


def half_open(link: Link) -> None:
    assert link.orphan(), "connections stand"
    time.sleep(HALF_OPEN_S)


WAYS = (cut, latency, nothing_up, nothing_down, reset, half_open)


@pytest.mark.parametrize("to", ["broker", "database"])
@pytest.mark.parametrize("how", WAYS, ids=lambda how: how.__name__)
def test_f22_the_network_fails(run: Run, how: Callable[[Link], None], to: str) -> None:
    """The network mends by itself: people who ask meanwhile are told to come back, and must be served in the end."""
    link: Link = getattr(run.site, to)

    def fault() -> float:
        how(link)
        run.cell.faults.append(f"{how.__name__} before the {to}, {link.accepted} connections so far")
        link.mend()
        return time.monotonic()

    with ThreadPoolExecutor(1) as beside:
        fired: list[Future[float]] = []
        run.play(begin=lambda: fired.append(beside.submit(fault)), end=lambda: fired[0].result())
    run.verify()


def test_f22_the_provider_is_cut_off(run: Run) -> None:
    def during() -> None:
        run.site.provider.cut()
        run.ask(2)
        time.sleep(LASTS_S)
        run.cell.faults.append(f"cut before the provider for {LASTS_S:g} s")

    run.play(during=during, end=run.site.provider.mend)
    run.verify()
