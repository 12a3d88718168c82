"""The composition root: every part is wired here, and nowhere else."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from fastapi import FastAPI

from contracts.reference import CoachChanged, OfficeChanged
from referrals import consumers, store, timers
from referrals.api import (
    cases,
    decisions,
    flag_holds,
    outcomes,
    providers,
    reference,
    support,
    told_in_error,
    what_if,
    worklist,
)
from referrals.api.context import Context
from referrals.breaker.holding import HOLD, HoldAnswer
from referrals.breaker.watch import Watch
from referrals.desk import COACH, FILTERS, KIND, OFFICE, PROVIDER, SEAT, Setup
from referrals.model import ClaimDoc, SavedFilters, Seat
from referrals.policy_files import sets_of
from referrals.rules.support import Provider
from referrals.settings import ReferralsSettings
from referrals.setups import setup_of
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
    Kind(HOLD, HoldAnswer),
)


def setup(policy_dir: Path | None = None) -> Setup:
    """The policy in force: of the deployment's folder, else as shipped."""
    return setup_of(sets_of(policy_dir))


def build_spec(settings: ReferralsSettings) -> Spec:
    """The service as the shell sees it."""
    made = setup(settings.referrals_policy_dir)
    cipher, watch = FieldCipher(settings.field_key.get_secret_value()), Watch(made.book)
    return Spec(
        name=NAME,
        kinds=KINDS,
        topics=consumers.inbound(),
        handle=partial(consumers.handle, made),
        fire=partial(timers.fire, made),
        project=store.projection(cipher, (made.book, *(book for _, book in made.earlier)), watch),
        glance=watch.glance,
    )


def build_api(settings: ReferralsSettings) -> FastAPI:
    """The HTTP application; needs no backend until it is started."""
    spec, clock = build_spec(settings), make_clock(settings)
    cipher = FieldCipher(settings.field_key.get_secret_value())
    connections = pool(settings.referrals_database_url, f"{NAME} api")
    context = Context(
        spec=spec,
        setup=setup(settings.referrals_policy_dir),
        policy_dir=settings.referrals_policy_dir,
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
            told_in_error.router(context),
            what_if.router(context),
            flag_holds.router(context),
            outcomes.router(context),
            health.router(answers, connections),
        ],
        authenticator=Authenticator(Issuer(settings.oidc_issuer)),
        production=settings.environment == "production",
        open_resources=lambda: connections,
    )
