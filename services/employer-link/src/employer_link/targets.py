"""Where webhooks may go: a guard against being made to call our own network (server-side request forgery).

The address is checked when the connection is made, and the connection goes to the very address that was checked, so a
name that changes its answer between check and call gains nothing. Redirects are never followed.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpcore

from employer_link.deadline import Ending, left

MAX_URL = 2048


class BlockedTarget(Exception):
    """The target is not on the public internet, or not addressed as it must be."""


class TargetPolicy:
    """allowed: `host:port` pairs that may be private and plain http; production's settings refuse any."""

    def __init__(self, allowed: frozenset[str] = frozenset()) -> None:
        self._allowed = allowed

    def exempt(self, host: str, port: int) -> bool:
        """This host and port may be private."""
        return f"{host}:{port}" in self._allowed

    def check_url(self, url: str) -> None:
        """The form of a target, before anything is resolved: https, a host that the resolver takes, no credentials, no fragment.

        Raises BlockedTarget.
        """
        if len(url) > MAX_URL or not url.isascii() or any(character <= " " for character in url):
            raise BlockedTarget("url")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise BlockedTarget("url") from None
        if not parts.hostname or parts.username is not None or parts.password is not None or parts.fragment:
            raise BlockedTarget("url")
        try:
            parts.hostname.encode("idna")  # as the resolver does: an empty or overlong label is no OSError there
        except UnicodeError:
            raise BlockedTarget("name") from None
        if parts.scheme == "http" and self.exempt(parts.hostname, port or 80):
            return
        if parts.scheme != "https":
            raise BlockedTarget("scheme")
        try:
            literal = ipaddress.ip_address(parts.hostname)
        except ValueError:
            return
        if not self.exempt(parts.hostname, port or 443) and not public(literal):
            raise BlockedTarget("address")

    def address(self, host: str, port: int) -> str:
        """The address to connect to. Raises BlockedTarget unless all of the name's are public; OSError, UnicodeError: none."""
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        return self.choose(host, port, found)

    def choose(self, host: str, port: int, found: Sequence[str]) -> str:
        """One of the resolved addresses, if none of them is private."""
        if not self.exempt(host, port) and not all(public(ipaddress.ip_address(text)) for text in found):
            raise BlockedTarget("address")
        return found[0]


def public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """On the public internet: not loopback, private, link-local, shared, multicast or reserved, also when wrapped in IPv6."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is not None and not public(inner):
            return False
        if address in _NAT64 and not public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)):
            return False
    return address.is_global and not address.is_multicast


_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class GuardedBackend(httpcore.NetworkBackend):
    """Connects only to addresses that the policy lets through. within_s: how long a connection lasts, its making included."""

    def __init__(self, policy: TargetPolicy, within_s: float) -> None:
        self._policy = policy
        self._within_s = within_s
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Resolve, check, connect to what was checked."""
        ends = time.monotonic() + self._within_s
        try:
            address = self._policy.address(host, port)
        except (OSError, UnicodeError):
            raise httpcore.ConnectError("the name has no address") from None
        timeout = left(ends, timeout, httpcore.ConnectTimeout)
        return Ending(self._plain.connect_tcp(address, port, timeout, local_address, socket_options), ends)

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        """Never."""
        raise BlockedTarget("unix")
