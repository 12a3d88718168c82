"""The composition root: everything is built here and passed down."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache

import httpx
from fastapi import FastAPI

from earnings import consumers, kinds, policy_file, store, timers
from earnings.api import claimants, claims, determinations, intake, queries
from earnings.api.parts import Parts
from earnings.intake.data_keys import DataKeys
from earnings.intake.identity import Pseudonyms
from earnings.intake.prepare import Intake
from earnings.refresh import Judge
from earnings.settings import Settings
from streaming.clock import make_clock
from streaming.crypto import FieldCipher
from streaming.database import pool
from streaming.health import EndOffsets, Health
from streaming.spec import Spec
from web import health as web_health
from web.app import create
from web.auth import Authenticator
from web.commands import PooledShell
from web.issuer import Issuer

NAME = "earnings"
POLICY_DAY = date(2026, 4, 1)
"""The rule set's day: parameters in force then. A later set is a dated entry of the policy file and a new day here."""


def build_judge(settings: Settings) -> Judge:
    """The rules' parameters."""
    return Judge(policy_file.load(POLICY_DAY, settings.attribution_basis, settings.correction_basis), settings.backfill)


def build_intake(settings: Settings) -> Intake:
    """What turns records into facts. The connection to the data key service opens with the first unknown key."""

    @cache
    def http() -> httpx.Client:
        return httpx.Client(base_url=settings.data_key_service_url, timeout=settings.data_key_timeout_s)

    return Intake(
        DataKeys(http, time.sleep),
        Pseudonyms(base64.b64decode(settings.pseudonym_key.get_secret_value()), production=settings.production),
        FieldCipher(settings.field_key.get_secret_value()),
    )


def build_spec(settings: Settings) -> Spec:
    """The service as the shell sees it."""
    judge = build_judge(settings)
    return Spec(
        name=NAME,
        kinds=kinds.KINDS,
        topics=build_intake(settings).topics(),
        handle=consumers.handler(judge),
        fire=timers.firing(judge),
        links=kinds.links,
        journal=consumers.journal,
        project=store.project,
    )


def build_api(settings: Settings) -> FastAPI:
    """The HTTP API with its parts."""
    spec = build_spec(settings)
    clock = make_clock(settings)
    cipher = FieldCipher(settings.field_key.get_secret_value())
    connections = pool(settings.earnings_database_url, f"{NAME} api")
    parts = Parts(
        spec=spec,
        pool=connections,
        shell=PooledShell(spec, connections, clock, cipher),
        clock=clock,
        cipher=cipher,
        judge=build_judge(settings),
    )
    health = Health(spec, clock, EndOffsets(settings.kafka_bootstrap_servers, list(spec.topics)))

    @contextmanager
    def resources() -> Iterator[None]:
        with connections:
            yield

    return create(
        title=NAME,
        routers=[
            claims.router(parts),
            claimants.router(parts),
            intake.router(parts),
            queries.router(parts),
            determinations.router(parts),
            web_health.router(health, connections),
        ],
        authenticator=Authenticator(Issuer(settings.oidc_issuer, production=settings.production)),
        production=settings.production,
        open_resources=resources,
    )
