"""The claimant's part: consents and "do not contact my employer". A coach may record both on their behalf."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from employer_link import commands, lookups, views
from employer_link.access import PARTIES
from employer_link.api import answers
from employer_link.api.bodies import EmployerContact, NewConsent, OnBehalfOf
from employer_link.api.parts import Parts, Side, answer, may_change, may_read
from employer_link.model import Claim, OnBehalf
from streaming.errors import Refused
from web import etag, headers, pages
from web.answers import described
from web.auth import require
from web.pages import Page
from web.principal import Principal

Caller = Annotated[Principal, Depends(require(*PARTIES))]
Paged = Annotated[Page, Depends(pages.page)]


def on_behalf(principal: Principal, claimant_id: str, body: OnBehalfOf) -> OnBehalf | None:
    """None for the claimant's own act. Refused (422) when staff leave out whose act it is, why, or the evidence."""
    if principal.has("claimant") and principal.claimant_id == claimant_id:
        if body.on_behalf_of is not None:
            raise Refused(422, "on-behalf-not-needed", "on_behalf_of is for acts that a coach records.")
        return None
    if body.on_behalf_of != claimant_id or body.reason is None or body.evidence is None:
        raise Refused(422, "on-behalf-required", "A coach sends on_behalf_of (the claimant), reason and evidence.")
    return OnBehalf(coach_id=principal.coach_id or principal.actor, reason=body.reason, evidence=body.evidence)


