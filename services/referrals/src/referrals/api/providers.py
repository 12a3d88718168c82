"""`/v1/providers`: the catalogue that local managers keep, and what a district has."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from referrals import store
from referrals.api import answers
from referrals.api.care_bodies import NewProvider
from referrals.api.context import Context
from referrals.desk import PROVIDER
from referrals.rules.support import Provider
from streaming import documents
from streaming.errors import Refused
from streaming.work import Reply, Work
from web import commands, etag, headers, pages
from web.answers import described
from web.auth import require
from web.pages import Page
from web.principal import Principal

Reader = Annotated[Principal, Depends(require("coach", "team-leader", "decision-maker", "operator", "analyst"))]
Writer = Annotated[Principal, Depends(require("team-leader", "operator"))]
Text = Annotated[str | None, Query(max_length=128)]


def router(context: Context) -> APIRouter:
    """Read, list and put providers."""
    routes = APIRouter(prefix="/v1/providers", tags=["support"])

    @routes.get("", responses=answers.described(answers.Page[answers.ProviderView]))
    def listed(
        principal: Reader,
        page: Annotated[Page, Depends(pages.page)],
        type: Text = None,
        district: Text = None,
        open: bool | None = None,
    ) -> Any:
        """Providers by id; a district's list holds those that serve every district too."""
        after = page.after(str)
        with context.connection() as conn:
            rows = store.providers(conn, type, district, open, after[0] if after is not None else "", context.today, page.fetch)
        return page.body(rows, key=lambda row: [row[0]], item=lambda row: msgspec.json.decode(row[1]))

    @routes.get("/{provider_id}", responses=described(answers.ProviderView, tagged=True))
    def read(provider_id: str, request: Request, principal: Reader) -> Response:
        """One provider."""
        with context.connection() as conn:
            found = documents.read(conn, context.spec, PROVIDER, provider_id)
        if found is None:
            raise Refused(404, "not-found")
        return etag.response(request, msgspec.to_builtins(found))

    @routes.put("/{provider_id}", responses=described(answers.ProviderView), dependencies=headers.REPLACES)
    def put(provider_id: str, body: NewProvider, request: Request, principal: Writer) -> Response:
        """Create or replace a provider; a change needs If-Match."""

        def act(work: Work) -> Reply:
            known: Provider | None = work.get(PROVIDER, provider_id)
            if known is not None:
                work.require_match(etag.of(msgspec.to_builtins(known)))
            version = known.version + 1 if known is not None else 1
            now = msgspec.convert({**body.model_dump(), "provider_id": provider_id, "version": version}, Provider)
            work.put(PROVIDER, provider_id, now)
            view = msgspec.to_builtins(now)
            return Reply(200 if known is not None else 201, view, {"ETag": etag.of(view)})

        return commands.run(request, principal, context.shell, roots=[(PROVIDER, provider_id)], act=act)

    return routes
