"""The composition root: builds the service's Spec and its API from their parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI

from employer_link import consumers, store, timers
from employer_link.api import claimant, coach, employer
from employer_link.api.parts import Parts
from employer_link.model import Claim, Claimant, Coach, Delivery, Employer, Office, Policy
from employer_link.policy_files import load
from employer_link.profiles import EarningsNames
from employer_link.settings import Settings
from employer_link.targets import TargetPolicy
from streaming.clock import Clock, make_clock
from streaming.crypto import FieldCipher
from streaming.database import pool
from streaming.health import EndOffsets, Health
from streaming.records import Root
from streaming.spec import Kind, Spec
from web import health as web_health
from web.app import create
from web.auth import Authenticator
from web.client import ServiceClient
from web.commands import PooledShell
from web.issuer import Issuer
from web.tokens import TokenSource

NAME = "employer-link"

KINDS = (
    Kind("claim", Claim),
    Kind("claimant", Claimant),
    Kind("employer", Employer),
    Kind("delivery", Delivery),
    Kind("coach", Coach),
    Kind("office", Office),
)
"""Lock order. The claim comes before the person: whoever reads or sets a person's hard stop holds a claim of theirs, so the
stop is read after the claim's lock was had, never before it."""


def links(kind: str, doc: Any) -> Sequence[Root]:
    """With a claim: the hard stops of those who consented, and the employers with whom something is open."""
    if kind != "claim":
        return ()
    claim: Claim = doc
    people = {("claimant", consent.claimant_id) for consent in claim.consents.values()}
    employers = {("employer", e.employer_id) for e in claim.engagements.values() if e.state != "closed"}
    return sorted(people | employers)


def build_spec(policy: Policy | None = None) -> Spec:
    """The service as the shell sees it."""
    numbers = policy or load()
    return Spec(
        name=NAME,
        kinds=KINDS,
        topics=dict.fromkeys(consumers.HANDLED, consumers.prepare),
        handle=lambda work, item: consumers.handle(work, item, numbers),
        fire=lambda work, due: timers.fire(work, due, numbers),
        links=links,
        project=store.project,
        pending=store.pending,
    )


def build_api(settings: Settings, clock: Clock | None = None) -> FastAPI:
    """The HTTP API with its parts. clock: the platform's, unless a test brings its own."""
    spec = build_spec()
    clock = clock or make_clock(settings)
    cipher = FieldCipher(settings.field_key.get_secret_value())
    connections = pool(settings.employer_link_database_url, f"{NAME} api")
    production = settings.environment == "production"
    authenticator = Authenticator(Issuer(settings.oidc_issuer, production=production))
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
        policy=load(),
        names=EarningsNames(earnings),
        targets=TargetPolicy(settings.private_targets),
    )
    health = Health(spec, clock, EndOffsets(settings.kafka_bootstrap_servers, list(spec.topics)))

    @contextmanager
    def resources() -> Iterator[None]:
        with connections, earnings:
            yield

    return create(
        title="employer-link",
        routers=[claimant.router(parts), coach.router(parts), employer.router(parts), web_health.router(health, connections)],
        authenticator=authenticator,
        production=production,
        open_resources=resources,
    )
