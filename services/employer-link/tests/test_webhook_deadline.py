"""An endpoint that answers byte by byte, or not at all, holds nobody longer than one message may take."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from employer_link.delivery import Post
from employer_link.model import Delivery
from employer_link.targets import TargetPolicy

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
MESSAGE = Delivery(
    delivery_id="d-1",
    webhook_id="w-1",
    employer_id="e-1",
    claim_id="c-1",
    engagement_id="en-1",
    event_id="ev-1",
    type="EngagementShared",
    at=NOW,
    next_at=NOW,
)
TIMEOUT_S = 0.5
LONG_S = 5.0
"""For how long the endpoint goes on; ten times what a message may take."""
DRIPS = itertools.repeat(b"x")


@contextmanager
def endpoint(answer: bytes, more: Iterable[bytes] = DRIPS) -> Iterator[int]:
    """Says `answer` at once and `more` piece by piece, each well within the time-out of one read; its port."""
    over = threading.Event()

    def serve(listening: socket.socket) -> None:
        with listening.accept()[0] as caller:
            ends = time.monotonic() + LONG_S
            try:
                caller.sendall(answer)
                for piece in more:
                    if over.wait(TIMEOUT_S / 10) or time.monotonic() > ends:
                        return
                    caller.sendall(piece)
                over.wait(LONG_S)
            except OSError:
                return  # the sender has gone

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            thread.join()


def sent(scheme: str, port: int) -> tuple[tuple[str, str], float]:
    """(result and code, seconds it took)"""
    post = Post(TargetPolicy(frozenset({f"127.0.0.1:{port}"})), TIMEOUT_S)
    began = time.monotonic()
    try:
        result = post.send(f"{scheme}://127.0.0.1:{port}/in", b"s" * 32, MESSAGE, sent_at=NOW)
    finally:
        post.close()
    return result, time.monotonic() - began


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"], ids=["long", "endless"]
)
def test_the_body_of_an_answer_is_not_waited_for(head: bytes) -> None:
    with endpoint(head) as port:
        result, took = sent("http", port)
    assert result == ("sent", "200")
    assert took < LONG_S / 2


@pytest.mark.parametrize(
    ("head", "more"),
    [(b"HTTP/1.1 200 OK\r\nX-Slow: ", DRIPS), (b"", itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n"))],
    ids=["one header without end", "interim answers without end"],
)
def test_an_answer_whose_head_drips_is_over_in_time(head: bytes, more: Iterable[bytes]) -> None:
    with endpoint(head, more) as port:
        result, took = sent("http", port)
    assert result == ("retry", "ReadTimeout")
    assert took < LONG_S / 2


def test_a_handshake_that_never_comes_is_over_in_time() -> None:
    with endpoint(b"", ()) as port:
        result, took = sent("https", port)
    assert result == ("retry", "ConnectTimeout")
    assert took < LONG_S / 2
