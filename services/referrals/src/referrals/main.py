"""The composition root: every part is wired here, and nowhere else."""

from __future__ import annotations

from functools import partial

from fastapi import FastAPI

from contracts.reference import CoachChanged, OfficeChanged
from referrals import consumers, store, timers
from referrals.api import cases, decisions, providers, reference, support, worklist
from referrals.api.context import Context
from referrals.desk import COACH, FILTERS, KIND, OFFICE, PROVIDER, SEAT, Setup
from referrals.model import ClaimDoc, SavedFilters, Seat
from referrals.policy_files import book_of, shipped
from referrals.rules.support import Provider
from referrals.settings import ReferralsSettings
from referrals.support_files import catalogue
from streaming.clock import make_clock
from streaming.crypto import FieldCipher
from streaming.database import pool
from streaming.health import EndOffsets, Health
from streaming.spec import Kind, Spec
from web import health
from web.app import create
from web.auth import Authenticator
from web.commands import PooledShell
from web.issuer import Issuer

NAME = "referrals"
KINDS = (
    Kind(SEAT, Seat),
    Kind(KIND, ClaimDoc),
    Kind(COACH, CoachChanged),
    Kind(OFFICE, OfficeChanged),
    Kind(FILTERS, SavedFilters),
    Kind(PROVIDER, Provider),
)


def setup() -> Setup:
    """The policy in force."""
    rules = shipped()
    return Setup(policy=rules.policy, book=book_of(rules), support=catalogue())


def build_spec(settings: ReferralsSettings) -> Spec:
    """The service as the shell sees it."""
    made = setup()
    cipher = FieldCipher(settings.field_key.get_secret_value())
    return Spec(
        name=NAME,
        kinds=KINDS,
        topics=consumers.inbound(),
        handle=partial(consumers.handle, made),
        fire=partial(timers.fire, made),
        project=store.projection(cipher, made.book),
    )


def build_api(settings: ReferralsSettings) -> FastAPI:
    """The HTTP application; needs no backend until it is started."""
    spec, clock = build_spec(settings), make_clock(settings)
    cipher = FieldCipher(settings.field_key.get_secret_value())
    connections = pool(settings.referrals_database_url, f"{NAME} api")
    context = Context(
        spec=spec,
        setup=setup(),
        pool=connections,
        shell=PooledShell(spec, connections, clock, cipher),
        clock=clock,
        cipher=cipher,
    )
    answers = Health(spec, clock, EndOffsets(settings.kafka_bootstrap_servers, list(spec.topics)))
    return create(
        title="Referrals: the progression service",
        routers=[
            worklist.router(context),
            cases.router(context),
            support.router(context),
            providers.router(context),
            decisions.router(context),
            reference.router(context),
            health.router(answers, connections),
        ],
        authenticator=Authenticator(Issuer(settings.oidc_issuer)),
        production=settings.environment == "production",
        open_resources=lambda: connections,
    )
