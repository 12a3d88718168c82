"""Where the longer cells play: a broker and a database on disks of limited size, and a fault proxy before everything that
the services talk to."""

from __future__ import annotations

import asyncio
import os
import pwd
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.faults.full.disk import Disk
from tests.faults.proxy import Link, Proxy

from devstack.backends import Backends
from devstack.kafka import Kafka
from devstack.layout import SERVICES, Ports, address, database_variable
from devstack.ports import LOCALHOST, free_ports
from devstack.postgres import Postgres
from devstack.supervisor import sweep

BROKER_DISK = 1 << 30
DATABASE_DISK = 3 << 30
SETTLE_S = "15"
"""The provider's sandbox shows at once what it has accepted, so a message of unknown fate need not wait for a minute."""


@dataclass(frozen=True, slots=True)
class Site:
    """Backends, the ways to them, and their disks."""

    backends: Backends
    ports: Ports
    net: Proxy
    broker: Link
    database: Link
    provider: Link
    data_keys: Link
    broker_disk: Disk
    database_disk: Disk

    def environment(self, prefix: str) -> dict[str, str]:
        """Addresses of the links, in the place of the real ones."""
        urls = {
            database_variable(
                service
            ): f"postgresql://postgres@{LOCALHOST}:{self.database.port}/{prefix}{service}?sslmode=disable"
            for service in SERVICES
        }
        return {
            **urls,
            "NOTIFY_SETTLE_S": SETTLE_S,
            "KAFKA_BOOTSTRAP_SERVERS": f"{LOCALHOST}:{self.broker.port}",
            "NOTIFY_BASE_URL": address(self.provider.port),
            "DATA_KEY_SERVICE_URL": address(self.data_keys.port),
        }

    @property
    def links(self) -> tuple[Link, ...]:
        return self.broker, self.database, self.provider, self.data_keys

    def mend(self) -> None:
        """Fair weather everywhere."""
        for link in self.links:
            link.mend()


@contextmanager
def opened(home: Path) -> Iterator[Site]:
    """Start both backends in `home`; what a killed run left there is ended and removed."""
    sweep(home)
    with ExitStack() as stack:
        owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        disks = (
            Disk(home / "kafka" / "data", BROKER_DISK),
            Disk(home / "postgresql" / "data", DATABASE_DISK, owner.pw_uid, owner.pw_gid),
        )
        for disk in disks:
            stack.callback(disk.close)
        net = stack.enter_context(Proxy())
        listening, told = free_ports(2)
        kafka = Kafka.find(home, docker=False, port=None, outlives_us=False, through=(listening, told))
        stack.callback(kafka.close)
        postgres = Postgres.find(home, docker=False, outlives_us=False)
        stack.callback(postgres.close)
        kinds = (kafka.kind, postgres.kind)
        assert kinds == ("embedded", "embedded"), f"backends are {kinds}; these cells kill their own: unset the addresses"
        ports = Ports.free()
        sockets = parse_qs(urlsplit(postgres.url("postgres")).query)["host"][0]
        yield Site(
            backends=Backends(home, kafka, postgres, owned=False),
            ports=ports,
            net=net,
            broker=net.link(lambda: asyncio.open_connection(LOCALHOST, listening), told),
            database=net.link(lambda: asyncio.open_unix_connection(f"{sockets}/.s.PGSQL.5432")),
            provider=net.link(lambda: asyncio.open_connection(LOCALHOST, ports.notify)),
            data_keys=net.link(lambda: asyncio.open_connection(LOCALHOST, ports.data_key)),
            broker_disk=disks[0],
            database_disk=disks[1],
        )
