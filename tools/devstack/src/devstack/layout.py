"""What the platform consists of on one machine: services, their processes, ports, and the environment they share."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Self

from devstack.errors import DevstackError
from devstack.ports import LOCALHOST, free_ports

SERVICES = ("earnings", "referrals", "notifications", "employer_link")
"""Import packages of the services; `python -m <package> …` runs one, `<PACKAGE>_DATABASE_URL` names its database."""

SENDERS = ("notifications", "employer_link")
"""Services with a process that calls the outside world."""

OUTSIDE = ("OIDC_ISSUER", "DATA_KEY_SERVICE_URL", "NOTIFY_BASE_URL")
"""Addresses that a caller may give instead of a sandbox of ours."""

OTHER_NAMES = MappingProxyType({"oidc": ("PORT_ISSUER", "PORT_DEV_ISSUER"), "data_key": ("PORT_DATA_KEY_SERVICE",)})
"""What else people call the variable of a port."""

NOTIFY_SERVICE_ID = "3d1b2c9e-0000-4000-8000-646576737461"
NOTIFY_SECRET = "9f0c1a77-0000-4000-8000-636b6e6f7469"


def _dev_key(purpose: str) -> str:
    """32 bytes that begin with "dev", so that production settings recognise and refuse them."""
    return base64.b64encode(f"dev {purpose}".encode().ljust(32, b".")).decode()


FIELD_KEY = _dev_key("field key")
PSEUDONYM_KEY = _dev_key("pseudonym key")
NOTIFY_API_KEY = f"dev-{NOTIFY_SERVICE_ID}-{NOTIFY_SECRET}"
NOTIFY_RECEIPTS_TOKEN = "dev-receipts-bearer"


def database_variable(service: str) -> str:
    """`EARNINGS_DATABASE_URL` and so on."""
    return f"{service.upper()}_DATABASE_URL"


def client_id(service: str) -> str:
    """The service's own OAuth client, for calls to other services."""
    return f"service-{service.replace('_', '-')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Listening ports on 127.0.0.1; the defaults are those of `make up`."""

    earnings: int = 8101
    referrals: int = 8102
    notifications: int = 8103
    employer_link: int = 8104
    oidc: int = 8110
    data_key: int = 8111
    notify: int = 8112
    kafka: int = 9092

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """`PORT_EARNINGS`, `PORT_EMPLOYER_LINK`, `PORT_OIDC` (or `PORT_ISSUER`), `PORT_DATA_KEY`, … override the defaults."""
        given: dict[str, int] = {}
        for field in fields(cls):
            name = next((name for name in (variable(field.name), *OTHER_NAMES.get(field.name, ())) if environ.get(name)), None)
            if name:
                text = environ[name]
                if not text.isdecimal() or not 0 < int(text) < 65536:
                    raise DevstackError(f"{name} must be a port number, 1 to 65535")
                given[field.name] = int(text)
        return cls(**given)

    @classmethod
    def free(cls) -> Self:
        """Ports nobody uses now: for the demo and the tests."""
        names = [field.name for field in fields(cls)]
        return cls(**dict(zip(names, free_ports(len(names)), strict=True)))


def variable(port_name: str) -> str:
    """The variable that overrides a port of `Ports`."""
    return f"PORT_{port_name.upper()}"


def address(port: int) -> str:
    return f"http://{LOCALHOST}:{port}"


def environment(
    ports: Ports,
    *,
    bootstrap: str,
    databases: Mapping[str, str],
    clock: str = "wall",
    partitions: int = 4,
    clients: Mapping[str, str] = MappingProxyType({}),
    outside: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """What every process of every service gets, on top of the caller's own environment.

    databases: service → url. clock: `wall` or `topic`. clients: OAuth client id → secret of the services' own clients.
    outside: addresses that replace sandboxes (names of `OUTSIDE`).
    """
    sandboxes = {
        "OIDC_ISSUER": address(ports.oidc),
        "DATA_KEY_SERVICE_URL": address(ports.data_key),
        "NOTIFY_BASE_URL": address(ports.notify),
    }
    return {
        "ENVIRONMENT": "local",
        "PLATFORM_CLOCK": clock,
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "PARTITIONS": str(partitions),
        "FIELD_KEY": FIELD_KEY,
        "PSEUDONYM_KEY": PSEUDONYM_KEY,
        "NOTIFY_API_KEY": NOTIFY_API_KEY,
        "NOTIFY_RECEIPTS_TOKEN": NOTIFY_RECEIPTS_TOKEN,
        **{database_variable(service): url for service, url in databases.items()},
        **{f"{service.upper()}_URL": address(getattr(ports, service)) for service in SERVICES},
        **{f"{service.upper()}_CLIENT_ID": client_id(service) for service in SERVICES},
        **{f"{service.upper()}_CLIENT_SECRET": clients.get(client_id(service), "none") for service in SERVICES},
        **sandboxes,
        **outside,
    }
