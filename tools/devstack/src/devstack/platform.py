"""The whole platform on one machine: databases, topics, sandboxes and every service's processes.

with Platform.start(var_dir, backends, Ports.free(), clock="topic") as platform:
    platform.url("earnings"), platform.supervisor.kill("earnings-worker")
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from devstack import credentials, layout, topics
from devstack.backends import Backends
from devstack.credentials import Client, Credentials
from devstack.errors import ProcessFailed
from devstack.layout import SENDERS, SERVICES, Ports
from devstack.ports import free_ports, require_free
from devstack.supervisor import Program, Supervisor, inherited_environment

READY_S = 120.0
SANDBOXES = "sandboxes"


class Platform:
    """A started platform. `supervisor` has one process each of `<service>-worker`, `-relay`, `-api`, for two services
    `-sender`, and `sandboxes`; `environment` is what the services' processes see."""

    def __init__(
        self, var_dir: Path, backends: Backends, ports: Ports, databases: Mapping[str, str], clock: str, partitions: int
    ) -> None:
        self.var_dir = var_dir.resolve()
        self.backends = backends
        self.ports = ports
        self.databases = dict(databases)
        self.partitions = partitions
        self._outside = {name: os.environ[name] for name in layout.OUTSIDE if os.environ.get(name)}
        self._clients = {layout.client_id(service): secrets.token_urlsafe(24) for service in SERVICES}
        self.environment = layout.environment(
            ports,
            bootstrap=backends.kafka.bootstrap,
            databases=databases,
            clock=clock,
            partitions=partitions,
            clients=self._clients,
            outside=self._outside,
        )
        self.supervisor = Supervisor(self.var_dir, {**inherited_environment(), **self.environment})

    @classmethod
    def start(
        cls,
        var_dir: Path,
        backends: Backends,
        ports: Ports,
        *,
        clock: Literal["wall", "topic"] = "wall",
        partitions: int = topics.LOCAL_PARTITIONS,
        database_prefix: str = "",
        env: Mapping[str, str] | None = None,
        fresh: bool = False,
        before_services: Callable[[], None] = lambda: None,
        services: Sequence[str] = SERVICES,
        progress: Callable[[str], None] = lambda _: None,
        ready_s: float = READY_S,
    ) -> Self:
        """Migrate, create topics, start everything, and return when every process is healthy.

        database_prefix: before the services' names, so that several platforms share one server. env: laid over every
        process's environment. fresh: begin with empty topics and databases. before_services: called when the topics exist
        and no service runs yet: the place to publish the first instant of the clock topic. progress: told each step.
        ready_s: how long it may take until every process is healthy. On failure everything started is stopped again.
        An older platform of this program is stopped first if it shares the broker and a service (both would read as one
        consumer group), or if its topics are emptied.
        """
        databases = _databases(backends, database_prefix, services, fresh=fresh)
        platform = cls(var_dir, backends, ports, databases, clock, partitions)
        platform.supervisor.environment.update(env or {})
        platform.environment.update(env or {})
        platform._take_over(fresh)
        try:
            progress("sandboxes")
            platform._write_credentials()
            for program in platform._sandboxes():
                platform.supervisor.start(program)
            progress("topics and migrations")
            with ThreadPoolExecutor(1) as threads:
                created = threads.submit(topics.create, backends.kafka.bootstrap, partitions, fresh=fresh)
                platform.migrate(services)
                created.result()
            before_services()
            progress("services")
            for program in platform.programs(services):
                platform.supervisor.start(program)
            platform.supervisor.wait_healthy(timeout=ready_s)
        except BaseException:
            platform.stop()
            raise
        return platform

    def url(self, service: str) -> str:
        """Base address of a service's API."""
        return layout.address(getattr(self.ports, service))

    @property
    def issuer(self) -> str:
        return self.environment["OIDC_ISSUER"]

    @property
    def notify(self) -> str:
        return self.environment["NOTIFY_BASE_URL"]

    @property
    def data_key_service(self) -> str:
        return self.environment["DATA_KEY_SERVICE_URL"]

    @property
    def bootstrap(self) -> str:
        return self.environment["KAFKA_BOOTSTRAP_SERVERS"]

    def credentials(self) -> Credentials:
        """The clients the local issuer knows."""
        return credentials.read(self.var_dir / credentials.FILE)

    def add_clients(self, *clients: Client) -> None:
        """Let more clients get tokens, at once."""
        credentials.add(self.var_dir, *clients)

    def migrate(self, services: Sequence[str] = SERVICES) -> None:
        """Bring all databases to the newest schema, at the same time; ProcessFailed with the output of one that failed."""
        environment = self.supervisor.environment

        def one(service: str) -> None:
            argv = [sys.executable, "-m", service, "migrate"]
            done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise ProcessFailed(
                    f"python -m {service} migrate ended with {done.returncode}\n{(done.stdout + done.stderr)[-4000:]}"
                )

        with ThreadPoolExecutor(len(services)) as threads:
            list(threads.map(one, services))

    def programs(self, services: Sequence[str] = SERVICES) -> list[Program]:
        """Every process of the named services, each with a metrics port of its own."""
        roles = [(service, role) for service in services for role in _roles(service)]
        metrics = free_ports(len(roles))
        return [self._program(service, role, port) for (service, role), port in zip(roles, metrics, strict=True)]

    def _program(self, service: str, role: str, metrics: int) -> Program:
        name = f"{service.replace('_', '-')}-{role}"
        argv, health, port = [sys.executable, "-m", service, role], f"{layout.address(metrics)}/health/ready", metrics
        if role == "api":
            port = getattr(self.ports, service)
            argv, health = [*argv, "--port", str(port)], f"{self.url(service)}/health/ready"
        return Program(name=name, argv=argv, env={"METRICS_PORT": str(metrics)}, health=health, port=port)

    def _sandboxes(self) -> list[Program]:
        if len(self._outside) == len(layout.OUTSIDE):
            return []
        ports = {layout.variable(field.name): str(getattr(self.ports, field.name)) for field in fields(self.ports)}
        argv = [sys.executable, "-m", "devstack.sandboxes", "--var-dir", str(self.var_dir)]
        health = f"{layout.address(self.ports.notify)}/health/live"
        return [Program(name=SANDBOXES, argv=argv, env=ports, health=health, port=self.ports.oidc)]

    def _write_credentials(self) -> None:
        if "OIDC_ISSUER" not in self._outside:
            credentials.write(self.var_dir, self.issuer, credentials.standard(self._clients))

    def _take_over(self, fresh: bool) -> None:
        for rival in [one for one in _RUNNING if one.bootstrap == self.bootstrap]:
            if fresh or rival.databases.keys() & self.databases.keys():
                print(f"stopping the platform in {rival.var_dir}: another one starts on its broker", file=sys.stderr)
                rival.stop()
        _RUNNING.append(self)

    def stop(self) -> None:
        """Stop every process; backends stay with whoever started them."""
        self.supervisor.stop_all()
        if self in _RUNNING:
            _RUNNING.remove(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def _roles(service: str) -> tuple[str, ...]:
    return ("worker", "relay", "api", "sender") if service in SENDERS else ("worker", "relay", "api")


_RUNNING: list[Platform] = []
"""The platforms that this program runs."""


def _databases(backends: Backends, prefix: str, services: Sequence[str], *, fresh: bool) -> dict[str, str]:
    given = {service: os.environ.get(layout.database_variable(service)) for service in services}
    make = backends.postgres.create_database
    return {service: url or make(f"{prefix}{service}", replace=fresh) for service, url in given.items()}


def require_ports(ports: Ports) -> None:
    """Raise PortTaken for the first port of the platform (without Kafka's) that somebody else uses."""
    wanted = [(service, f"the {service.replace('_', '-')} API") for service in SERVICES]
    if not os.environ.get("OIDC_ISSUER"):
        wanted.append(("oidc", "the development issuer"))
    if not os.environ.get("DATA_KEY_SERVICE_URL"):
        wanted.append(("data_key", "the data key service sandbox"))
    if not os.environ.get("NOTIFY_BASE_URL"):
        wanted.append(("notify", "the GOV.UK Notify sandbox"))
    for name, what in wanted:
        require_free(getattr(ports, name), what, layout.variable(name))
