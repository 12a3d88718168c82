"""A decision maker moves, disregards or replaces a payment, with the legal basis."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator
from starlette.responses import Response

from contracts import topics
from contracts.ids import period_id
from earnings.api import answers
from earnings.api.parts import Documents, Parts, known_claim, not_found, people_of, subject
from earnings.kinds import CLAIM
from earnings.model import Claim, Determination
from earnings.refresh import members_of
from earnings.refresh import subject as event_subject
from earnings.rules.calendar import london_day
from earnings.rules.determinations import NotAllowed, record
from earnings.rules.evaluate import timeline
from streaming.errors import Refused
from streaming.work import Reply, Work
from web import commands
from web.access import check
from web.answers import described
from web.auth import require
from web.principal import Principal

SCOPES = ("decision-maker",)
DecisionMaker = Annotated[Principal, Depends(require(*SCOPES))]
Id = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00]*$")]
_PREFIX = re.compile(r"\A\s*(?:SI 2013/376,?\s*)?(?:reg(?:ulation)?\.?\s*)?", re.IGNORECASE)


def _paragraph(text: object) -> object:
    """People write regulation 61(6), reg. 61(6) or 61(6); the event carries the last."""
    return _PREFIX.sub("", text).strip() if isinstance(text, str) else text


Basis = Annotated[str, BeforeValidator(_paragraph), StringConstraints(pattern=r"^61\(\d\)(\([a-z]\))?$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]


class DeterminationAsked(BaseModel):
    """reallocate needs to_period_id, replace needs gross_pence. legal_basis: regulation 61 paragraph, such as 61(6)."""

    model_config = ConfigDict(extra="forbid")
    payment_id: Id
    action: Literal["reallocate", "disregard", "replace"]
    to_period_id: Id | None = None
    gross_pence: int | None = Field(default=None, ge=0, le=99_999_999_999)
    legal_basis: Basis
    reason: Words

    @model_validator(mode="after")
    def complete(self) -> DeterminationAsked:
        """Each action has exactly what it needs."""
        if (self.action == "reallocate") != (self.to_period_id is not None):
            raise ValueError("to_period_id belongs to reallocate")
        if (self.action == "replace") != (self.gross_pence is not None):
            raise ValueError("gross_pence belongs to replace")
        return self


def router(parts: Parts) -> APIRouter:
    """The one route."""
    routes = APIRouter(tags=["determinations"])

    @routes.post("/v1/claims/{claim_id}/determinations", status_code=201, responses=described(answers.Determined, 201))
    def determine(claim_id: str, body: DeterminationAsked, request: Request, principal: DecisionMaker) -> Response:
        """Record a determination; affected periods are assessed again. 409 with the reason when the law does not allow it."""
        with parts.pool.connection() as conn:
            docs = Documents(conn, parts.spec)
            found = known_claim(docs, claim_id)
            whose = None if found is None else subject(people_of(docs, found))
            check(conn, request, principal, "determination", whose, scopes=SCOPES, claim_id=claim_id)
        return commands.run(
            request, principal, parts.shell, roots=[(CLAIM, claim_id)], act=lambda work: _act(parts, work, claim_id, body)
        )

    return routes


def _act(parts: Parts, work: Work, claim_id: str, body: DeterminationAsked) -> Reply:
    claim: Claim | None = work.get(CLAIM, claim_id)
    if claim is None or claim.contract is None:
        raise not_found()
    policy = parts.judge.policy
    line = timeline(claim_id, claim, members_of(work, claim_id, claim), london_day(work.now), policy)
    starts = {period_id(claim_id, period.start): period.start for period in line.periods}
    if body.to_period_id is not None and body.to_period_id not in starts:
        raise Refused(422, "unknown-period", "No period of this claim has this id.")
    decision = Determination(
        determination_id=work.next_id("Determination"),
        payment_id=body.payment_id,
        action=body.action,
        legal_basis=body.legal_basis,
        decided_at=work.now,
        to_start=None if body.to_period_id is None else starts[body.to_period_id],
        gross=body.gross_pence,
        reason=body.reason,
    )
    try:
        claim, events = record(claim_id, claim, line.books, line.periods, decision, policy)
    except NotAllowed as refused:
        if refused.code == "unknown_payment":
            raise Refused(422, "unknown-payment", "No payment of this claim has this id.") from None
        raise Refused(
            409, refused.code.replace("_", "-"), "This determination is not allowed.", allowed=_allowed(refused.code)
        ) from None
    work.put(CLAIM, claim_id, claim)
    for event in events:
        work.emit(topics.EARNINGS_PAYMENT, claim_id, event, subject=event_subject(event))
    parts.judge.refresh(work, claim_id, "determination")
    return Reply(201, {"determination_id": decision.determination_id, "claim_id": claim_id, "payment_id": body.payment_id})


def _allowed(code: str) -> list[str]:
    return ["disregard", "replace"] if code in ("not_monthly", "same_period") else []
