"""GOV.UK Notify's HTTP API, as its official clients use it, with everything accepted open to inspection."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from devstack.sandboxes import notify_checks as checks
from devstack.sandboxes.faults import Faults, Order
from devstack.sandboxes.notify_checks import Refusal
from devstack.sandboxes.notify_receipts import Receipts
from devstack.sandboxes.notify_store import Send, Store, Template, now, template_link

FAULT_MODES = ("error_500", "error_429", "error_403", "error_400", "timeout_after_accept", "timeout_before_accept", "slow")


class NewTemplate(BaseModel):
    """A template that the sandbox should know: `type` sms, email or letter."""

    type: str
    subject: str = ""
    body: str


def create(
    base: str, keys: Mapping[str, str], receipts_url: str, receipts_token: str, *, receipt_delay_s: float = 0.05
) -> FastAPI:
    """The application. base: its public address; keys: service id → secret; receipts go to `receipts_url`."""
    store, faults, receipts = Store(), Faults(*FAULT_MODES), Receipts(receipts_url, receipts_token, receipt_delay_s)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await receipts.close()

    app = FastAPI(title="GOV.UK Notify sandbox", lifespan=lifespan)
    app.include_router(faults.router())

    def caller(authorization: Annotated[str | None, Header()] = None) -> str:
        return checks.authenticate(authorization, keys)

    signed_in = [Depends(caller)]

    @app.exception_handler(Refusal)
    async def refused(_: Request, refusal: Refusal) -> JSONResponse:
        return JSONResponse(refusal.body(), status_code=refusal.status)

    @app.post("/v2/notifications/{kind}", status_code=201, dependencies=signed_in)
    async def send(kind: str, request: Request) -> dict[str, object]:
        if kind not in ("sms", "email", "letter"):
            raise Refusal(404, "NotFound", "Not found")
        order = faults.take()
        await _before(order)
        accepted = _accept(store, kind, await _body(request))
        receipts.follow(accepted)
        if order is not None and order.mode == "timeout_after_accept":
            await asyncio.sleep(order.delay_s)
        return _answer(accepted, base)

    @app.get("/v2/notifications/{notification_id}", dependencies=signed_in)
    async def one(notification_id: str) -> dict[str, object]:
        return store.find(notification_id).view(base)

    @app.get("/v2/notifications", dependencies=signed_in)
    async def several(
        status: str | None = None, template_type: str | None = None, reference: str | None = None, older_than: str | None = None
    ) -> dict[str, object]:
        filters = {"status": status, "template_type": template_type, "reference": reference}
        found = store.page(filters, older_than)
        links = {"current": f"{base}/v2/notifications"}
        if found:
            links["next"] = f"{base}/v2/notifications?older_than={found[-1].notification_id}"
        return {"notifications": [send.view(base) for send in found], "links": links}

    @app.get("/v2/template/{template_id}", dependencies=signed_in)
    async def template(template_id: str) -> dict[str, object]:
        if template_id not in store.templates:
            raise Refusal(404, "NoResultFound", "No result found")
        return store.templates[template_id].view(base)

    @app.put("/sandbox/templates/{template_id}", status_code=204)
    async def register(template_id: str, new: NewTemplate) -> None:
        known = store.templates.get(template_id)
        version = known.version + 1 if known else 1
        store.templates[template_id] = Template(template_id, new.type, new.subject, new.body, version)

    @app.get("/sandbox/sends")
    async def sends(reference: str | None = None, after: int = 0) -> dict[str, object]:
        """Everything accepted, oldest first; `after` skips that many, for readers that follow."""
        chosen = [one for one in list(store.sends.values())[after:] if reference is None or one.reference == reference]
        items = [{**one.view(base), "personalisation": one.personalisation} for one in chosen]
        return {"items": items, "count": len(store.sends)}

    @app.delete("/sandbox/sends", status_code=204)
    async def forget() -> None:
        store.sends.clear()

    @app.get("/sandbox/stats")
    async def stats() -> dict[str, object]:
        kinds: dict[str, int] = {}
        for accepted in store.sends.values():
            kinds[accepted.kind] = kinds.get(accepted.kind, 0) + 1
        references = [accepted.reference for accepted in store.sends.values() if accepted.reference is not None]
        repeated = len(references) - len(set(references))
        return {
            "accepted": len(store.sends),
            "by_type": kinds,
            "repeated_references": repeated,
            "receipts": asdict(receipts.counts),
        }

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "up"}

    return app


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refusal(400, "BadRequestError", "Invalid JSON supplied in POST data")
    return body


async def _before(order: Order | None) -> None:
    """What goes wrong before anything is accepted."""
    match order.mode if order else None:
        case "error_500":
            raise Refusal(500, "Exception", "Internal server error")
        case "error_429":
            raise Refusal(429, "RateLimitError", "Exceeded rate limit for key type LIVE of 3000 requests per 60 seconds")
        case "error_403":
            raise Refusal(403, "AuthError", "Invalid token: API key not found")
        case "error_400":
            raise Refusal(400, "BadRequestError", "Can't send to this recipient using a team-only API key")
        case "slow" | "timeout_before_accept":
            assert order is not None
            await asyncio.sleep(order.delay_s)
            if order.mode == "timeout_before_accept":
                raise Refusal(500, "Exception", "Internal server error")


def _accept(store: Store, kind: str, body: dict[str, Any]) -> Send:
    template_id, to = checks.template_id(body), checks.recipient(kind, body)
    reference = body.get("reference")
    if reference is not None and (not isinstance(reference, str) or len(reference) > 1000):
        raise Refusal(400, "ValidationError", "reference is not of type string")
    template, fields = store.template(template_id, kind), checks.personalisation(body)
    subject, text = store.text(template, fields)
    notification_id = str(uuid.uuid4())
    accepted = Send(notification_id, kind, to, reference, template, fields, subject, text, "created", now())
    store.sends[notification_id] = accepted
    return accepted


def _answer(send: Send, base: str) -> dict[str, object]:
    content: dict[str, object] = {"body": send.body}
    match send.kind:
        case "sms":
            content["from_number"] = "GOVUK"
        case "email":
            content |= {"subject": send.subject, "from_email": "jobcentre.example@notifications.service.gov.uk"}
        case _:
            content["subject"] = send.subject
    return {
        "id": send.notification_id,
        "reference": send.reference,
        "content": content,
        "uri": f"{base}/v2/notifications/{send.notification_id}",
        "template": template_link(send.template, base),
        "scheduled_for": None,
    }
