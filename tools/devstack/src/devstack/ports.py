"""TCP ports on 127.0.0.1."""

from __future__ import annotations

import socket
from contextlib import ExitStack

from devstack.errors import PortTaken

LOCALHOST = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    """`count` different ports nobody listens on now; all are held open until the last is found."""
    with ExitStack() as held:
        found = []
        for _ in range(count):
            sock = held.enter_context(socket.socket())
            sock.bind((LOCALHOST, 0))
            found.append(int(sock.getsockname()[1]))
        return found


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