def router(parts: Parts) -> APIRouter:
    """Routes of the claimant."""
    routes = APIRouter(prefix="/v1", tags=["claimant"])

    @routes.post("/consents", status_code=201, responses=described(answers.ConsentView, 201, tagged=True))
    def give_consent(request: Request, principal: Caller, body: NewConsent) -> Response:
        """Let one employer see these fields, for this purpose, until this day."""
        with parts.connection() as conn:
            claim_id = lookups.claim_of(conn, body.claimant_id)
            found: Claim | None = parts.read(conn, "claim", claim_id)
            claim = may_change(
                parts, conn, request, principal, "consent", found, body.claimant_id, PARTIES, claimant_id=body.claimant_id
            )
        behalf = on_behalf(principal, body.claimant_id, body)
        values = body.model_dump(include={"employer_id", "fields", "purpose", "expires_on", "wording_version"})
        return parts.run(
            request,
            principal,
            (("claim", claim.claim_id), ("claimant", body.claimant_id)),
            lambda work: commands.give_consent(work, claim.claim_id, body.claimant_id, values, behalf, parts.policy),
        )

    @routes.get("/consents/{consent_id}", responses=described(answers.ConsentView, tagged=True))
    def get_consent(request: Request, principal: Caller, consent_id: str) -> Response:
        """One consent, whoever recorded it."""
        with parts.connection() as conn:
            claim: Claim | None = parts.read(conn, "claim", lookups.claim_of_consent(conn, consent_id))
            consent = None if claim is None else claim.consents.get(consent_id)
            whose = None if consent is None else consent.claimant_id
            may_read(parts, conn, request, principal, "consent", claim, whose, PARTIES, consent_id=consent_id)
        assert consent is not None  # else 404 above
        return etag.response(request, views.consent_view(consent))

    @routes.delete("/consents/{consent_id}", responses=described(answers.ConsentView), dependencies=headers.CHANGES)
    def withdraw_consent(request: Request, principal: Caller, consent_id: str, body: OnBehalfOf | None = None) -> Response:
        """Take a consent back; everything that rests on it closes at once."""
        with parts.connection() as conn:
            found: Claim | None = parts.read(conn, "claim", lookups.claim_of_consent(conn, consent_id))
            consent = None if found is None else found.consents.get(consent_id)
            whose = None if consent is None else consent.claimant_id
            claim = may_change(parts, conn, request, principal, "consent", found, whose, PARTIES, consent_id=consent_id)
        assert whose is not None  # else 404 above
        behalf = on_behalf(principal, whose, body or OnBehalfOf())
        return parts.run(
            request,
            principal,
            (("claim", claim.claim_id),),
            lambda work: commands.withdraw_consent(work, claim.claim_id, consent_id, behalf, parts.policy),
        )

    @routes.get("/claimants/{claimant_id}/consents", responses=described(answers.Page[answers.ConsentView]))
    def list_consents(request: Request, principal: Caller, claimant_id: str, page: Paged) -> Response:
        """Every consent in the person's name, also those that a coach recorded."""
        after = page.after(str)
        with parts.connection() as conn:
            claim: Claim | None = parts.read(conn, "claim", lookups.claim_of(conn, claimant_id))
            may_read(parts, conn, request, principal, "consents", claim, claimant_id, PARTIES, claimant_id=claimant_id)
            rows = lookups.consents_of(conn, claimant_id, after=after[0] if after else "", limit=page.fetch)
            claims = parts.read_many(conn, "claim", {claim_id for _, claim_id in rows})
        items = [views.consent_view(claims[claim_id].consents[consent_id]) for consent_id, claim_id in rows]
        return answer(page.body(items, lambda view: [view["consent_id"]], lambda view: view | {"etag": etag.of(view)}))

    @routes.get("/claimants/{claimant_id}/employer-contact", responses=described(answers.EmployerContactView, tagged=True))
    def get_contact(request: Request, principal: Caller, claimant_id: str) -> Response:
        """Which employers must not be contacted."""
        with parts.connection() as conn:
            claim: Claim | None = parts.read(conn, "claim", lookups.claim_of(conn, claimant_id))
            may_read(parts, conn, request, principal, "employer-contact", claim, claimant_id, PARTIES, claimant_id=claimant_id)
            claimant = parts.read(conn, "claimant", claimant_id)
        return etag.response(request, views.contact_view(claimant_id, claimant))

    @routes.put(
        "/claimants/{claimant_id}/employer-contact",
        responses=described(answers.EmployerContactView),
        dependencies=headers.CHANGES,
    )
    def put_contact(request: Request, principal: Caller, claimant_id: str, body: EmployerContact) -> Response:
        """Forbid or allow contact with one employer, or with all (employer_id null). Forbidding stops everything at once."""
        with parts.connection() as conn:
            found: Claim | None = parts.read(conn, "claim", lookups.claim_of(conn, claimant_id))
            claim = may_change(
                parts, conn, request, principal, "employer-contact", found, claimant_id, PARTIES, claimant_id=claimant_id
            )
            others = lookups.claims_of(conn, claimant_id)
        behalf = on_behalf(principal, claimant_id, body)
        roots = tuple(("claim", claim_id) for claim_id in {*others, claim.claim_id})
        return parts.run(
            request,
            principal,
            (*roots, ("claimant", claimant_id)),
            lambda work: commands.set_contact(
                work, claim.claim_id, others, claimant_id, body.employer_id, body.allowed, behalf, parts.policy
            ),
        )

    @routes.get("/claimants/{claimant_id}/engagements", responses=described(answers.Page[answers.EngagementView]))
    def list_engagements(request: Request, principal: Caller, claimant_id: str, page: Paged) -> Response:
        """The person's engagements, drafts included, soonest due first."""
        after = parts.place(page)
        with parts.connection() as conn:
            claim: Claim | None = parts.read(conn, "claim", lookups.claim_of(conn, claimant_id))
            may_read(parts, conn, request, principal, "engagements", claim, claimant_id, PARTIES, claimant_id=claimant_id)
            rows = lookups.engagements(conn, claimant_id=claimant_id, after=after, limit=page.fetch)
            side: Side = "claimant" if principal.claimant_id == claimant_id else "coach"
            return answer(parts.engagement_page(conn, page, rows, side))

    return routes
