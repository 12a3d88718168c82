"""What the routes share: connections, the command shell, and who may see what now."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from psycopg import Connection
from psycopg_pool import ConnectionPool

from contracts.reference import CoachChanged
from referrals import store
from referrals.desk import COACH, KIND, Setup
from referrals.model import Case, ClaimDoc, Person
from streaming import documents
from streaming.clock import Clock
from streaming.crypto import FieldCipher
from streaming.errors import Refused
from streaming.spec import Spec
from web import access
from web.access import Subject
from web.commands import PooledShell
from web.principal import Principal

STAFF = ("coach", "team-leader", "decision-maker")


@dataclass(frozen=True, slots=True)
class Context:
    """Built once in `main`."""

    spec: Spec
    setup: Setup
    pool: ConnectionPool[Connection[Any]]
    shell: PooledShell
    clock: Clock
    cipher: FieldCipher

    @contextmanager
    def connection(self) -> Iterator[Connection[Any]]:
        with self.pool.connection() as conn:
            yield conn

    def effective(self, conn: Connection[Any], principal: Principal) -> Principal:
        """The caller with what the reference data say now: a coach who was moved or disabled loses access at once."""
        if principal.coach_id is None:
            return principal
        coach: CoachChanged | None = documents.read(conn, self.spec, COACH, principal.coach_id)
        if coach is None:
            return principal
        if not coach.active:
            return dataclasses.replace(principal, coach_id=None, office_ids=())
        offices = tuple(office for office in principal.office_ids if office in coach.offices)
        return dataclasses.replace(principal, office_ids=offices)

    def case(self, conn: Connection[Any], request: Request, principal: Principal, case_id: str) -> tuple[ClaimDoc, Person, Case]:
        """A case that the caller may see, audited. Refused 404."""
        claim_id = store.claim_of_case(conn, case_id)
        doc: ClaimDoc | None = documents.read(conn, self.spec, KIND, claim_id) if claim_id is not None else None
        found = doc.find_case(case_id) if doc is not None else None
        subject = None
        if found is not None:
            subject = Subject((found[1].claimant_id,), _known(found[1].coach_id), _known(found[1].office_id))
        access.check(conn, request, self.effective(conn, principal), "case", subject, scopes=STAFF, case_id=case_id)
        if doc is None or found is None:
            raise Refused(404, "not-found")
        return doc, *found

    def claimant(
        self,
        conn: Connection[Any],
        request: Request,
        principal: Principal,
        claimant_id: str,
        resource: str,
        scopes: tuple[str, ...],
    ) -> list[str]:
        """The claims of a person that the caller may see, audited. Refused 404."""
        places = store.claims_of_claimant(conn, claimant_id)
        subject = None
        if places:
            coaches = tuple(coach for _, coach, _ in places if coach is not None)
            offices = tuple(office for _, _, office in places if office is not None)
            subject = Subject((claimant_id,), coaches, offices)
        access.check(conn, request, self.effective(conn, principal), resource, subject, scopes=scopes, claimant_id=claimant_id)
        return [claim_id for claim_id, _, _ in places]


def _known(value: str | None) -> tuple[str, ...]:
    return () if value is None else (value,)
