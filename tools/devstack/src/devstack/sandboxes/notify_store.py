"""What the Notify sandbox remembers: templates and accepted sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from devstack.sandboxes.notify_checks import Refusal, render

PAGE = 250


@dataclass(slots=True)
class Template:
    """A text with `((placeholders))`; `subject` is unused for text messages."""

    template_id: str
    kind: str
    subject: str
    body: str
    version: int = 1

    def view(self, base: str) -> dict[str, object]:
        uri = f"{base}/v2/template/{self.template_id}"
        return {
            "id": self.template_id,
            "type": self.kind,
            "version": self.version,
            "subject": self.subject,
            "body": self.body,
            "uri": uri,
        }


@dataclass(slots=True)
class Send:
    """One accepted message. Times are the sandbox's own (wall clock, UTC)."""

    notification_id: str
    kind: str
    to: str
    reference: str | None
    template: Template
    personalisation: Mapping[str, object]
    subject: str
    body: str
    status: str
    created_at: datetime
    sent_at: datetime | None = None
    completed_at: datetime | None = None

    def view(self, base: str) -> dict[str, object]:
        """As `GET /v2/notifications/{id}` gives it."""
        lines = self.to.split("\n") if self.kind == "letter" else []
        return {
            "id": self.notification_id,
            "reference": self.reference,
            "type": self.kind,
            "status": self.status,
            "email_address": self.to if self.kind == "email" else None,
            "phone_number": self.to if self.kind == "sms" else None,
            **{f"line_{number}": lines[number - 1] if number <= len(lines) else None for number in range(1, 8)},
            "postage": "second" if self.kind == "letter" else None,
            "template": template_link(self.template, base),
            "subject": None if self.kind == "sms" else self.subject,
            "body": self.body,
            "created_at": stamp(self.created_at),
            "created_by_name": None,
            "sent_at": stamp(self.sent_at),
            "completed_at": stamp(self.completed_at),
            "scheduled_for": None,
        }

    def receipt(self) -> dict[str, object]:
        """As the delivery receipt callback carries it."""
        return {
            "id": self.notification_id,
            "reference": self.reference,
            "to": self.to,
            "status": self.status,
            "created_at": stamp(self.created_at),
            "completed_at": stamp(self.completed_at),
            "sent_at": stamp(self.sent_at),
            "notification_type": self.kind,
            "template_id": self.template.template_id,
            "template_version": self.template.version,
        }


def template_link(template: Template, base: str) -> dict[str, object]:
    return {"id": template.template_id, "version": template.version, "uri": f"{base}/v2/template/{template.template_id}"}


def now() -> datetime:
    return datetime.now(UTC)


def stamp(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(slots=True)
class Store:
    """Everything accepted, in order. A template nobody registered shows its `subject` and `body` values as they come."""

    sends: dict[str, Send] = field(default_factory=dict)
    templates: dict[str, Template] = field(default_factory=dict)

    def template(self, template_id: str, kind: str) -> Template:
        known = self.templates.get(template_id)
        if known is None:
            return Template(template_id, kind, "", "")
        if known.kind != kind:
            raise Refusal(400, "BadRequestError", f"{known.kind} template is not suitable for {kind} notification")
        return known

    def text(self, template: Template, fields: Mapping[str, object]) -> tuple[str, str]:
        """(subject, body) with the values in place."""
        if template.template_id in self.templates:
            return render(template.subject, fields), render(template.body, fields)
        return str(fields.get("subject", "")), str(fields.get("body", ""))

    def page(self, filters: Mapping[str, str | None], older_than: str | None) -> list[Send]:
        """Newest first, at most 250. filters: status, template_type, reference."""
        newest = list(reversed(self.sends.values()))
        if older_than is not None:
            position = next((at for at, one in enumerate(newest) if one.notification_id == older_than), None)
            newest = [] if position is None else newest[position + 1 :]
        status, kind, reference = filters.get("status"), filters.get("template_type"), filters.get("reference")
        found = (
            one
            for one in newest
            if (status is None or one.status == status)
            and (kind is None or one.kind == kind)
            and (reference is None or one.reference == reference)
        )
        return [one for one, _ in zip(found, range(PAGE), strict=False)]

    def find(self, notification_id: str) -> Send:
        try:
            return self.sends[str(UUID(notification_id))]
        except ValueError:
            raise Refusal(400, "ValidationError", "id is not a valid UUID") from None
        except KeyError:
            raise Refusal(404, "NoResultFound", "No result found") from None
