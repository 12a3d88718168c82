"""People: their payments with attribution, and their names for those who may have them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from earnings.api import answers
from earnings.api.parts import Documents, Parts, known_claim, known_claimant, not_found, subject
from earnings.api.views import payment_views, profile_view
from earnings.intake.documents import Names
from earnings.kinds import PERSON
from earnings.model import Claim, Claimant
from earnings.refresh import members_of, rank
from earnings.rules.books import Books
from earnings.rules.calendar import Period, london_day
from earnings.rules.evaluate import timeline
from web import etag, headers, pages
from web.access import check
from web.answers import described
from web.auth import require
from web.principal import Principal

PAYMENT_SCOPES = ("claims:read", "decision-maker", "coach", "team-leader", "claimant")
PaymentReader = Annotated[Principal, Depends(require(*PAYMENT_SCOPES))]
ProfileReader = Annotated[Principal, Depends(require("profiles:read"))]
AskedPage = Annotated[pages.Page, Depends(pages.page)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00]*$")]
Purpose = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]


class ProfilesAsked(BaseModel):
    """Whose names, and what for (audited)."""

    model_config = ConfigDict(extra="forbid")
    claimant_ids: list[Id] = Field(min_length=1, max_length=200)
    purpose: Purpose


def router(parts: Parts) -> APIRouter:
    """The routes under `/v1/claimants`."""
    routes = APIRouter(prefix="/v1/claimants", tags=["claimants"])

    @routes.get("/{claimant_id}/payments", responses=described(answers.Page[answers.PaymentView]))
    def payments(claimant_id: str, request: Request, principal: PaymentReader, page: AskedPage) -> dict[str, Any]:
        """Payments, newest first, each with its period, the rule that placed it, its year-to-date check, and why in words."""
        after = page.after(date, str)
        with parts.pool.connection() as conn:
            principal = parts.current(conn, principal)
            docs = Documents(conn, parts.spec)
            found = known_claimant(docs, claimant_id)
            whose = None if found is None else subject({claimant_id: found})
            check(conn, request, principal, "payments", whose, scopes=PAYMENT_SCOPES, claimant_id=claimant_id)
            if found is None:
                raise not_found()
            person = None if found.person is None else docs.get(PERSON, found.person)
            rows = payment_views(claimant_id, person, _homes(parts, docs, claimant_id, found), parts.judge.policy)
        shown = [row for row in rows if after is None or (row["payment_date"], row["payment_id"]) < after]
        return page.body(shown[: page.fetch], key=lambda row: [row["payment_date"], row["payment_id"]])

    @routes.get("/{claimant_id}/profile", responses=described(answers.ProfileView, tagged=True))
    def profile(claimant_id: str, request: Request, principal: ProfileReader) -> Response:
        """Names and payroll ids of one person."""
        with parts.pool.connection() as conn:
            docs = Documents(conn, parts.spec)
            found = known_claimant(docs, claimant_id)
            whose = None if found is None else subject({claimant_id: found})
            check(conn, request, principal, "profile", whose, scopes=("profiles:read",), claimant_id=claimant_id)
            if found is None:
                raise not_found()
            return etag.response(request, _profile(parts, docs, claimant_id, found))

    @routes.post("/profiles", responses=described(answers.Profiles), dependencies=headers.READS_ONLY)
    def profiles(asked: ProfilesAsked, request: Request, principal: ProfileReader) -> dict[str, Any]:
        """Names and payroll ids of several people; unknown ones are left out. Reads only, so no Idempotency-Key."""
        items = []
        with parts.pool.connection() as conn:
            docs = Documents(conn, parts.spec)
            for claimant_id in dict.fromkeys(asked.claimant_ids):
                found = known_claimant(docs, claimant_id)
                if found is None:
                    continue
                check(
                    conn, request, principal, "profile", subject({claimant_id: found}),
                    scopes=("profiles:read",), claimant_id=claimant_id, purpose=asked.purpose,
                )  # fmt: skip
                items.append(_profile(parts, docs, claimant_id, found))
        return {"items": items}

    return routes


def _homes(
    parts: Parts, docs: Documents, claimant_id: str, claimant: Claimant
) -> list[tuple[str, Claim, tuple[Period, ...], Books]]:
    today = london_day(parts.clock.now())
    homes: list[tuple[str, Claim, tuple[Period, ...], Books]] = []
    for membership in sorted(claimant.claims, key=rank, reverse=True):
        claim = known_claim(docs, membership.claim_id)
        if claim is None:
            continue
        members = [one for one in members_of(docs, membership.claim_id, claim) if one.claimant_id == claimant_id]
        line = timeline(membership.claim_id, claim, members, today, parts.judge.policy)
        homes.extend((membership.claim_id, claim, line.periods, books) for books in line.books)
    return homes


def _profile(parts: Parts, docs: Documents, claimant_id: str, claimant: Claimant) -> dict[str, Any]:
    plain = parts.cipher.decrypt(claimant.sealed_names, claimant_id.encode()) if claimant.sealed_names else None
    names = None if plain is None else msgspec.msgpack.decode(plain, type=Names)
    person = None if claimant.person is None else docs.get(PERSON, claimant.person)
    return profile_view(claimant_id, names, person, parts.judge.policy)
