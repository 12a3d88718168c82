"""The coach's part: find an employer, open an engagement, share it, lead it to a plan and close it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from contracts.ids import employer_id as id_of_scheme
from contracts.vocabulary import EngagementState
from employer_link import commands, lookups, moves, views
from employer_link.access import PARTIES, STAFF
from employer_link.api import answers
from employer_link.api.bodies import ActionIsDone, Amendment, Close, Contact, NewEngagement, Nothing, Share
from employer_link.api.parts import Parts, Side, answer, may_change, may_read
from employer_link.model import Claim
from employer_link.moves import Rule
from streaming.records import Root
from web import audit, etag, headers, pages
from web.answers import described
from web.auth import require
from web.pages import Page
from web.principal import Principal

Staff = Annotated[Principal, Depends(require(*STAFF))]
Either = Annotated[Principal, Depends(require(*PARTIES))]
Paged = Annotated[Page, Depends(pages.page)]


def router(parts: Parts) -> APIRouter:
    """Routes of the coach; reading, approving and reporting an action done are also the claimant's."""
    routes = APIRouter(prefix="/v1", tags=["coach"])
    policy = parts.policy

    def move(
        request: Request,
        principal: Principal,
        engagement_id: str,
        rule: Callable[[Side], Rule],
        scopes: tuple[str, ...],
        *,
        contact: bool = False,
    ) -> Response:
        """One move on one engagement. contact: it touches the employer, whose contacts are counted."""
        with parts.connection() as conn:
            row = lookups.engagement(conn, engagement_id)
            found: Claim | None = parts.read(conn, "claim", row.claim_id if row else None)
            whose = row.claimant_id if row else None
            claim = may_change(parts, conn, request, principal, "engagement", found, whose, scopes, engagement_id=engagement_id)
        assert row is not None  # else 404 above
        roots: tuple[Root, ...] = (("claim", claim.claim_id),)
        if contact:
            roots = (*roots, ("employer", row.employer_id))
        side = side_of(principal, whose)
        return parts.run(
            request,
            principal,
            roots,
            lambda work: commands.move(work, claim.claim_id, engagement_id, side, rule(side), policy),
        )

    @routes.get("/employers", responses=described(answers.Page[answers.EmployerEntry]))
    def search(
        request: Request,
        principal: Staff,
        page: Paged,
        q: Annotated[str, Query(min_length=1, max_length=100, description="Part of the name, or a PAYE reference")],
    ) -> Response:
        """Employers known from payments, by part of their name or by PAYE reference."""
        after = page.after(str, str)
        reference = q.strip()
        known = id_of_scheme(reference)
        with parts.connection() as conn:
            place = None if after is None else (str(after[0]), str(after[1]))
            rows = lookups.employers(conn, reference, known, after=place, limit=page.fetch)
        for row in rows:
            if row["employer_id"] == known:
                row["paye_reference"] = reference
        return answer(page.body(rows, lambda row: [row["name"] or "", row["employer_id"]], views.employer_entry))

    @routes.post("/engagements", status_code=201, responses=described(answers.EngagementView, 201, tagged=True))
    def open_engagement(request: Request, principal: Staff, body: NewEngagement) -> Response:
        """Open a draft under a live consent, for an open case."""
        with parts.connection() as conn:
            found: Claim | None = parts.read(conn, "claim", lookups.claim_of_consent(conn, body.consent_id))
            consent = None if found is None else found.consents.get(body.consent_id)
            whose = None if consent is None else consent.claimant_id
            claim = may_change(parts, conn, request, principal, "engagement", found, whose, STAFF, consent_id=body.consent_id)
        return parts.run(
            request,
            principal,
            (("claim", claim.claim_id),),
            lambda work: commands.open_engagement(
                work,
                claim.claim_id,
                case_id=body.case_id,
                employer_id=body.employer_id,
                consent_id=body.consent_id,
                ask=body.ask,
                policy=policy,
            ),
        )

    @routes.get("/engagements", responses=described(answers.Page[answers.EngagementView]))
    def list_engagements(
        request: Request,
        principal: Either,
        page: Paged,
        state: Annotated[list[EngagementState] | None, Query(description="One or more states")] = None,
        next_mover: Annotated[Literal["coach", "claimant", "employer"] | None, Query(description="Whose move it is")] = None,
    ) -> Response:
        """Engagements of the caller's cases and offices, or the claimant's own, soonest due first."""
        after = parts.place(page)
        own = principal.claimant_id if principal.has("claimant") else None
        with parts.connection() as conn:
            caller = parts.now_as(conn, principal)
            rows = lookups.engagements(
                conn,
                claimant_id=own,
                coach_id=caller.coach_id,
                office_ids=caller.office_ids,
                states=state,
                next_mover=next_mover,
                after=after,
                limit=page.fetch,
            )
            audit.read(conn, request, principal, "engagements", ids={"coach_id": caller.coach_id, "claimant_id": own})
            return answer(parts.engagement_page(conn, page, rows, side_of(principal, own)))

    @routes.get("/engagements/{engagement_id}", responses=described(answers.EngagementView, tagged=True))
    def get_engagement(request: Request, principal: Either, engagement_id: str) -> Response:
        """One engagement, for the coach or the claimant."""
        with parts.connection() as conn:
            row = lookups.engagement(conn, engagement_id)
            claim: Claim | None = parts.read(conn, "claim", row.claim_id if row else None)
            whose = row.claimant_id if row else None
            may_read(parts, conn, request, principal, "engagement", claim, whose, PARTIES, engagement_id=engagement_id)
        assert claim is not None  # else 404 above
        return etag.response(request, views.engagement_view(claim, claim.engagements[engagement_id], side_of(principal, whose)))

    @routes.post("/engagements/{engagement_id}/share", responses=described(answers.EngagementView), dependencies=headers.CHANGES)
    def share(request: Request, principal: Staff, engagement_id: str, body: Share | None = None) -> Response:
        """The employer can see it from now on. Counts as a contact of the employer."""
        reason = None if body is None else body.override_reason
        return move(request, principal, engagement_id, lambda _: moves.sharing(reason, policy), STAFF, contact=True)

    @routes.post(
        "/engagements/{engagement_id}/contacts", responses=described(answers.EngagementView), dependencies=headers.CHANGES
    )
    def record_contact(request: Request, principal: Staff, engagement_id: str, body: Contact) -> Response:
        """A call, letter or meeting with the employer. The same stops and the same cap hold as for sharing."""
        rule = moves.contacting(body.channel, body.outcome, body.override_reason, policy)
        return move(request, principal, engagement_id, lambda _: rule, STAFF, contact=True)

    @routes.post("/engagements/{engagement_id}/amend", responses=described(answers.EngagementView), dependencies=headers.CHANGES)
    def amend(request: Request, principal: Staff, engagement_id: str, body: Amendment) -> Response:
        """Change the ask or the plan: every approval is void and everybody is told."""
        plan = None if body.actions is None else [(item.owner, item.due_on) for item in body.actions]
        return move(request, principal, engagement_id, lambda _: moves.amending(body.ask, plan, body.why, policy), STAFF)

    @routes.post(
        "/engagements/{engagement_id}/approve", responses=described(answers.EngagementView), dependencies=headers.CHANGES
    )
    def approve(request: Request, principal: Either, engagement_id: str, body: Nothing | None = None) -> Response:
        """The claimant approves, or, last, the coach."""
        return move(request, principal, engagement_id, lambda party: moves.approving(party, policy), PARTIES)

    @routes.post(
        "/engagements/{engagement_id}/actions", responses=described(answers.EngagementView), dependencies=headers.CHANGES
    )
    def action_done(request: Request, principal: Either, engagement_id: str, body: ActionIsDone) -> Response:
        """The claimant or the coach has done an agreed action of theirs."""
        return move(request, principal, engagement_id, lambda party: moves.completing(party, body.action_id, policy), PARTIES)

    @routes.post("/engagements/{engagement_id}/close", responses=described(answers.EngagementView), dependencies=headers.CHANGES)
    def close(request: Request, principal: Staff, engagement_id: str, body: Close) -> Response:
        """End it. `completed` needs an agreed plan; what the facts establish is not for a person to say."""
        return move(request, principal, engagement_id, lambda _: moves.closing(body.reason, policy), STAFF)

    return routes


def side_of(principal: Principal, claimant_id: str | None) -> Side:
    """For whom the caller acts here: themselves, or the coach's side."""
    return "claimant" if principal.has("claimant") and principal.claimant_id == claimant_id else "coach"
