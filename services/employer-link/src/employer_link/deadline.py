"""A connection that ends at a set moment, however its other side spaces out what it sends.

A time-out of httpcore bounds each single read or write: whoever sends a byte now and then would hold the reader for ever.
"""

from __future__ import annotations

import ssl
import time
from typing import Any

import httpcore


class Ending(httpcore.NetworkStream):
    """`stream` until `ends`, an instant of time.monotonic()."""

    def __init__(self, stream: httpcore.NetworkStream, ends: float) -> None:
        self._stream = stream
        self._ends = ends

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """See NetworkStream. Raises httpcore.ReadTimeout from the end on."""
        return self._stream.read(max_bytes, left(self._ends, timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """See NetworkStream. Raises httpcore.WriteTimeout from the end on."""
        self._stream.write(buffer, left(self._ends, timeout, httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """See NetworkStream. What is said in TLS ends at the same moment."""
        timeout = left(self._ends, timeout, httpcore.ConnectTimeout)
        return Ending(self._stream.start_tls(ssl_context, server_hostname, timeout), self._ends)

    def close(self) -> None:
        """See NetworkStream."""
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        """See NetworkStream."""
        return self._stream.get_extra_info(info)


def left(ends: float, timeout: float | None, over: type[httpcore.TimeoutException]) -> float:
    """Seconds until `ends`, at most `timeout`. Raises `over` when none are left."""
    seconds = ends - time.monotonic()
    if seconds <= 0:
        raise over("the time for this message is over")
    return seconds if timeout is None else min(seconds, timeout)
