"""What every route needs, built once in `app`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from psycopg import Connection
from psycopg_pool import ConnectionPool

from notifications.acts.documents import COACH
from notifications.model import CoachDoc
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

STAFF = frozenset({"coach", "team-leader"})


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

    def current(self, conn: Connection[Any], who: Principal) -> Principal:
        """The caller as reference data knows them now, whatever the token says: today's offices, nothing once inactive."""
        doc: CoachDoc | None = self.document(conn, COACH, who.coach_id) if who.coach_id is not None else None
        if doc is None or doc.facts is None:
            return who
        if not doc.facts.active:
            return replace(who, scopes=who.scopes - STAFF, coach_id=None, office_ids=())
        return replace(who, office_ids=doc.facts.offices)

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
