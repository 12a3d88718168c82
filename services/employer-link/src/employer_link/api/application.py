"""The API process: its connections, its callers' keys, its routes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import FastAPI

from employer_link.api import claimant, coach, employer
from employer_link.api.parts import Parts
from employer_link.model import Policy
from employer_link.profiles import EarningsNames
from employer_link.settings import Settings
from employer_link.targets import TargetPolicy
from streaming.clock import Clock
from streaming.crypto import FieldCipher
from streaming.database import pool
from streaming.health import EndOffsets, Health
from streaming.spec import Spec
from web import health as web_health
from web.app import create
from web.auth import Authenticator
from web.client import ServiceClient
from web.commands import PooledShell
from web.issuer import Issuer
from web.tokens import TokenSource


def build(settings: Settings, spec: Spec, policy: Policy, clock: Clock) -> FastAPI:
    """The application; nothing is connected before it starts."""
    cipher = FieldCipher(settings.field_key.get_secret_value())
    connections = pool(settings.employer_link_database_url, f"{spec.name} api")
    production = settings.environment == "production"
    tokens = TokenSource(
        settings.oidc_issuer, settings.employer_link_client_id, settings.employer_link_client_secret, ("profiles:read",)
    )
    earnings = ServiceClient(settings.earnings_url, tokens, timeout_s=2.0, attempts=2)
    parts = Parts(
        spec=spec,
        pool=connections,
        shell=PooledShell(spec, connections, clock, cipher),
        clock=clock,
        cipher=cipher,
        policy=policy,
        names=EarningsNames(earnings),
        targets=TargetPolicy(settings.private_targets),
    )
    health = Health(spec, clock, EndOffsets(settings.kafka_bootstrap_servers, list(spec.topics)))

    @contextmanager
    def resources() -> Iterator[None]:
        with connections, earnings:
            yield

    return create(
        title=spec.name,
        routers=[claimant.router(parts), coach.router(parts), employer.router(parts), web_health.router(health, connections)],
        authenticator=Authenticator(Issuer(settings.oidc_issuer, production=production)),
        production=production,
        open_resources=resources,
    )
