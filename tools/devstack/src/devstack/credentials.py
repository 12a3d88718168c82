"""The clients of the local issuer: `<var>/dev-credentials.json`, written by `up` and read by the issuer and by people.

Shape: `{"issuer", "token_endpoint", "clients": {name: {"client_id", "client_secret", "scopes", …identity}}}`, where the
identity is any of coach_id, office_ids, claimant_id, employer_ids, employer_paye_references.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from contracts.ids import employer_id

FILE = "dev-credentials.json"

OFFICE_1 = "76783bd7-0000-4000-8000-000000000001"
OFFICE_2 = "76783bd7-0000-4000-8000-000000000002"


class Client(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One client and who it acts for. Only what is set appears in the file and in its tokens."""

    client_id: str
    client_secret: str
    scopes: tuple[str, ...]
    coach_id: str | None = None
    office_ids: tuple[str, ...] | None = None
    claimant_id: str | None = None
    employer_ids: tuple[str, ...] | None = None
    employer_paye_references: tuple[str, ...] | None = None

    def identity(self) -> dict[str, Any]:
        """Token claims beside the standard ones."""
        names = ("coach_id", "office_ids", "claimant_id", "employer_ids", "employer_paye_references")
        values = {name: getattr(self, name) for name in names}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items() if value is not None}


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """The file."""

    issuer: str
    token_endpoint: str
    clients: dict[str, Client]


def client(
    name: str,
    *scopes: str,
    secret: str | None = None,
    coach_id: str | None = None,
    office_ids: tuple[str, ...] | None = None,
    claimant_id: str | None = None,
    paye_references: tuple[str, ...] | None = None,
) -> Client:
    """A client called `name` with a fresh secret; its employer ids follow from the PAYE references."""
    return Client(
        client_id=name,
        client_secret=secret or secrets.token_urlsafe(24),
        scopes=scopes,
        coach_id=coach_id,
        office_ids=office_ids,
        claimant_id=claimant_id,
        employer_ids=None if paye_references is None else tuple(employer_id(reference) for reference in paye_references),
        employer_paye_references=paye_references,
    )


def standard(service_secrets: Mapping[str, str]) -> list[Client]:
    """The clients every local platform has. `service_secrets`: client id → secret of the services' own clients."""
    return [
        client("upstream", "upstream:read", "claims:read"),
        client("operator", "operator"),
        client("coach-1", "coach", coach_id="coach-1", office_ids=(OFFICE_1,)),
        client("coach-2", "coach", coach_id="coach-2", office_ids=(OFFICE_2,)),
        client("team-leader-1", "team-leader", coach_id="team-leader-1", office_ids=(OFFICE_1, OFFICE_2)),
        client("decision-maker-1", "decision-maker", coach_id="decision-maker-1", office_ids=(OFFICE_1, OFFICE_2)),
        client("analyst-1", "analyst"),
        client("claimant-1", "claimant", claimant_id="0f5c1a52-6d0e-4d9f-9c1b-3f5a6c7d8e90"),
        client("employer-1", "employer", paye_references=("123/A246",)),
        client("employer-2", "employer", paye_references=("456/BZ1357",)),
        *(client(name, "profiles:read", "claims:read", secret=secret) for name, secret in service_secrets.items()),
    ]


def write(var_dir: Path, issuer: str, clients: list[Client]) -> Path:
    """Write the file anew; readable by its owner only."""
    path = var_dir / FILE
    listed = {one.client_id: one for one in clients}
    _replace(path, Credentials(issuer=issuer, token_endpoint=f"{issuer}/token", clients=listed))
    return path


def add(var_dir: Path, *clients: Client) -> None:
    """Add clients, or replace those of the same id; the running issuer sees them at the next token request."""
    path = var_dir / FILE
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = read(path)
        _replace(path, msgspec.structs.replace(known, clients={**known.clients, **{one.client_id: one for one in clients}}))


def read(path: Path) -> Credentials:
    """Raises FileNotFoundError, msgspec.ValidationError."""
    return msgspec.json.decode(path.read_bytes(), type=Credentials)


def _replace(path: Path, content: Credentials) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".new")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(content), indent=2))
    scratch.replace(path)
