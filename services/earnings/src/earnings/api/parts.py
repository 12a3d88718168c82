"""What the routes share: the shell, the database, the rules, and reading documents without locks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg_pool import ConnectionPool

from contracts.reference import CoachChanged
from earnings.kinds import CLAIM, CLAIMANT, COACH
from earnings.model import Claim, Claimant
from earnings.refresh import Judge
from streaming import documents
from streaming.clock import Clock
from streaming.crypto import FieldCipher
from streaming.errors import Refused
from streaming.spec import Spec
from web.access import Subject, as_of_now
from web.commands import PooledShell
from web.principal import Principal


@dataclass(frozen=True, slots=True)
class Parts:
    """Built once in `main`."""

    spec: Spec
    pool: ConnectionPool[Connection[Any]]
    shell: PooledShell
    clock: Clock
    cipher: FieldCipher
    judge: Judge

    def current(self, conn: Connection[Any], principal: Principal) -> Principal:
        """The caller with what reference data say now: a coach who was moved or disabled loses access at once."""
        if principal.coach_id is None:
            return principal
        coach: CoachChanged | None = documents.read(conn, self.spec, COACH, principal.coach_id)
        return principal if coach is None else as_of_now(principal, active=coach.active, offices=coach.offices)


class Documents:
    """Committed documents, each read once; has the `get` of a unit of work, so that the same loading code serves both."""

    def __init__(self, conn: Connection[Any], spec: Spec) -> None:
        self._conn = conn
        self._spec = spec
        self._read: dict[tuple[str, str], Any] = {}

    def get(self, kind: str, key: str) -> Any:
        """The document or None."""
        if (kind, key) not in self._read:
            self._read[(kind, key)] = documents.read(self._conn, self._spec, kind, key)
        return self._read[(kind, key)]


def known_claim(docs: Documents, claim_id: str) -> Claim | None:
    """The claim if its contract is known and not deleted."""
    claim: Claim | None = docs.get(CLAIM, claim_id)
    return claim if claim is not None and claim.contract is not None else None


def known_claimant(docs: Documents, claimant_id: str) -> Claimant | None:
    """The person if upstream described them and did not delete them."""
    claimant: Claimant | None = docs.get(CLAIMANT, claimant_id)
    return claimant if claimant is not None and claimant.order is not None and not claimant.deleted else None


def people_of(docs: Documents, claim: Claim) -> dict[str, Claimant | None]:
    """Those on the claim who were not deleted; None for one not described yet."""
    people = () if claim.contract is None else claim.contract.people
    found: dict[str, Claimant | None] = {person: docs.get(CLAIMANT, person) for person in people}
    return {person: claimant for person, claimant in found.items() if claimant is None or not claimant.deleted}


def subject(people: dict[str, Claimant | None]) -> Subject:
    """Whose record it is, for access."""
    known = [claimant for claimant in people.values() if claimant is not None]
    return Subject(
        claimant_ids=tuple(people),
        coach_ids=tuple(claimant.coach_id for claimant in known if claimant.coach_id is not None),
        office_ids=tuple(claimant.office_id for claimant in known if claimant.office_id is not None),
    )


def not_found() -> Refused:
    """The one answer for what is absent and for what the caller may not see."""
    return Refused(404, "not-found")
