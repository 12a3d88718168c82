"""What every route needs, built once in `app`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg_pool import ConnectionPool

from notifications.setup import Setup
from notifications.store.queries import Reach, Whose
from streaming.clock import Clock
from streaming.documents import Codec, peek
from streaming.errors import Refused
from streaming.records import Root
from streaming.spec import Spec
from streaming.unit_of_work import UnitOfWork
from web.access import WHOLE_PLATFORM, Subject
from web.commands import PooledShell
from web.principal import Principal


@dataclass(frozen=True, slots=True)
class Api:
    """pool: connections for reads. shell: does commands. receipts_token: the provider's static bearer."""

    spec: Spec
    setup: Setup
    clock: Clock
    pool: ConnectionPool[Connection[Any]]
    shell: PooledShell
    receipts_token: str

    def documents(self, conn: Connection[Any], roots: list[Root]) -> dict[Root, Any]:
        """Several documents for a read, without locks."""
        codec = Codec(self.spec.kinds)
        stored = peek(conn, [kind.name for kind in self.spec.kinds], roots)
        return {root: codec.decode(root[0], row) for root, row in stored.items()}

    def document(self, conn: Connection[Any], kind: str, key: str) -> Any:
        """One document for a read, or None."""
        return self.documents(conn, [(kind, key)]).get((kind, key))

    def unit(self, conn: Connection[Any]) -> UnitOfWork:
        """For changes that are not a caller's command."""
        return UnitOfWork(self.spec, lambda: conn, self.clock, self.setup.cipher)


def subject(whose: Whose | None) -> Subject | None:
    """For the access check."""
    if whose is None:
        return None
    return Subject(claimant_ids=(whose.claimant_id,), coach_ids=whose.coach_ids, office_ids=whose.office_ids)


def reach(principal: Principal) -> Reach:
    """What the caller may list."""
    if principal.has(*WHOLE_PLATFORM):
        return Reach(everything=True)
    return Reach(
        coach_id=principal.coach_id if principal.has("coach") else None,
        office_ids=principal.office_ids if principal.has("coach", "team-leader") else (),
        claimant_id=principal.claimant_id if principal.has("claimant") else None,
    )


def not_found() -> Refused:
    """For what is not there or not the caller's."""
    return Refused(404, "not-found")
