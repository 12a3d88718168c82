"""What runs, on disk: `<var>/run/backends.json`. Written atomically; read by `attach` and by the next `start`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec
import psutil

from devstack.processes import Handle


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One backend: how it was found, its address, and the process or container behind it (neither: given by address)."""

    kind: str
    address: str
    pid: int | None = None
    created: float = 0.0
    container_id: str | None = None
    port: int = 0

    def handle(self) -> Handle | None:
        return None if self.pid is None else Handle(self.pid, self.created)


class Keepable(Protocol):
    """A backend that can be written down."""

    def keep(self) -> Kept: ...


class _File(msgspec.Struct, frozen=True, kw_only=True):
    owner: int | None = None
    owner_created: float = 0.0
    kafka: Kept | None = None
    postgres: Kept | None = None


@dataclass(frozen=True, slots=True)
class State:
    """The file's content. `owner`: the program that will stop them; none if they were left running on purpose."""

    owner: Handle | None
    kafka: Kept | None
    postgres: Kept | None

    @property
    def detached(self) -> bool:
        return self.owner is None

    def owner_pid(self) -> int | None:
        return self.owner.pid if self.owner else None

    def owner_alive(self) -> bool:
        return self.owner is not None and self.owner.alive()


def _path(var_dir: Path) -> Path:
    return var_dir / "run" / "backends.json"


def write(var_dir: Path, kafka: Keepable | None, postgres: Keepable | None, *, owner: int | None) -> None:
    """Replace the file; `owner` is a pid."""
    content = _File(
        owner=owner,
        owner_created=psutil.Process(owner).create_time() if owner is not None and psutil.pid_exists(owner) else 0.0,
        kafka=kafka.keep() if kafka else None,
        postgres=postgres.keep() if postgres else None,
    )
    path = _path(var_dir)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".new")
    scratch.write_bytes(msgspec.json.encode(content))
    scratch.replace(path)


def read(var_dir: Path) -> State | None:
    """None if nothing is noted."""
    try:
        content = msgspec.json.decode(_path(var_dir).read_bytes(), type=_File)
    except FileNotFoundError:
        return None
    owner = None if content.owner is None else Handle(content.owner, content.owner_created)
    return State(owner, content.kafka, content.postgres)


def remove(var_dir: Path) -> None:
    _path(var_dir).unlink(missing_ok=True)
