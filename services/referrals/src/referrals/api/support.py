"""Barriers, assessments, commitments, onward referrals and the support fund, under a case; a claimant's own commitments."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from psycopg import Connection
from starlette.responses import Response

from referrals import care, moves, store
from referrals.api import answers
from referrals.api import care_bodies as bodies
from referrals.api.context import Answer, Context
from referrals.desk import KIND, Desk
from referrals.model import ClaimDoc, Person
from referrals.rules.support import Commitment, Promise
from referrals.views import commitment_view
from streaming import documents
from streaming.errors import Refused
from streaming.work import Reply, Work
from web import commands, etag, headers
from web.answers import described
from web.auth import require
from web.principal import Principal

READERS = ("coach", "team-leader", "decision-maker", "claimant")
Staff = Annotated[Principal, Depends(require("coach", "team-leader", "decision-maker"))]
Doers = Annotated[Principal, Depends(require("coach", "team-leader"))]
Own = Annotated[Principal, Depends(require("claimant"))]
Reader = Annotated[Principal, Depends(require(*READERS))]
Totals = Annotated[Principal, Depends(require("team-leader", "analyst"))]


def router(context: Context) -> APIRouter:
    """Everything that a coach does about what holds a claimant back."""
    routes = APIRouter(prefix="/v1", tags=["support"])

    @routes.post("/cases/{case_id}/barriers", responses=described(answers.CaseView), dependencies=headers.CHANGES)
    def barriers(case_id: str, body: bodies.NewBarrier, request: Request, principal: Doers) -> Response:
        """Note a barrier, weigh it anew, or say that it is gone. The answer shows what fits."""
        return context.move(
            request, principal, case_id, lambda at: care.note_barrier(at, body.code, body.level, resolved=body.resolved)
        )

    @routes.post("/cases/{case_id}/segment", responses=described(answers.CaseView), dependencies=headers.CHANGES)
    def segment(case_id: str, body: bodies.Kind, request: Request, principal: Doers) -> Response:
        """Say which kind of claimant this is; the answer shows the approach that suits."""
        return context.move(request, principal, case_id, lambda at: care.segment(at, body.kind))

    @routes.post("/cases/{case_id}/assessments", responses=described(answers.CaseView), dependencies=headers.CHANGES)
    def assess(case_id: str, body: bodies.NewAssessment, request: Request, principal: Doers) -> Response:
        """Record how the claimant gets on with digital services or basic skills."""
        return context.move(request, principal, case_id, lambda at: care.assess(at, body.skill, body.grade))

    @routes.post(
        "/cases/{case_id}/referrals",
        status_code=201,
        responses=described(answers.CaseReferred, 201),
        dependencies=headers.CHANGES,
    )
    def refer(case_id: str, body: bodies.NewReferral, request: Request, principal: Staff) -> Response:
        """Refer the claimant onward. Mandatory only where the type, the case and the guards allow a person to say so."""

        def act(at: moves.Turn) -> Answer:
            made = care.refer(at, body.type, body.provider_id, body.considered(), body.mandation)
            return Answer(201, {"referral_id": made})

        return context.act(request, principal, case_id, act)

    @routes.post("/cases/{case_id}/referrals/{referral_id}", responses=described(answers.CaseView), dependencies=headers.CHANGES)
    def update(case_id: str, referral_id: str, body: bodies.Status, request: Request, principal: Staff) -> Response:
        """The referral moved on."""
        return context.move(request, principal, case_id, lambda at: care.update_referral(at, referral_id, body.status))

    @routes.post(
        "/cases/{case_id}/support-fund",
        status_code=201,
        responses=described(answers.CaseGranted, 201),
        dependencies=headers.CHANGES,
    )
    def grant(case_id: str, body: bodies.NewGrant, request: Request, principal: Doers) -> Response:
        """Record money from the Flexible Support Fund, with its purpose; it counts for the case's office."""

        def act(at: moves.Turn) -> Answer:
            return Answer(201, {"grant_id": care.grant(at, body.purpose, body.amount_pence)})

        return context.act(request, principal, case_id, act)

    @routes.get("/offices/{office_id}/support-fund", responses=answers.described(answers.FundTotals))
    def fund(
        office_id: str,
        principal: Totals,
        from_: Annotated[date, Query(alias="from")],
        to: date,
    ) -> Any:
        """What an office spent from the fund, by purpose; nobody's name, no single grant."""
        with context.connection() as conn:
            caller = context.effective(conn, principal)
            if not caller.has("analyst") and office_id not in caller.office_ids:
                raise Refused(404, "not-found")
            return {"office_id": office_id, "purposes": store.fund_totals(conn, office_id, from_, to)}

    @routes.post(
        "/cases/{case_id}/commitments",
        status_code=201,
        responses=described(answers.CaseCommitted, 201),
        dependencies=headers.CHANGES,
    )
    def write(case_id: str, body: bodies.NewCommitment, request: Request, principal: Doers) -> Response:
        """Write a new version of the claimant's commitment; it counts once they accept it."""

        def act(at: moves.Turn) -> Answer:
            items = [Promise(**item.model_dump()) for item in body.items]
            return Answer(201, {"commitment_id": care.write_commitment(at, items, body.goal_pence, body.review_on)})

        return context.act(request, principal, case_id, act)

    def found(conn: Connection[Any], request: Request, principal: Principal, claimant_id: str) -> list[tuple[str, Person]]:
        """The person on each claim that the caller may see."""
        claims = context.claimant(conn, request, principal, claimant_id, "commitments", READERS)
        docs: list[ClaimDoc | None] = [documents.read(conn, context.spec, KIND, claim_id) for claim_id in claims]
        return [(doc.claim_id, doc.person(claimant_id)) for doc in docs if doc is not None]

    def one(people: list[tuple[str, Person]], commitment_id: str) -> tuple[str, Commitment]:
        for claim_id, person in people:
            for commitment in person.care.commitments:
                if commitment.commitment_id == commitment_id:
                    return claim_id, commitment
        raise Refused(404, "not-found")

    @routes.get("/claimants/{claimant_id}/commitments", responses=answers.described(answers.Page[answers.CommitmentView]))
    def listed(claimant_id: str, request: Request, principal: Reader) -> Any:
        """Every version of the claimant's commitment, newest first."""
        with context.connection() as conn:
            people = found(conn, request, principal, claimant_id)
        versions = [commitment for _, person in people for commitment in person.care.commitments]
        return {"items": [commitment_view(version) for version in reversed(versions)], "next": None}

    @routes.get("/claimants/{claimant_id}/commitments/{commitment_id}", responses=described(answers.CommitmentView, tagged=True))
    def read(claimant_id: str, commitment_id: str, request: Request, principal: Reader) -> Response:
        """One version."""
        with context.connection() as conn:
            _, commitment = one(found(conn, request, principal, claimant_id), commitment_id)
        return etag.response(request, commitment_view(commitment))

    def answer(request: Request, principal: Principal, claimant_id: str, commitment_id: str, accepts: bool) -> Response:
        with context.connection() as conn:
            claim_id, _ = one(found(conn, request, principal, claimant_id), commitment_id)

        def act(work: Work) -> Reply:
            desk = Desk(work, claim_id, context.setup)
            _, known = one([(claim_id, desk.person(claimant_id))], commitment_id)
            work.require_match(etag.of(commitment_view(known)))
            person = care.answer_commitment(desk, claimant_id, commitment_id, accepts, principal.role, principal.actor)
            desk.save()
            view = commitment_view(one([(claim_id, person)], commitment_id)[1])
            return Reply(200, view, {"ETag": etag.of(view)})

        return commands.run(request, principal, context.shell, roots=[(KIND, claim_id)], act=act)

    @routes.post(
        "/claimants/{claimant_id}/commitments/{commitment_id}/accept",
        responses=described(answers.CommitmentView),
        dependencies=headers.CHANGES,
    )
    def accept(claimant_id: str, commitment_id: str, request: Request, principal: Own) -> Response:
        """The claimant accepts the version; the one before is replaced."""
        return answer(request, principal, claimant_id, commitment_id, True)

    @routes.post(
        "/claimants/{claimant_id}/commitments/{commitment_id}/decline",
        responses=described(answers.CommitmentView),
        dependencies=headers.CHANGES,
    )
    def decline(claimant_id: str, commitment_id: str, request: Request, principal: Own) -> Response:
        """The claimant does not accept the version; the one in force stays."""
        return answer(request, principal, claimant_id, commitment_id, False)

    @routes.get("/support", responses=answers.described(answers.SupportCatalogue))
    def catalogue(principal: Reader) -> Any:
        """The list of barriers, kinds of claimant, types of support and fund purposes, and which types are open today."""
        policy, today = context.setup.support, context.today
        return {
            "barriers": list(policy.barriers),
            "kinds": dict(policy.kinds),
            "fund_purposes": {purpose: list(codes) for purpose, codes in policy.funds.items()},
            "types": [
                {**msgspec.to_builtins({name: getattr(kind, name) for name in SHOWN}), "open": kind.takes(today)}
                for kind in policy.types.values()
            ],
        }

    return routes


SHOWN = ("id", "title", "helps", "suits", "nations", "mandatory", "alternatives_first")
