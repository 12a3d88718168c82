"""A small service on the real shell: one kind of document, with the routes that the tests need."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Request
from psycopg import Connection
from psycopg_pool import ConnectionPool
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from streaming import documents
from streaming.crypto import FieldCipher, new_key
from streaming.errors import Refused
from streaming.spec import Change, Kind, Spec
from streaming.work import Reply, Work
from web import access, commands, etag, headers, pages
from web.access import Subject
from web.auth import require, static_bearer
from web.pages import Page
from web.principal import Principal

RECEIPT_SECRET = "receipts-only"
READERS = ("coach", "claimant", "team-leader")


class Case(msgspec.Struct, frozen=True):
    case_id: str
    claimant_id: str
    office_id: str
    state: str = "shown"
    holds: int = 0


class Hold(BaseModel):
    model_config = ConfigDict(extra="forbid")

    until: date
    code: Literal["leave", "other"]
    labels: dict[str, int] = {}


class WallTime:
    def now(self) -> datetime:
        return datetime.now(UTC)


def _unused(*_: Any) -> None:
    raise AssertionError("this service consumes nothing")


def project(conn: Connection[Any], changes: Sequence[Change], rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    for change in changes:
        conn.execute(
            "INSERT INTO sample_case VALUES (%s, %s) ON CONFLICT (case_id) DO UPDATE SET state = excluded.state",
            (change.key, change.after.state),
        )


SPEC = Spec(name="sample", kinds=(Kind("case", Case),), topics={}, handle=_unused, fire=_unused, project=project)


def view(case: Case) -> dict[str, Any]:
    return {"case_id": case.case_id, "claimant_id": case.claimant_id, "state": case.state, "holds": case.holds}


def create_tables(conn: Connection[Any]) -> None:
    from streaming import schema

    schema.create(conn)
    conn.execute("CREATE TABLE sample_case (case_id text PRIMARY KEY, state text NOT NULL)")


def store_case(conn: Connection[Any], case: Case) -> None:
    documents.save(conn, documents.Codec(SPEC.kinds), {("case", case.case_id): case}, {})
    conn.execute("INSERT INTO sample_case VALUES (%s, %s)", (case.case_id, case.state))


def routes(pool: ConnectionPool[Connection[Any]]) -> APIRouter:
    router = APIRouter(prefix="/v1")
    shell = commands.PooledShell(SPEC, pool, WallTime(), FieldCipher(new_key()))

    def visible(conn: Connection[Any], request: Request, principal: Principal, case_id: str) -> Case:
        case: Case | None = documents.read(conn, SPEC, "case", case_id)
        subject = None if case is None else Subject(claimant_ids=(case.claimant_id,), office_ids=(case.office_id,))
        access.check(conn, request, principal, "case", subject, scopes=READERS, case_id=case_id)
        assert case is not None
        return case

    @router.get("/cases/{case_id}", responses=headers.tagged())
    def read(case_id: str, request: Request, principal: Annotated[Principal, Depends(require(*READERS))]) -> Response:
        with pool.connection() as conn:
            case = visible(conn, request, principal, case_id)
        return etag.response(request, view(case))

    @router.get("/cases")
    def listed(
        principal: Annotated[Principal, Depends(require("coach"))],
        page: Annotated[Page, Depends(pages.page)],
        state: str | None = None,
    ) -> dict[str, Any]:
        after = page.after(str)
        with pool.connection() as conn:
            rows = conn.execute(
                "SELECT case_id, state FROM sample_case WHERE (%s::text IS NULL OR state = %s)"
                " AND (%s::text IS NULL OR case_id > %s) ORDER BY case_id LIMIT %s",
                (state, state, after and after[0], after and after[0], page.fetch),
            ).fetchall()
        return page.body(rows, key=lambda row: [row[0]], item=lambda row: {"case_id": row[0], "state": row[1]})

    @router.post("/cases/{case_id}/hold", dependencies=headers.CHANGES)
    def hold(case_id: str, body: Hold, request: Request, principal: Annotated[Principal, Depends(require("coach"))]) -> Response:
        with pool.connection() as conn:
            visible(conn, request, principal, case_id)

        def act(work: Work) -> Reply:
            case: Case = work.get("case", case_id)
            work.require_match(etag.of(view(case)))
            if case.state == "closed":
                raise Refused(409, "illegal-move", "A closed case cannot be held.", allowed=["reopen"])
            case = msgspec.structs.replace(case, state="held", holds=case.holds + 1)
            work.put("case", case_id, case)
            return Reply(200, view(case), {"ETag": etag.of(view(case))})

        return commands.run(request, principal, shell, roots=[("case", case_id)], act=act)

    @router.get("/numbers/{number}")
    def number(number: int, principal: Annotated[Principal, Depends(require("coach"))]) -> Any:
        with pool.connection() as conn:
            return conn.execute("SELECT %s::bigint", (str(number),)).fetchone()

    @router.get("/bug")
    def bug(principal: Annotated[Principal, Depends(require("operator"))]) -> None:
        raise RuntimeError("the caller's NINO QQ123456C is in this text")

    @router.post("/receipts")
    async def receipts(request: Request, sender: Annotated[Principal, Depends(static_bearer("notify", _secret))]) -> Any:
        return json.loads(request.state.body)

    return router


def _secret(request: Request) -> str:
    return RECEIPT_SECRET
