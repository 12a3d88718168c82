"""Webhooks never reach into our own network, whatever the address looks like or the name resolves to."""

from __future__ import annotations

import socket
from typing import Any

import httpcore
import pytest

from employer_link.targets import BlockedTarget, GuardedBackend, TargetPolicy


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.1", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::",
        "64:ff9b::7f00:1", "ff02::1",
    ],
)  # fmt: skip
def test_private_addresses_are_blocked(address: str) -> None:
    with pytest.raises(BlockedTarget):
        TargetPolicy().choose("hooks.example.org", 443, [address])


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"])
def test_public_addresses_pass(address: str) -> None:
    assert TargetPolicy().choose("hooks.example.org", 443, [address]) == address


def test_one_private_address_among_public_ones_blocks_the_name() -> None:
    with pytest.raises(BlockedTarget):
        TargetPolicy().choose("hooks.example.org", 443, ["93.184.215.14", "10.0.0.1"])


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.org/in",
        "https://hooks.example.org:8443/in?a=b",
        "https://93.184.215.14/in",
    ],
)
def test_public_https_targets_may_be_registered(url: str) -> None:
    TargetPolicy().check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/in",
        "https://user:word@hooks.example.org/in",
        "https://hooks.example.org/in#part",
        "https:///in",
        "https://hooks.example.org:99999/in",
        "https://10.0.0.1/in",
        "https://[::ffff:10.0.0.1]/in",
        "file:///etc/passwd",
        "https://höoks.example.org/in",
        "https://hooks.example.org/ in",
        "https://hooks.example.org/" + "a" * 2050,
        "https://a..b/",
        "https://.example.org/",
        f"https://{'a' * 64}.example.org/",
    ],
)
def test_other_targets_may_not(url: str) -> None:
    with pytest.raises(BlockedTarget):
        TargetPolicy().check_url(url)


def test_the_exemption_holds_for_its_host_and_port_only() -> None:
    policy = TargetPolicy(frozenset({"127.0.0.1:8080"}))
    policy.check_url("http://127.0.0.1:8080/in")
    for url in ("http://127.0.0.1:8081/in", "http://127.0.0.2:8080/in", "https://127.0.0.1/in"):
        with pytest.raises(BlockedTarget):
            policy.check_url(url)


def test_a_name_that_turns_private_between_check_and_call_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver changes its answer after the first look-up; the connection goes to the address that was checked."""
    answers = iter(["93.184.215.14", "127.0.0.1"])
    connected: list[str] = []

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    def connect(_self: Any, host: str, *_: Any) -> Any:
        connected.append(host)
        raise httpcore.ConnectError("as far as this test goes")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    backend = GuardedBackend(TargetPolicy(), 5.0)
    with pytest.raises(httpcore.ConnectError):
        backend.connect_tcp("hooks.example.org", 443)
    assert connected == ["93.184.215.14"]
    with pytest.raises(BlockedTarget):
        backend.connect_tcp("hooks.example.org", 443)
    assert connected == ["93.184.215.14"]


@pytest.mark.parametrize("host", ["a..b", "a" * 64])
def test_a_name_that_the_resolver_cannot_even_write_down_has_no_address(host: str) -> None:
    with pytest.raises(httpcore.ConnectError):
        GuardedBackend(TargetPolicy(), 5.0).connect_tcp(host, 443)
