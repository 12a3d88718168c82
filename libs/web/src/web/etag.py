"""Entity tags: a strong hash of what the caller sees, so that any visible change is another tag."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from fastapi import Request
from starlette.responses import Response


def of(view: Any) -> str:
    """The ETag of a view (JSON-like values), quoted as the header wants it. Key order does not matter."""
    digest = hashlib.sha256(msgspec.json.encode(view, order="deterministic")).hexdigest()
    return f'"{digest[:32]}"'


def response(request: Request, view: Any) -> Response:
    """200 with the view and its ETag, or 304 when the caller already has it (If-None-Match)."""
    tag = of(view)
    known = [item.strip().removeprefix("W/") for item in request.headers.get("if-none-match", "").split(",")]
    if tag in known or "*" in known:
        return Response(status_code=304, headers={"ETag": tag})
    return Response(msgspec.json.encode(view), headers={"ETag": tag}, media_type="application/json")
