"""What the routes work with, and the steps that many of them share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, TypeAlias

import msgspec
from fastapi import Request
from psycopg import Connection
from starlette.responses import Response

from employer_link import views
from employer_link.access import current, subject
from employer_link.acts import london_day
from employer_link.commands import not_found
from employer_link.lookups import EngagementRow
from employer_link.model import Claim, Coach, Policy
from employer_link.profiles import Names
from employer_link.targets import TargetPolicy
from employer_link.views import View
from streaming import documents
from streaming.clock import Clock
from streaming.crypto import FieldCipher
from streaming.documents import Codec
from streaming.records import Root
from streaming.spec import Spec
from streaming.work import Reply, Work
from web import access, audit, commands, etag
from web.commands import Pool, Shell
from web.pages import Page
from web.principal import Principal

Side: TypeAlias = Literal["coach", "claimant"]
"""Who reads or moves through the routes that coach and claimant share."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Built once in `main`."""

    spec: Spec
    pool: Pool
    shell: Shell
    clock: Clock
    cipher: FieldCipher
    policy: Policy
    names: Names
    targets: TargetPolicy

    def today(self) -> date:
        """The date in London by the platform's clock."""
        return london_day(self.clock.now())

    @contextmanager
    def connection(self) -> Iterator[Connection[Any]]:
        """A connection for reads."""
        with self.pool.connection() as conn:
            yield conn

    def read(self, conn: Connection[Any], kind: str, key: str | None) -> Any:
        """One document without lock, or None."""
        return None if key is None else documents.read(conn, self.spec, kind, key)

    def read_many(self, conn: Connection[Any], kind: str, keys: Iterable[str]) -> dict[str, Any]:
        """Documents by key, without lock; absent ones are left out."""
        codec = Codec(self.spec.kinds)
        found = documents.peek(conn, [kind], [(kind, key) for key in keys])
        return {root[1]: doc for root, stored in found.items() if (doc := codec.decode(kind, stored)) is not None}

    def place(self, page: Page) -> tuple[date, str] | None:
        """Where a list of engagements goes on."""
        after = page.after(date, str)
        return None if after is None else (after[0], after[1])

    def engagement_page(self, conn: Connection[Any], page: Page, rows: list[EngagementRow], side: Side) -> dict[str, Any]:
        """A page of engagements as the coach or the claimant sees them, each with its ETag."""
        claims: dict[str, Claim] = self.read_many(conn, "claim", {row.claim_id for row in rows})

        def item(row: EngagementRow) -> View:
            claim = claims[row.claim_id]
            view = views.engagement_view(claim, claim.engagements[row.engagement_id], side)
            return view | {"etag": etag.of(view)}

        known = [row for row in rows if row.claim_id in claims and row.engagement_id in claims[row.claim_id].engagements]
        return page.body(known, lambda row: [row.due_on, row.engagement_id], item)

    def now_as(self, conn: Connection[Any], principal: Principal) -> Principal:
        """The caller as reference data has them today."""
        coach: Coach | None = self.read(conn, "coach", principal.coach_id)
        return current(principal, coach)

    def run(
        self,
        request: Request,
        principal: Principal,
        roots: tuple[Root, ...],
        act: Callable[[Work], Reply],
    ) -> Response:
        """A command."""
        return commands.run(request, principal, self.shell, roots=roots, act=act)


def answer(body: Any) -> Response:
    """200 with JSON."""
    return Response(msgspec.json.encode(body), media_type="application/json")


def may_read(
    parts: Parts,
    conn: Connection[Any],
    request: Request,
    principal: Principal,
    resource: str,
    claim: Claim | None,
    whose: str | None,
    scopes: tuple[str, ...],
    **ids: str | None,
) -> None:
    """See one person's record (whose: claimant id) or get 404; audited either way, break-glass included."""
    known = None if claim is None or whose is None else subject(claim, whose)
    caller = parts.now_as(conn, principal)
    access.check(conn, request, caller, resource, known, scopes=scopes, **ids)


def may_change(
    parts: Parts,
    conn: Connection[Any],
    request: Request,
    principal: Principal,
    resource: str,
    claim: Claim | None,
    whose: str | None,
    scopes: tuple[str, ...],
    **ids: str | None,
) -> Claim:
    """Before a command: the claim, or an audited 404. The change itself is audited with its effect. No break-glass."""
    caller = parts.now_as(conn, principal)
    if claim is not None and whose is not None and access.may_see(caller, subject(claim, whose), scopes):
        return claim
    reason = "absent" if claim is None or whose is None else "not_theirs"
    audit.read(conn, request, principal, resource, granted=False, reason=reason, ids=ids)
    raise not_found()
