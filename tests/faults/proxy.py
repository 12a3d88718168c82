"""A TCP proxy that can be told to misbehave: what lies between a service and its broker, database or provider.

    with Proxy() as net:
        link = net.link(lambda: asyncio.open_connection("127.0.0.1", 9092))
        link.weather = Weather(latency_s=0.1)      # from now on, also on connections that stand
        link.reset()

The proxy runs in a thread of its own. It copies bytes and understands none of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from devstack.ports import LOCALHOST

Way = Literal["up", "down"]
"""up: from the client to the server."""
Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]

PIECE = 1 << 16
POLL_S = 0.02
RST = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: closing sends RST and drops what was not sent."""


@dataclass(frozen=True, slots=True)
class Weather:
    """How bytes travel. latency_s: added each way. bytes_per_s: at most, each way of each connection. held: ways on which
    nothing arrives until the weather changes (TCP sends again, so it is late, not lost). closed: no new connections."""

    latency_s: float = 0.0
    bytes_per_s: float | None = None
    held: frozenset[Way] = frozenset()
    closed: bool = False


FAIR = Weather()


@dataclass(eq=False)
class _Connection:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    orphan: bool = False
    tasks: list[asyncio.Task[None]] = field(default_factory=list)


class Link:
    """One address that clients use instead of the server's. passed: bytes so far, both ways."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connect: Connect) -> None:
        self.weather = FAIR
        self.port = 0
        self.accepted = 0
        self.passed = 0
        self._loop = loop
        self._connect = connect
        self._open: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, port: int) -> None:
        """port: 0 for any."""
        self._server = await asyncio.start_server(self._serve, LOCALHOST, port)
        self.port = self._server.sockets[0].getsockname()[1]

    @property
    def standing(self) -> int:
        """Connections that stand now."""
        return len(self._open)

    def reset(self) -> int:
        """Break every connection with RST, both sides; returns how many there were."""
        return self._call(self._reset())

    def orphan(self) -> int:
        """Half-open: servers see their connections end, clients are told nothing and never get an answer; new connections
        work. Returns how many."""
        return self._call(self._orphan())

    def cut(self) -> None:
        """No connection stands and none can be made, until `mend`."""
        self.weather = Weather(closed=True)
        self.reset()

    def mend(self) -> None:
        """Fair weather; clients of half-open connections learn of it now."""
        self.weather = FAIR
        self._call(self._close_orphans())

    def _call(self, what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(10)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.weather.closed:
            _break(writer)
            return
        try:
            server_reader, server_writer = await self._connect()
        except OSError:
            _break(writer)
            return
        self.accepted += 1
        made = _Connection(writer, server_writer)
        self._open.add(made)
        made.tasks = [
            asyncio.create_task(self._copy(made, reader, server_writer, "up")),
            asyncio.create_task(self._copy(made, server_reader, writer, "down")),
        ]
        await asyncio.gather(*made.tasks, return_exceptions=True)
        self._open.discard(made)
        for one in (made.client, made.server):
            one.close()

    async def _copy(self, made: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way) -> None:
        """Pieces wait in a queue for their time, so that latency does not become a limit of bytes per second."""
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(64)
        taking = asyncio.create_task(self._take(made, reader, queue, way))
        try:
            while True:
                due, piece = await queue.get()
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                while way in self.weather.held:  # noqa: ASYNC110 - set from another thread
                    await asyncio.sleep(POLL_S)
                if made.orphan:
                    continue
                if not piece:
                    writer.write_eof() if writer.can_write_eof() else writer.close()
                    return
                self.passed += len(piece)
                writer.write(piece)
                await writer.drain()
        except (OSError, RuntimeError):
            for one in (made.client, made.server):
                _break(one)
        finally:
            taking.cancel()

    async def _take(
        self, made: _Connection, reader: asyncio.StreamReader, queue: asyncio.Queue[tuple[float, bytes]], way: Way
    ) -> None:
        while True:
            piece = b""
            with contextlib.suppress(OSError):
                piece = await reader.read(PIECE)
            await queue.put((time.monotonic() + self.weather.latency_s, piece))
            if not piece:
                return
            if self.weather.bytes_per_s is not None:
                await asyncio.sleep(len(piece) / self.weather.bytes_per_s)

    async def _reset(self) -> int:
        found = list(self._open)
        for made in found:
            for task in made.tasks:
                task.cancel()
            for one in (made.client, made.server):
                _break(one)
        return len(found)

    async def _orphan(self) -> int:
        found = [made for made in self._open if not made.orphan]
        for made in found:
            made.orphan = True
            _break(made.server)
        return len(found)

    async def _close_orphans(self) -> None:
        for made in [made for made in self._open if made.orphan]:
            for task in made.tasks:
                task.cancel()
            _break(made.client)

    async def close(self) -> None:
        """Stop listening, break what stands."""
        if self._server is not None:
            self._server.close()
        await self._reset()


def _break(writer: asyncio.StreamWriter) -> None:
    found: socket.socket | None = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        if found is not None and found.family != socket.AF_UNIX:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
    writer.transport.abort()


class Proxy:
    """The thread, and its links."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._links: list[Link] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()

    def link(self, connect: Connect, port: int = 0) -> Link:
        """A new address; `connect` opens a connection to the server behind it."""
        made = Link(self._loop, connect)
        asyncio.run_coroutine_threadsafe(made.listen(port), self._loop).result(10)
        self._links.append(made)
        return made

    def close(self) -> None:
        """Close all links and end the thread."""
        for link in self._links:
            asyncio.run_coroutine_threadsafe(link.close(), self._loop).result(10)
        asyncio.run_coroutine_threadsafe(_settle(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


async def _settle() -> None:
    """Let everything that was cancelled or broken come to its end."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
