"""One Kafka, however it was found, with the faults that tests need."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Self

from devstack import docker_engine, kafka_embedded
from devstack.docker_engine import Contained
from devstack.errors import DevstackError, NotOurs
from devstack.ports import LOCALHOST, free_ports, require_free
from devstack.processes import Child, Handle
from devstack.state import Kept
from devstack.waiting import until

Kind = Literal["address", "docker", "embedded"]
READY_S = 60.0


class Kafka:
    """`bootstrap` is `host:port[,host:port]`; `kind` tells how it was found."""

    def __init__(self, var_dir: Path, bootstrap: str, kind: Kind, why: str, *, port: int = 0) -> None:
        self.bootstrap = bootstrap
        self.kind: Kind = kind
        self.why = why
        self.on_restart: Callable[[], None] = lambda: None
        self._var_dir = var_dir
        self._port = port
        self._child: Child | None = None
        self._handle: Handle | None = None
        self._container: Contained | None = None

    @property
    def where(self) -> str:
        return self.bootstrap

    @staticmethod
    def address() -> str | None:
        """KAFKA_BOOTSTRAP_SERVERS, if set."""
        return os.environ.get("KAFKA_BOOTSTRAP_SERVERS") or None

    @classmethod
    def find(
        cls, var_dir: Path, *, docker: bool, port: int | None, outlives_us: bool, through: tuple[int, int] | None = None
    ) -> Self:
        """Address, container or embedded node; returns when a metadata request is answered.

        through: of an embedded node, the port of a second listener and the proxy's port that its clients are told."""
        given = cls.address()
        if given:
            found = cls(var_dir, given, "address", "KAFKA_BOOTSTRAP_SERVERS is set")
            if not kafka_embedded.responds(given, timeout=10):
                raise DevstackError(f"no Kafka answers at {given} (from KAFKA_BOOTSTRAP_SERVERS)")
            return found
        if docker:
            if port is not None:
                require_free(port, "Kafka", "PORT_KAFKA")
            chosen = port or free_ports(1)[0]
            found = cls(var_dir, f"{LOCALHOST}:{chosen}", "docker", "a Docker engine answers", port=chosen)
            found._container = docker_engine.start_kafka(chosen, outlives_us=outlives_us)
            found.wait_ready()
            return found
        child, chosen = kafka_embedded.start(var_dir, port, through)
        found = cls(var_dir, f"{LOCALHOST}:{chosen}", "embedded", "no address given, no Docker engine answers", port=chosen)
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
            address=self.bootstrap,
            pid=handle.pid if handle else None,
            created=handle.created if handle else 0.0,
            container_id=self._container.container_id if self._container else None,
            port=self._port,
        )

    def responds(self) -> bool:
        return kafka_embedded.responds(self.bootstrap)

    def wait_ready(self, timeout: float = READY_S) -> None:
        """Return when a metadata request is answered; DevstackError after `timeout` seconds."""
        until(self.responds, timeout, f"Kafka at {self.bootstrap} did not answer a metadata request")

    def alive(self) -> bool:
        """True while its process or container exists (also paused); for an address, while it answers."""
        if self._container:
            return self._container.alive()
        return self._handle.alive() if self._handle else self.responds()

    def kill(self) -> None:
        """SIGKILL; returns when it is gone."""
        if self._container:
            self._container.kill()
        elif self._child:
            self._child.kill()
        else:
            self._ours().kill()

    def pause(self) -> None:
        """Freeze it (SIGSTOP): connections stay open and nothing is answered."""
        if self._container:
            self._container.pause()
        else:
            self._ours().signal_tree(signal.SIGSTOP)

    def resume(self) -> None:
        if self._container:
            self._container.resume()
        else:
            self._ours().signal_tree(signal.SIGCONT)

    def stop(self) -> None:
        """Ask it to end and wait; the data stays."""
        if self._container:
            self._container.stop()
        elif self._child:
            self._child.stop(30)
        else:
            self._ours().terminate(30)

    def restart(self) -> None:
        """Start it on the same data and port, stopping it first if it runs; returns when it answers."""
        if self._container:
            if self._container.alive():
                self._container.stop()
            self._container.start_again()
            self.wait_ready()
            return
        if self._ours().alive():
            self.stop()
        self._child = kafka_embedded.run(kafka_embedded.java(), kafka_embedded.ensure_jars(), self._var_dir, self._port)
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
            raise NotOurs("this Kafka was given by address (KAFKA_BOOTSTRAP_SERVERS); faults need one that was started here")
        return self._handle
