"""What the routes share: connections, the command shell, and who may see what now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from fastapi import Request
from psycopg import Connection
from psycopg_pool import ConnectionPool
from starlette.responses import Response

from contracts.reference import CoachChanged
from referrals import moves, store
from referrals.desk import COACH, KIND, Desk, Setup
from referrals.london import day_of
from referrals.model import Case, ClaimDoc, Person
from referrals.views import case_view
from streaming import documents
from streaming.clock import Clock
from streaming.crypto import FieldCipher
from streaming.errors import Refused
from streaming.spec import Spec
from streaming.work import Reply, Work
from web import access, commands, etag
from web.access import Subject
from web.commands import PooledShell
from web.principal import Principal

STAFF = ("coach", "team-leader", "decision-maker")


class Answer(NamedTuple):
    """Status of the answer, and what it says beside the case, such as the id of something made."""

    status: int = 200
    extra: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Context:
    """Built once in `main`. policy_dir: where the files of the policy in force lie, if not in the package."""

    spec: Spec
    setup: Setup
    policy_dir: Path | None
    pool: ConnectionPool[Connection[Any]]
    shell: PooledShell
    clock: Clock
    cipher: FieldCipher

    @contextmanager
    def connection(self) -> Iterator[Connection[Any]]:
        with self.pool.connection() as conn:
            yield conn

    @property
    def today(self) -> date:
        """The London day of the platform's clock."""
        return day_of(self.clock.now())

    def effective(self, conn: Connection[Any], principal: Principal) -> Principal:
        """The caller with what the reference data say now: a coach who was moved or disabled loses access at once."""
        if principal.coach_id is None:
            return principal
        coach: CoachChanged | None = documents.read(conn, self.spec, COACH, principal.coach_id)
        if coach is None:
            return principal
        return access.as_of_now(principal, active=coach.active, offices=coach.offices)

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

    def move(self, request: Request, principal: Principal, case_id: str, move: moves.Move) -> Response:
        """One move on a case, kept so that it can be taken back; the case as it is then."""

        def act(at: moves.Turn) -> Answer:
            moves.make(at, move)
            return Answer()

        return self.act(request, principal, case_id, act)

    def act(self, request: Request, principal: Principal, case_id: str, act: Callable[[moves.Turn], Answer]) -> Response:
        """One change of a case that the caller may see, for the version in If-Match. Answers with the case as it is then."""
        with self.connection() as conn:
            doc, _, _ = self.case(conn, request, principal, case_id)
        claim_id = doc.claim_id

        def run(work: Work) -> Reply:
            desk = Desk(work, claim_id, self.setup)
            found = desk.doc.find_case(case_id)
            if found is None:
                raise Refused(404, "not-found")
            work.require_match(etag.of(case_view(claim_id, *found)))
            answer = act(moves.Turn(desk, found[0], found[1], actor(principal)))
            desk.save()
            after = desk.doc.find_case(case_id)
            view = case_view(claim_id, *after) if after is not None else {}
            return Reply(answer.status, {**view, **answer.extra}, {"ETag": etag.of(view)})

        return commands.run(request, principal, self.shell, roots=[(KIND, claim_id)], act=run)

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


def actor(principal: Principal) -> moves.Actor:
    """How the history names the caller."""
    return moves.Actor(role=principal.role, name=principal.actor, coach_id=principal.coach_id)


def _known(value: str | None) -> tuple[str, ...]:
    return () if value is None else (value,)
