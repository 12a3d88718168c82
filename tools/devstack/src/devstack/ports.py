"""TCP ports on 127.0.0.1."""

from __future__ import annotations

import itertools
import os
import socket
from contextlib import ExitStack

from devstack.errors import PortTaken

LOCALHOST = "127.0.0.1"


FIRST, LAST, BLOCK = 20_000, 32_000, 100
"""Ports to choose from: below those that systems give to outgoing connections, so that no client takes one between its
choice and its server's start. Programs that run side by side begin in blocks of their own."""
_STEPS = itertools.count(os.getpid() * BLOCK % (LAST - FIRST))


def free_ports(count: int) -> list[int]:
    """`count` different ports nobody listens on now; all are held open until the last is found. Raises PortTaken."""
    with ExitStack() as held:
        found: list[int] = []
        for step in itertools.islice(_STEPS, LAST - FIRST):
            port = FIRST + step % (LAST - FIRST)
            try:
                held.enter_context(socket.socket()).bind((LOCALHOST, port))
            except OSError:
                continue
            found.append(port)
            if len(found) == count:
                return found
    raise PortTaken(f"no {count} free ports between {FIRST} and {LAST}; stop programs that listen there")


def require_free(port: int, what: str, override: str) -> None:
    """Raise PortTaken, naming `what` wanted the port and which variable (`override`) chooses another."""
    with socket.socket() as sock:
        # As servers do: a port in TIME_WAIT after a restart counts as free.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((LOCALHOST, port))
        except OSError as error:
            raise PortTaken(
                f"port {port}, wanted for {what}, is taken by another program; stop that program or set {override} to a free port"
            ) from error


def answers(port: int, host: str = LOCALHOST) -> bool:
    """True if something accepts a connection."""
    with socket.socket() as sock:
        sock.settimeout(0.5)
        return sock.connect_ex((host, port)) == 0
