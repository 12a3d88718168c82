"""Ids with a slash in a path. Ids are opaque, so `a/b` is one, sent as `a%2Fb`; servers decode the path before it is routed, and
the id would look like two parts. The slash is kept apart until the route is found."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from starlette.convertors import StringConvertor, register_url_convertor
from starlette.types import ASGIApp, Receive, Scope, Send

APART = "\ufffe"
"""No character (Unicode sets it aside), so no id contains it."""
_SENT = re.compile("%2[fF]")


class IdConvertor(StringConvertor):
    """What a part of a path says; starlette's own, but for the slash."""

    def convert(self, value: str) -> str:
        return value.replace(APART, "/")


register_url_convertor("str", IdConvertor())


class SlashesInIds:
    """Middleware, the outermost."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; only a path with an encoded slash is touched."""
        raw = scope.get("raw_path", b"").decode("latin-1") if scope["type"] == "http" else ""
        if _SENT.search(raw):
            scope = {**scope, "path": unquote(_SENT.sub(quote(APART), raw))}
        await self._app(scope, receive, send)
