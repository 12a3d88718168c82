"""Headers of changes. A route says that it needs If-Match; commands read it only where that is said, and callers are told.

`dependencies=headers.CHANGES` in the route's decorator stands for If-Match in, ETag out. A route whose command asks for
a match and does not say so answers 428 to everybody: what the OpenAPI document says cannot be less than what is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
_IF_MATCH = {"name": "If-Match", "in": "header", "schema": {"type": "string"}}
_ETAG = {
    "ETag": {
        "description": "The version answered with, for If-Match: send it as it came, with its quotation marks",
        "schema": {"type": "string"},
    }
}


class IfMatch:
    """A dependency that hands If-Match to the route's command.

    always: 428 without it; else only where the resource exists already. tagged: the answer carries the new ETag.
    """

    def __init__(self, *, always: bool, tagged: bool = True) -> None:
        self.always = always
        self.tagged = tagged

    async def __call__(self, request: Request) -> None:
        request.state.if_match = request.headers.get("if-match")


class ReadsOnly:
    """A dependency that says of a POST that it changes nothing and takes no Idempotency-Key."""

    async def __call__(self) -> None:
        return None


CHANGES = [Depends(IfMatch(always=True))]
"""The route changes what its caller has read."""
CHANGES_UNTAGGED = [Depends(IfMatch(always=True, tagged=False))]
"""The same, and the answer has no ETag."""
REPLACES = [Depends(IfMatch(always=False))]
"""The route creates, or replaces what its caller has read."""
READS_ONLY = [Depends(ReadsOnly())]
"""The route is a POST only because its question is long."""


def tagged(status: int = 200) -> dict[int | str, dict[str, Any]]:
    """For `responses` of a route that answers with an ETag and asks for none."""
    return {status: {"headers": _ETAG}}


def if_match(request: Request) -> str | None:
    """What the caller sent, on a route that takes it."""
    found: str | None = getattr(request.state, "if_match", None)
    return found


def _calls(dependant: Dependant) -> Iterator[object]:
    yield dependant.call
    for child in dependant.dependencies:
        yield from _calls(child)


def describe(operation: dict[str, Any], method: str, dependant: Dependant, *, keyed: bool) -> None:
    """Write the headers into a route's part of the OpenAPI document. keyed: its callers have tokens, so keys are theirs."""
    calls = list(_calls(dependant))
    matches = [call for call in calls if isinstance(call, IfMatch)]
    added: list[dict[str, Any]] = []
    if keyed and method in {"POST", "PUT", "DELETE"} and not any(isinstance(call, ReadsOnly) for call in calls):
        must = method == "POST"
        text = "A new value for each new request; a repeat with the same value has one effect and gets the same answer"
        added.append({**_IDEMPOTENCY_KEY, "required": must, "description": text + (" (400 without)" if must else "")})
    for match in matches:
        when = "428 without" if match.always else "428 without where the resource exists already"
        text = f"The ETag that was read, with its quotation marks, or * ({when}; 412 when it is not the newest)"
        added.append({**_IF_MATCH, "required": match.always, "description": text})
        if not match.always:
            operation["responses"].setdefault("201", {**operation["responses"]["200"], "description": "Created"})
        for status, response in operation["responses"].items():
            if match.tagged and status.startswith("2") and status != "204":
                response.setdefault("headers", {}).update(_ETAG)
    if added:
        operation["parameters"] = [*operation.get("parameters", []), *added]
