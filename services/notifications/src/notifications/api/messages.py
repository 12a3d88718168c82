"""A claimant's messages, and the provider's receipts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Path, Request

from notifications.acts import delivery, documents
from notifications.api import answers
from notifications.api.bodies import ReceiptBody
from notifications.api.context import Api, not_found
from notifications.api.views import instant, message_view
from notifications.store import queries, queue
from streaming.records import Cause
from streaming.work import Reply, Work, derive_id
from web import access, pages
from web.access import Subject
from web.answers import described
from web.auth import require, static_bearer
from web.pages import Page
from web.principal import Principal

log = structlog.get_logger()

READERS = ("claimant", "coach", "team-leader", "operator")

ClaimantId = Annotated[str, Path(max_length=128, pattern=r"^[^\x00]+$")]


def router(api: Api) -> APIRouter:
    """GET /v1/claimants/{claimant_id}/messages and POST /v1/notify/receipts."""
    routes = APIRouter(tags=["messages"])

    @routes.get("/v1/claimants/{claimant_id}/messages", responses=described(answers.Page[answers.MessageView]))
    def messages(
        claimant_id: ClaimantId,
        request: Request,
        who: Annotated[Principal, Depends(require(*READERS))],
        page: Annotated[Page, Depends(pages.page)],
    ) -> dict[str, Any]:
        """What was sent, newest first: never the texts or addresses."""
        after = page.after(datetime, str)
        with api.pool.connection() as conn:
            entries = queries.of_claimant(conn, claimant_id)
            place = Subject(
                claimant_ids=(claimant_id,),
                coach_ids=tuple(name for entry in entries for name in entry.coach_ids),
                office_ids=tuple(name for entry in entries for name in entry.office_ids),
            )
            rows = queries.messages_of(conn, claimant_id, after=after, limit=page.fetch)
            known = place if entries or rows else None  # who left every claim reads their own messages still
            reader = api.current(conn, who)
            access.check(conn, request, reader, "messages", known, scopes=READERS, claimant_id=claimant_id)
            if known is None:
                raise not_found()
            docs = api.documents(conn, [(documents.CLAIM, claim_id) for claim_id in sorted({row[0] for row in rows})])
        found = [
            docs[documents.CLAIM, claim_id].messages[message_id]
            for claim_id, message_id, _ in rows
            if message_id in docs[documents.CLAIM, claim_id].messages
        ]
        return page.body(found, lambda item: (instant(item.requested_at), item.message_id), message_view)

    provider = static_bearer("notify", lambda request: api.receipts_token)

    @routes.post("/v1/notify/receipts", responses=described(answers.ReceiptTaken), dependencies=[Depends(provider)])
    def receipt(body: ReceiptBody) -> dict[str, str]:
        """A delivery receipt. Status moves forward only; an unknown reference is ignored; a repeat changes nothing."""
        with api.pool.connection() as conn:
            claim_id = queue.claim_of_message(conn, body.reference) if body.reference and "\x00" not in body.reference else None
            if claim_id is None:
                log.info("receipt.ignored", why="unknown_reference")
                return {"status": "ignored"}
            message_id = body.reference or ""

            def act(work: Work) -> Reply:
                doc = documents.claim(work, claim_id)
                message = doc.messages.get(message_id)
                if message is not None:
                    delivery.provider_said(work, api.setup, doc, message, provider_id=body.id, status=body.status)
                return Reply()

            cause = Cause(derive_id("receipt", message_id, body.id, body.status), message_id)
            api.unit(conn).internal([(documents.CLAIM, claim_id)], cause, act)
        return {"status": "ok"}

    return routes
