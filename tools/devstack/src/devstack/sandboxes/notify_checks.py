"""What GOV.UK Notify checks before it accepts a message, and how it words a refusal.

Status codes, error names and messages follow Notify's public documentation for its clients (July 2026).
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from uuid import UUID

import jwt
from jwt.types import Options

SKEW_S = 30
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_UK_MOBILE = re.compile(r"(?:\+?44|0)7\d{9}")
_POSTCODE = re.compile(r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\(\(([^()]+)\)\)")


class Refusal(Exception):
    """An error answer: status code, error name, message."""

    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.message = message

    def body(self) -> dict[str, object]:
        return {"status_code": self.status, "errors": [{"error": self.error, "message": self.message}]}


def authenticate(header: str | None, keys: Mapping[str, str]) -> str:
    """The service id of a good token (HS256, `iss` the service, `iat` within 30 s). keys: service id → secret."""
    if header is None:
        raise Refusal(401, "AuthError", "Unauthorized: authentication token must be provided")
    scheme, _, token = header.partition(" ")
    if scheme != "Bearer":
        raise Refusal(401, "AuthError", "Unauthorized: authentication bearer scheme must be used")
    unchecked: Options = {"verify_signature": False, "verify_iat": False, "verify_exp": False, "verify_nbf": False}
    try:
        claims = jwt.decode(token, options=unchecked, algorithms=["HS256"])
    except jwt.InvalidTokenError:
        raise Refusal(403, "AuthError", "Invalid token: signature, api token is not valid") from None
    service = claims.get("iss")
    secret = keys.get(service) if isinstance(service, str) else None
    if not isinstance(service, str) or secret is None:
        raise Refusal(403, "AuthError", "Invalid token: service not found")
    try:
        jwt.decode(token, secret, algorithms=["HS256"], options={"verify_iat": False})
    except jwt.InvalidTokenError:
        raise Refusal(403, "AuthError", "Invalid token: API key not found") from None
    issued = claims.get("iat")
    if not isinstance(issued, int) or abs(time.time() - issued) > SKEW_S:
        raise Refusal(403, "AuthError", "Error: Your system clock must be accurate to within 30 seconds")
    return service


def template_id(body: Mapping[str, object]) -> str:
    """The template's id; a refusal if it is missing or no UUID."""
    given = body.get("template_id")
    if given is None:
        raise Refusal(400, "ValidationError", "template_id is a required property")
    try:
        return str(UUID(str(given)))
    except ValueError:
        raise Refusal(400, "ValidationError", "template_id is not a valid UUID") from None


def personalisation(body: Mapping[str, object]) -> dict[str, object]:
    given = body.get("personalisation", {})
    if not isinstance(given, dict):
        raise Refusal(400, "ValidationError", f"personalisation {given} is not of type object")
    return given


def recipient(kind: str, body: Mapping[str, object]) -> str:
    """Who the message goes to, as one text; for a letter the address lines."""
    if kind == "letter":
        return _address(personalisation(body))
    field, check, wrong = (
        ("phone_number", _UK_MOBILE, "Not a UK mobile number")
        if kind == "sms"
        else ("email_address", _EMAIL, "Not a valid email address")
    )
    given = body.get(field)
    if given is None:
        raise Refusal(400, "ValidationError", f"{field} is a required property")
    text = re.sub(r"[\s()-]", "", str(given)) if kind == "sms" else str(given).strip()
    if not check.fullmatch(text):
        raise Refusal(400, "ValidationError", f"{field} {wrong}")
    return text


def _address(fields: Mapping[str, object]) -> str:
    if "address_line_1" not in fields:
        raise Refusal(400, "ValidationError", "personalisation address_line_1 is a required property")
    lines = [str(fields.get(f"address_line_{number}", "")).strip() for number in range(1, 8)]
    lines.append(str(fields.get("postcode", "")).strip())
    present = [line for line in lines if line]
    if len(present) < 3:
        raise Refusal(400, "ValidationError", "Address must be at least 3 lines")
    if len(present) > 7:
        raise Refusal(400, "ValidationError", "Address must be no more than 7 lines")
    if not _POSTCODE.fullmatch(present[-1]):
        raise Refusal(400, "ValidationError", "Last line of address must be a real UK postcode or another country")
    return "\n".join(present)


def render(text: str, fields: Mapping[str, object]) -> str:
    """Put values in place of `((names))`; a refusal naming those that are missing."""
    missing = [name for name in _PLACEHOLDER.findall(text) if name not in fields]
    if missing:
        raise Refusal(400, "BadRequestError", f"Missing personalisation: {', '.join(missing)}")
    return _PLACEHOLDER.sub(lambda found: str(fields[found.group(1)]), text)


def destined_status(kind: str, to: str) -> str:
    """The final status; Notify's documented test recipients fail."""
    if kind == "letter":
        return "received"
    if to in ("temp-fail@simulator.notify", "07700900003", "+447700900003"):
        return "temporary-failure"
    if to in ("perm-fail@simulator.notify", "07700900002", "+447700900002"):
        return "permanent-failure"
    return "delivered"
