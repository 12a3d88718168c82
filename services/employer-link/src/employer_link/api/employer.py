"""The employer's part: its own engagements, the fields that were consented to, and nothing else ever."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from contracts.ids import employer_id as id_of_scheme
from employer_link import commands, lookups, moves, views, webhooks
from employer_link.api import answers
from employer_link.api.bodies import ActionIsDone, Answered, NewWebhook, Nothing
from employer_link.api.parts import Parts, answer
from employer_link.api.shown import EmployerReader
from employer_link.moves import Rule
from employer_link.targets import BlockedTarget
from streaming.errors import Refused
from streaming.work import Work
from web import audit, etag, headers, pages
from web.answers import described
from web.auth import require
from web.pages import Page
from web.principal import Principal

Caller = Annotated[Principal, Depends(require("employer"))]
Paged = Annotated[Page, Depends(pages.page)]


def router(parts: Parts) -> APIRouter:
    """Routes of employers."""
    routes = APIRouter(prefix="/v1/employer", tags=["employer"])
    reader = EmployerReader(parts)
    policy = parts.policy

    def move(request: Request, principal: Principal, engagement_id: str, rule: Rule) -> Response:
        """404 and 410 come before the idempotency replay: a stored answer is not shown once the consent has ended."""
        with parts.connection() as conn:
            found = reader.find(conn, request, principal, engagement_id, change=True)
        return parts.run(
            request,
            principal,
            (("claim", found.claim.claim_id),),
            lambda work: commands.employer_move(
                work, found.claim.claim_id, engagement_id, rule, found.office, references(principal), policy
            ),
        )

    @routes.get("/engagements", responses=described(answers.Page[answers.EmployerEngagementView]))
    def list_engagements(request: Request, principal: Caller, page: Paged) -> Response:
        """The caller's engagements that may be seen now, soonest due first."""
        after = parts.place(page)
        with parts.connection() as conn:
            rows = lookups.engagements(conn, employer_ids=sorted(principal.employers), after=after, limit=page.fetch)
            found = reader.many(conn, rows[: page.limit])
            for one in found.values():
                ids = {"engagement_id": one.engagement.engagement_id, "claimant_id": one.engagement.claimant_id}
                audit.read(conn, request, principal, "engagement", ids=ids)
        shown = reader.views(list(found.values()))
        body = page.body(rows, lambda row: [row.due_on, row.engagement_id], lambda row: shown.get(row.engagement_id))
        return answer({"items": [item for item in body["items"] if item is not None], "next": body["next"]})

    @routes.get("/engagements/{engagement_id}", responses=described(answers.EmployerEngagementView, tagged=True))
    def get_engagement(request: Request, principal: Caller, engagement_id: str) -> Response:
        """One engagement; 410 once its consent has ended."""
        with parts.connection() as conn:
            found = reader.find(conn, request, principal, engagement_id)
        view = reader.views([found])[engagement_id]
        return Response(answer(view).body, headers={"ETag": reader.tag(found)}, media_type="application/json")

    @routes.post(
        "/engagements/{engagement_id}/answer", responses=described(answers.EmployerEngagementView), dependencies=headers.CHANGES
    )
    def give_answer(request: Request, principal: Caller, engagement_id: str, body: Answered) -> Response:
        """What the employer offers, or why not."""
        return move(request, principal, engagement_id, moves.answering(body.answer, policy))

    @routes.post(
        "/engagements/{engagement_id}/approve", responses=described(answers.EmployerEngagementView), dependencies=headers.CHANGES
    )
    def approve(request: Request, principal: Caller, engagement_id: str, body: Nothing | None = None) -> Response:
        """The employer approves the plan as it is."""
        return move(request, principal, engagement_id, moves.approving("employer", policy))

    @routes.post(
        "/engagements/{engagement_id}/actions", responses=described(answers.EmployerEngagementView), dependencies=headers.CHANGES
    )
    def action_done(request: Request, principal: Caller, engagement_id: str, body: ActionIsDone) -> Response:
        """The employer has done an agreed action of theirs."""
        return move(request, principal, engagement_id, moves.completing("employer", body.action_id, policy))

    @routes.get("/events", responses=described(answers.Page[answers.EventView]))
    def events(request: Request, principal: Caller, page: Paged) -> Response:
        """What happened to the caller's engagements, ids only, oldest first. Every item has the cursor to go on after it."""
        positions = dict.fromkeys(sorted(principal.employers), 0)
        seen = page.after(dict[str, int])
        if seen is not None:
            known: dict[str, int] = seen[0]
            positions |= {key: number for key, number in known.items() if key in positions and 0 <= number < 2**62}
        with parts.connection() as conn:
            rows = lookups.feed(conn, positions, page.fetch)
        items: list[dict[str, Any]] = []
        for row in rows[: page.limit]:
            positions[row["employer_id"]] = row["seq"]
            items.append(
                {
                    "event_id": row["event_id"],
                    "type": row["type"],
                    "engagement_id": row["engagement_id"],
                    "employer_id": row["employer_id"],
                    "at": row["at"],
                    "cursor": pages.encode([positions]),
                }
            )
        return answer({"items": items, "next": items[-1]["cursor"] if len(rows) > page.limit else None})

    @routes.post("/webhooks", status_code=201, responses=described(answers.WebhookView, 201, tagged=True))
    def add_webhook(request: Request, principal: Caller, body: NewWebhook) -> Response:
        """Register a target (https, public). The answer holds the secret that signs its messages."""
        try:
            parts.targets.check_url(body.url)
        except BlockedTarget:
            raise Refused(422, "target-not-allowed", "url: https, a public host with a valid name, no credentials.") from None
        employers = _employers(principal)
        secret = parts.cipher.encrypt(os.urandom(webhooks.SECRET_BYTES))
        response = parts.run(
            request,
            principal,
            tuple(("employer", key) for key in employers),
            lambda work: webhooks.register(work, employers, body.url, secret, references(principal)),
        )
        return _with_secret(response, employers[0])

    def _with_secret(response: Response, employer_id: str) -> Response:
        """The secret is added outside the command, so that it is not kept with the idempotency key."""
        stored = webhooks.decode(response.body)
        with parts.connection() as conn:
            employer = parts.read(conn, "employer", employer_id)
        for webhook in employer.webhooks if employer is not None else ():
            if webhook.webhook_id == stored["webhook_id"]:
                plain = parts.cipher.decrypt(webhook.secret)
                stored["secret"] = "whsec_" + base64.b64encode(plain).decode()
        headers = {name: response.headers[name] for name in ("etag", "location")}
        return Response(answer(stored).body, 201, headers, "application/json")

    @routes.get("/webhooks", responses=described(answers.Page[answers.WebhookView]))
    def list_webhooks(request: Request, principal: Caller, page: Paged) -> Response:
        """The caller's registrations, without secrets."""
        after = page.after(str)
        with parts.connection() as conn:
            known = parts.read_many(conn, "employer", principal.employers)
        found = {webhook.webhook_id: webhook for employer in known.values() for webhook in employer.webhooks}
        rows = sorted(key for key in found if after is None or key > after[0])[: page.fetch]

        def item(key: str) -> views.View:
            view = webhooks.view(found[key])
            return view | {"etag": etag.of(view)}

        return answer(page.body(rows, lambda key: [key], item))

    @routes.delete("/webhooks/{webhook_id}", status_code=204, dependencies=headers.CHANGES)
    def remove_webhook(request: Request, principal: Caller, webhook_id: str) -> Response:
        """End a registration; what is queued for it is not sent."""
        with parts.connection() as conn:
            owners = lookups.webhook_owners(conn, webhook_id, principal.employers)
            if not owners:
                audit.read(
                    conn, request, principal, "webhook", granted=False, reason="not_theirs", ids={"webhook_id": webhook_id}
                )
                raise commands.not_found()
        act: Callable[[Work], Any] = lambda work: webhooks.remove(work, owners, webhook_id)  # noqa: E731
        return parts.run(request, principal, tuple(("employer", key) for key in owners), act)

    return routes


def references(principal: Principal) -> dict[str, str]:
    """The PAYE references that the caller's token names, by employer id."""
    return {id_of_scheme(reference): reference for reference in principal.employer_paye_references}


def _employers(principal: Principal) -> list[str]:
    if not principal.employers:
        raise Refused(403, "no-employer", "This access token names no employer.")
    return sorted(principal.employers)
