"""Registrations of webhooks, kept with every payroll scheme of the organisation that made them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from employer_link.model import Employer, Webhook
from streaming.errors import Refused
from streaming.work import Reply, Work
from web import etag

SECRET_BYTES = 32
MAX_PER_EMPLOYER = 5


def view(webhook: Webhook) -> dict[str, Any]:
    """A registration without its secret."""
    return {"webhook_id": webhook.webhook_id, "url": webhook.url, "created_at": webhook.created_at.isoformat()}


def decode(body: bytes | memoryview) -> dict[str, Any]:
    """A reply's body."""
    found: dict[str, Any] = msgspec.json.decode(body)
    return found


def named(employer: Employer, references: Mapping[str, str]) -> Employer:
    """The scheme with the PAYE reference that its own organisation's token gives, once known for ever."""
    reference = references.get(employer.employer_id)
    if employer.paye_reference is not None or reference is None:
        return employer
    return msgspec.structs.replace(employer, paye_reference=reference)


def register(work: Work, employer_ids: list[str], url: str, secret: bytes, references: Mapping[str, str]) -> Reply:
    """Add the same registration to each scheme. secret: encrypted."""
    webhook = Webhook(webhook_id=work.next_id("webhook"), url=url, secret=secret, created_at=work.now)
    for key in employer_ids:
        employer: Employer = work.get("employer", key) or Employer(employer_id=key)
        if len(employer.webhooks) >= MAX_PER_EMPLOYER:
            raise Refused(409, "too-many-webhooks", "Remove a registration first.", allowed=["delete"])
        known = named(employer, references)
        work.put("employer", key, msgspec.structs.replace(known, webhooks=(*known.webhooks, webhook)))
    shown = view(webhook)
    location = f"/v1/employer/webhooks/{webhook.webhook_id}"
    return Reply(201, shown, {"ETag": etag.of(shown), "Location": location})


def remove(work: Work, employer_ids: list[str], webhook_id: str) -> Reply:
    """Take it from each scheme."""
    for key in employer_ids:
        employer: Employer | None = work.get("employer", key)
        found = [one for one in employer.webhooks if one.webhook_id == webhook_id] if employer is not None else []
        if employer is None or not found:
            raise Refused(404, "not-found")
        work.require_match(etag.of(view(found[0])))
        left = tuple(one for one in employer.webhooks if one.webhook_id != webhook_id)
        work.put("employer", key, msgspec.structs.replace(employer, webhooks=left))
    return Reply(204)
