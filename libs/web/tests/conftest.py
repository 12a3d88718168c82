"""Fixtures of the HTTP library's tests: a real issuer, a real database, a served application."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from psycopg import Connection
from psycopg_pool import ConnectionPool

from devstack.backends import Backends
from streaming import database
from web import app as web_app
from web.auth import Authenticator
from web.issuer import Issuer

sys.path.insert(0, str(Path(__file__).parent))
import sample_service
from live_server import serve
from local_issuer import LocalIssuer

_numbers = itertools.count()


@pytest.fixture(scope="session")
def shared_issuer() -> Iterator[LocalIssuer]:
    with LocalIssuer() as issuer:
        yield issuer


@pytest.fixture
def own_issuer() -> Iterator[LocalIssuer]:
    """An issuer that the test may stop or change."""
    with LocalIssuer() as issuer:
        yield issuer


@pytest.fixture(scope="session")
def sample_database(backends: Backends) -> str:
    url = backends.postgres.create_database("web_sample", replace=True)
    with psycopg.connect(url, autocommit=True) as conn:
        sample_service.create_tables(conn)
    return url


@pytest.fixture(scope="session")
def sample_app(sample_database: str, shared_issuer: LocalIssuer) -> FastAPI:
    pool: ConnectionPool[Connection[Any]] = database.pool(sample_database, "sample api", size=16)
    return web_app.create(
        title="Sample",
        routers=[sample_service.routes(pool)],
        authenticator=Authenticator(Issuer(shared_issuer.url)),
        production=False,
        open_resources=lambda: pool,
        body_timeout_s=1.5,
    )


@pytest.fixture(scope="session")
def sample(sample_app: FastAPI) -> Iterator[httpx.Client]:
    """A client of the sample service."""
    with serve(sample_app) as client:
        yield client


@pytest.fixture
def db(sample_database: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(sample_database, autocommit=True) as conn:
        yield conn


@pytest.fixture
def case(db: Connection[Any]) -> sample_service.Case:
    """A new case of office-1."""
    number = next(_numbers)
    made = sample_service.Case(f"case-{number:04}", f"claimant-{number}", "office-1")
    sample_service.store_case(db, made)
    return made


@pytest.fixture
def coach(shared_issuer: LocalIssuer) -> dict[str, str]:
    """Headers of a coach of office-1."""
    token = shared_issuer.token(scope="coach", client_id="coach-1", sub="coach-1", coach_id="coach-1", office_ids=["office-1"])
    return {"Authorization": f"Bearer {token}"}
