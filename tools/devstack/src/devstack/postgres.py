"""One PostgreSQL server, however it was found, with the faults that tests need."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from devstack import docker_engine, postgres_embedded
from devstack.docker_engine import Contained
from devstack.errors import DevstackError, NotOurs
from devstack.ports import free_ports
from devstack.processes import Child, Handle
from devstack.state import Kept
from devstack.waiting import until

Kind = Literal["address", "docker", "embedded"]
READY_S = 60.0


class Postgres:
    """A server; `url(database)` gives the address of one database on it."""

    def __init__(self, var_dir: Path, server_url: str, kind: Kind, why: str, *, port: int = 0) -> None:
        self.kind: Kind = kind
        self.why = why
        self.on_restart: Callable[[], None] = lambda: None
        self._var_dir = var_dir
        self._server_url = server_url
        self._port = port
        self._child: Child | None = None
        self._handle: Handle | None = None
        self._container: Contained | None = None

    @property
    def where(self) -> str:
        """Host or socket folder, without user and password."""
        parts = urlsplit(self._server_url)
        return f"{parts.hostname}:{parts.port or 5432}" if parts.hostname else parts.query.removeprefix("host=")

    @staticmethod
    def address() -> str | None:
        """POSTGRES_URL, if set: a database on the server whose user may create databases."""
        return os.environ.get("POSTGRES_URL") or None

    @classmethod
    def find(cls, var_dir: Path, *, docker: bool, outlives_us: bool) -> Self:
        """Address, container or embedded server; returns when a query is answered."""
        given = cls.address()
        if given:
            found = cls(var_dir, given, "address", "POSTGRES_URL is set")
            if not postgres_embedded.responds(given):
                raise DevstackError(f"no PostgreSQL answers at {found.where} (from POSTGRES_URL)")
            return found
        if docker:
            port = free_ports(1)[0]
            url = docker_engine.postgres_url(port, "postgres")
            found = cls(var_dir, url, "docker", "a Docker engine answers", port=port)
            found._container = docker_engine.start_postgres(port, outlives_us=outlives_us)
            found.wait_ready()
            return found
        child, sockets = postgres_embedded.start(var_dir)
        url = postgres_embedded.url(sockets, "postgres")
        found = cls(var_dir, url, "embedded", "no address given, no Docker engine answers")
        found._child, found._handle = child, child.handle
        return found

    @classmethod
    def kept(cls, var_dir: Path, kept: Kept) -> Self:
        """The one that an earlier program left running."""
        kind: Kind = "docker" if kept.container_id else "embedded" if kept.pid else "address"
        found = cls(var_dir, kept.address, kind, "already running", port=kept.port)
        found._handle = kept.handle()
        found._container = Contained(kept.container_id, kept.port) if kept.container_id else None
        return found

    def keep(self) -> Kept:
        handle = self._handle
        return Kept(
            kind=self.kind,
            address=self._server_url,
            pid=handle.pid if handle else None,
            created=handle.created if handle else 0.0,
            container_id=self._container.container_id if self._container else None,
            port=self._port,
        )

    def url(self, database: str) -> str:
        """`postgresql://…/<database>`, understood by psycopg and libpq."""
        parts = urlsplit(self._server_url)
        # urlunsplit drops the empty host of postgresql://user@/db?host=…, so put the address together by hand.
        return f"{parts.scheme}://{parts.netloc}/{database}" + (f"?{parts.query}" if parts.query else "")

    def create_database(self, name: str, template: str | None = None, *, replace: bool = False) -> str:
        """Create a database, as a copy of `template` if given (nobody may be connected to it), and return its url.

        An existing one is kept as it is, or dropped first with `replace`.
        """
        with self._admin() as connection:
            if replace:
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
            if not exists:
                source = sql.SQL(" TEMPLATE {}").format(sql.Identifier(template)) if template else sql.SQL("")
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)) + source)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop it if it exists, ending the sessions on it."""
        with self._admin() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _admin(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self._server_url, autocommit=True, connect_timeout=10)

    def responds(self) -> bool:
        return postgres_embedded.responds(self._server_url)

    def wait_ready(self, timeout: float = READY_S) -> None:
        """Return when a query is answered; DevstackError after `timeout` seconds."""
        until(self.responds, timeout, f"PostgreSQL at {self.where} did not answer a query")

    def alive(self) -> bool:
        """True while its process or container exists (also paused); for an address, while it answers."""
        if self._container:
            return self._container.alive()
        return self._handle.alive() if self._handle else self.responds()

    def kill(self) -> None:
        """SIGKILL to the server and all its children; returns when they are gone."""
        if self._container:
            self._container.kill()
        elif self._child:
            self._child.kill()
        else:
            self._ours().kill()

    def pause(self) -> None:
        """Freeze every process of the server (SIGSTOP)."""
        if self._container:
            self._container.pause()
        else:
            self._ours().signal_tree(signal.SIGSTOP)

    def resume(self) -> None:
        if self._container:
            self._container.resume()
        else:
            self._ours().signal_tree(signal.SIGCONT)

    def stop(self, *, immediate: bool = False) -> None:
        """Fast stop; `immediate`: without a checkpoint, so that the next start recovers from the log."""
        if self._container:
            self._container.stop(immediate=immediate)
            return
        postgres_embedded.stop(self._ours(), immediate=immediate)
        if self._child:
            self._child.stop()

    def restart(self) -> None:
        """Start it on the same data, stopping it first if it runs; returns when it answers."""
        if self._container:
            if self._container.alive():
                self._container.stop()
            self._container.start_again()
            self.wait_ready()
            return
        if self._ours().alive():
            self.stop()
        self._child, _ = postgres_embedded.start(self._var_dir)
        self._handle = self._child.handle
        self.on_restart()

    def forget(self) -> None:
        if self._child:
            self._child.forget()

    def close(self) -> None:
        """End of the run: stop it, remove its container. Nothing for an address."""
        if self._container:
            self._container.remove()
        elif self._handle:
            self.stop()

    def _ours(self) -> Handle:
        if self._handle is None:
            raise NotOurs("this PostgreSQL was given by address (POSTGRES_URL); faults need one that was started here")
        return self._handle
