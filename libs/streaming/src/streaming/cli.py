"""A service's program: `python -m <service> worker | relay | api | migrate` and the operator commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import typer

from contracts.topics import PLATFORM_CLOCK
from streaming import complaints, logs
from streaming.broker import Broker
from streaming.clock import make_clock
from streaming.crypto import FieldCipher
from streaming.database import IDLE_IN_TRANSACTION_MS, connector
from streaming.liveness import HealthServer, Liveness
from streaming.operator import add_commands
from streaming.positions import add_positions
from streaming.settings import PlatformSettings
from streaming.spec import Spec
from streaming.unit_of_work import Limits, UnitOfWork

S = TypeVar("S", bound=PlatformSettings)


@dataclass(frozen=True)  # no slots: calling Program[Settings](...) sets an attribute of its own on the instance
class Program(Generic[S]):
    """What the shell needs to run a service's processes.

    settings: reads the environment; what is missing or wrong there is told in a line and ends the program with 2.
    database_url: from the settings. spec: builds the service's Spec. api: builds the FastAPI application. port: the
    API's default port.
    """

    name: str
    settings: Callable[[], S]
    database_url: Callable[[S], str]
    spec: Callable[[S], Spec]
    api: Callable[[S], Any]
    migrations: Path
    port: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", partial(complaints.settings, self.settings))

    def unit(self, settings: S, role: str, idle_in_transaction_ms: int = IDLE_IN_TRANSACTION_MS) -> UnitOfWork:
        """A unit of work for one thread of process `role`. idle_in_transaction_ms: longer for jobs that no worker waits for."""
        return UnitOfWork(
            self.spec(settings),
            connector(self.database_url(settings), f"{self.name} {role}", idle_in_transaction_ms),
            make_clock(settings),
            FieldCipher(settings.field_key.get_secret_value()),
            Limits(settings.dead_letters_in_a_row, settings.parked_roots_per_hour),
        )


def make(program: Program[S]) -> typer.Typer:
    """The typer application with the commands every service has; the service adds its own."""
    app = typer.Typer(
        cls=complaints.Commands, no_args_is_help=True, pretty_exceptions_enable=False, help=f"The {program.name} service."
    )

    @app.command()
    def worker() -> None:
        """Consume the inbound topics and fire timers until SIGTERM."""
        from streaming.worker import run_worker  # faust is imported by worker processes only

        settings = program.settings()
        logs.configure(program.name, "worker")
        run_worker(program, settings)

    @app.command()
    def relay() -> None:
        """Publish the outbox until SIGTERM. Several may run; one leads."""
        from streaming.relay import run_relay

        settings = program.settings()
        logs.configure(program.name, "relay")
        run_relay(program.name, program.database_url(settings), settings)

    @app.command()
    def api(
        port: Annotated[int, typer.Option(help="Port to listen on")] = program.port,
        host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    ) -> None:
        """Serve the HTTP API until SIGTERM; its metrics are on METRICS_PORT."""
        import uvicorn

        settings = program.settings()
        logs.configure(program.name, "api")
        liveness = Liveness(settings.stuck_after_s)
        liveness.started = True
        metrics = HealthServer(settings.metrics_port, liveness)
        try:
            uvicorn.run(program.api(settings), host=host, port=port, log_config=None, access_log=False, server_header=False)
        finally:
            metrics.close()

    @app.command()
    def migrate() -> None:
        """Bring the database to the newest schema."""
        from streaming.migrate import upgrade

        settings = program.settings()
        upgrade(program.migrations, program.database_url(settings))
        typer.echo(f"{program.name}: database is up to date")

    def open_unit() -> UnitOfWork:
        settings = program.settings()
        if settings.platform_clock == "topic":  # ask first: the clock would wait a minute for a broker that is away
            Broker(settings.kafka_bootstrap_servers).topics([PLATFORM_CLOCK])
        return program.unit(settings, "operator")

    def bootstrap() -> str:
        return program.settings().kafka_bootstrap_servers

    add_positions(app, open_unit, bootstrap)
    add_commands(app, open_unit, bootstrap)
    return app
