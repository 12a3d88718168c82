"""GOV.UK Notify through its official client, with every answer sorted into what is to be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import requests
from notifications_python_client.errors import APIError, InvalidResponse
from notifications_python_client.notifications import NotificationsAPIClient

from contracts.vocabulary import MessageChannel
from notifications.settings import Settings


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message as handed over. to: email address, phone number, or address lines. reference: our own id of it."""

    channel: MessageChannel
    to: tuple[str, ...]
    subject: str
    body: str
    reference: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took it."""

    provider_id: str
    status: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """400: it will never be taken as it is."""


@dataclass(frozen=True, slots=True)
class Forbidden:
    """403: our clock or our key is wrong; every message would fail."""


@dataclass(frozen=True, slots=True)
class Away:
    """429, 5xx or no connection: nothing was taken; ask again later."""

    cause: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A time-out or a broken answer: it may have been taken."""


@dataclass(frozen=True, slots=True)
class NotThere:
    """A look-up found nothing under the reference."""


Answer = Accepted | Rejected | Forbidden | Away | Unknown
Found = Accepted | NotThere | Forbidden | Away


class Provider:
    """For one thread: the client is not thread safe."""

    def __init__(self, settings: Settings) -> None:
        untyped: Any = NotificationsAPIClient
        self._client = untyped(
            settings.notify_api_key.get_secret_value(), base_url=settings.notify_base_url, timeout=settings.notify_timeout_s
        )
        self._templates: dict[MessageChannel, UUID] = {
            "email": settings.notify_template_email,
            "sms": settings.notify_template_sms,
            "letter": settings.notify_template_letter,
        }

    def send(self, message: Outgoing) -> Answer:
        """Hand the message over."""
        try:
            answer = self._call(message)
            return Accepted(str(answer["id"]), "sending")
        except (KeyError, TypeError, InvalidResponse):
            return Unknown()
        except APIError as error:
            return _sorted(error)

    def look_up(self, reference: str) -> Found:
        """What the provider has under our reference; of several, the oldest."""
        try:
            found = self._client.get_all_notifications(reference=reference)["notifications"]
            return Accepted(str(found[-1]["id"]), str(found[-1]["status"])) if found else NotThere()
        except (KeyError, TypeError, InvalidResponse):
            return Away("broken_answer")
        except APIError as error:
            answer = _sorted(error)
            return answer if isinstance(answer, Away | Forbidden) else Away(type(answer).__name__.lower())

    def _call(self, message: Outgoing) -> dict[str, Any]:
        template = str(self._templates[message.channel])
        fields: dict[str, str] = {"subject": message.subject, "body": message.body}
        answer: dict[str, Any]
        match message.channel:
            case "email":
                answer = self._client.send_email_notification(message.to[0], template, fields, reference=message.reference)
            case "sms":
                answer = self._client.send_sms_notification(message.to[0], template, fields, reference=message.reference)
            case "letter":
                lines = {f"address_line_{number}": line for number, line in enumerate(message.to, start=1)}
                answer = self._client.send_letter_notification(template, fields | lines, reference=message.reference)
        return answer


def _sorted(error: APIError) -> Answer:
    cause = error.__cause__
    response = getattr(cause, "response", None)
    if response is None:
        return Away("no_connection") if _never_connected(cause) else Unknown()
    status = response.status_code
    if status == 400:
        return Rejected()
    if status in (401, 403):
        return Forbidden()
    return Away(str(status))


def _never_connected(cause: BaseException | None) -> bool:
    """Refused or timed out before the request could be written: certain that nothing was taken."""
    if isinstance(cause, requests.ConnectTimeout):
        return True
    reason = getattr(cause.args[0], "reason", None) if isinstance(cause, requests.ConnectionError) and cause.args else None
    return type(reason).__name__ in ("NewConnectionError", "NameResolutionError")
