"""The API process: its routes, and what they run on."""

from __future__ import annotations

from fastapi import FastAPI

from notifications.api import appointments, calendars, messages
from notifications.api.context import Api
from notifications.main import build_setup, build_spec
from notifications.settings import NAME, Settings
from streaming.clock import make_clock
from streaming.database import pool
from streaming.health import EndOffsets, Health
from web import app, health
from web.auth import Authenticator
from web.commands import PooledShell
from web.issuer import Issuer

POOL_SIZE = 8


def build_api(settings: Settings) -> FastAPI:
    """The application; its connections are opened before the first request."""
    setup, spec, clock = build_setup(settings), build_spec(settings), make_clock(settings)
    production = settings.environment == "production"
    connections = pool(settings.notifications_database_url, f"{NAME} api", POOL_SIZE)
    api = Api(
        spec=spec,
        setup=setup,
        clock=clock,
        pool=connections,
        shell=PooledShell(spec, connections, clock, setup.cipher),
        receipts_token=settings.notify_receipts_token.get_secret_value(),
    )
    ends = EndOffsets(settings.kafka_bootstrap_servers, list(spec.topics))
    return app.create(
        title="Notifications",
        routers=[
            calendars.router(api),
            appointments.router(api),
            messages.router(api),
            health.router(Health(spec, clock, ends), connections),
        ],
        authenticator=Authenticator(Issuer(settings.oidc_issuer, production=production)),
        production=production,
        open_resources=lambda: connections,
    )
