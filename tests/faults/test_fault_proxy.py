"""The fault proxy does what the network cells rely on."""

from __future__ import annotations

import socket
import threading
import time
from asyncio import open_connection
from collections.abc import Iterator

import pytest
from tests.faults.proxy import FAIR, Link, Proxy, Weather


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that sends back what it gets."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve(one: socket.socket) -> None:
        with one:
            while True:
                try:
                    piece = one.recv(1 << 16)
                except OSError:
                    return
                if not piece:
                    return
                one.sendall(piece)

    def accept() -> None:
        while True:
            try:
                one, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(one,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listening.getsockname()[1]
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


@pytest.fixture
def link(echo: int) -> Iterator[Link]:
    with Proxy() as proxy:
        yield proxy.link(lambda: open_connection("127.0.0.1", echo))


def call(link: Link) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", link.port), timeout=5)
    made.sendall(b"hello")
    assert made.recv(5) == b"hello"
    return made


def took(one: socket.socket, data: bytes) -> float:
    began = time.monotonic()
    one.sendall(data)
    left = len(data)
    while left:
        left -= len(one.recv(left))
    return time.monotonic() - began


def test_bytes_pass_and_latency_is_added_both_ways(link: Link) -> None:
    with call(link) as one:
        link.weather = Weather(latency_s=0.1)
        assert took(one, b"x") >= 0.2


def test_bandwidth_is_limited(link: Link) -> None:
    with call(link) as one:
        link.weather = Weather(bytes_per_s=200_000)
        assert took(one, b"x" * 100_000) >= 0.3


def test_what_is_held_one_way_arrives_when_the_way_is_free(link: Link) -> None:
    with call(link) as one:
        link.weather = Weather(held=frozenset({"down"}))
        one.sendall(b"late")
        one.settimeout(0.3)
        with pytest.raises(TimeoutError):
            one.recv(4)
        link.weather = FAIR
        one.settimeout(5)
        assert one.recv(4) == b"late"


def test_a_reset_breaks_connections_and_a_cut_refuses_new_ones_until_mended(link: Link) -> None:
    with call(link) as one:
        assert link.reset() == 1
        with pytest.raises(ConnectionResetError):
            one.recv(1)
    link.cut()
    # The reset may come before the client has looked at its new connection, or after.
    with pytest.raises(ConnectionResetError), socket.create_connection(("127.0.0.1", link.port), timeout=5) as refused:
        refused.recv(1)
    link.mend()
    call(link).close()


def test_a_half_open_connection_is_silent_and_new_ones_work(link: Link) -> None:
    with call(link) as old:
        assert link.orphan() == 1
        old.sendall(b"anybody there")
        old.settimeout(0.3)
        with pytest.raises(TimeoutError):
            old.recv(1)
        call(link).close()
        link.mend()
        old.settimeout(5)
        with pytest.raises(ConnectionResetError):
            old.recv(1)
