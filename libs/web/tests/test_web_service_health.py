"""Health says whether the process answers, whether its backends do, and whether everything known is done."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic
from live_server import serve
from psycopg import Connection
from psycopg_pool import ConnectionPool
from sample_service import SPEC, WallTime, create_tables, routes
from tests.support.documented_answers import Documented

from streaming import database
from streaming.health import EndOffsets, Health
from web import app as web_app
from web import health
from web.auth import Authenticator
from web.issuer import Issuer

TOPIC = "web.health"
"""Of its own: on the platform's topics other tests have left records, which this service would never have consumed."""


@contextmanager
def _serve(
    pool: ConnectionPool[Connection[Any]], bootstrap: str, issuer: str = "http://127.0.0.1:9", broker_timeout_s: float = 10
) -> Iterator[httpx.Client]:
    """Every answer is held against the API document."""
    state = Health(SPEC, WallTime(), EndOffsets(bootstrap, [TOPIC], timeout_s=broker_timeout_s))
    app = web_app.create(
        title="t",
        routers=[health.router(state, pool), routes(pool)],
        authenticator=Authenticator(Issuer(issuer)),
        production=False,
        open_resources=lambda: pool,
    )
    with serve(app) as client:
        client.event_hooks = {"response": [Documented(app.openapi())]}
        yield client


@pytest.fixture
def healthy(backends: Any, bootstrap: str) -> Iterator[tuple[httpx.Client, str]]:
    url = backends.postgres.create_database("web_health", replace=True)
    with Connection.connect(url, autocommit=True) as conn:
        create_tables(conn)
    admin = AdminClient({"bootstrap.servers": bootstrap})  # kept: a client that is collected never answers
    with suppress(KafkaException):  # an earlier test made it
        admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].result(30)
    with _serve(database.pool(url, "health"), bootstrap) as client:
        deadline = time.monotonic() + 20
        while client.get("/health/ready").status_code != 200:  # a topic made a moment ago may not have its leader yet
            assert time.monotonic() < deadline, "not ready in time"
            time.sleep(0.02)
        yield client, url


def test_a_healthy_service_is_live_and_ready_for_anybody(healthy: tuple[httpx.Client, str]) -> None:
    client, _ = healthy
    assert client.get("/health/live").status_code == 200
    assert client.get("/health/ready").json() == {"status": "ready"}


def test_it_is_drained_when_nothing_waits_and_not_before(healthy: tuple[httpx.Client, str]) -> None:
    client, url = healthy
    with Connection.connect(url, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO outbox (topic, key, id, type, subject, value, causation_id, correlation_id, time)"
            " VALUES ('t', 'k', 'i', 'x', 's', '', 'c', 'r', now())"
        )
        waiting = client.get("/health/drained")
        conn.execute("DELETE FROM outbox")
    done = client.get("/health/drained")
    assert (waiting.status_code, waiting.json()["drained"], waiting.json()["outbox"]) == (503, False, 1)
    assert (done.status_code, done.json()["drained"], done.json()["outbox"]) == (200, True, 0)
    assert isinstance(done.json()["work"], int)


def test_without_its_database_a_service_is_live_but_not_ready_and_refuses_reads(bootstrap: str, shared_issuer: Any) -> None:
    pool: ConnectionPool[Connection[Any]] = ConnectionPool(
        "host=127.0.0.1 port=9 connect_timeout=1", min_size=1, open=False, timeout=0.2, kwargs={"autocommit": True}
    )
    with _serve(pool, bootstrap, shared_issuer.url) as client:
        assert client.get("/health/live").status_code == 200
        assert client.get("/health/ready").status_code == 503
        assert client.get("/health/drained").status_code == 503
        answer = client.get("/v1/cases", headers={"Authorization": f"Bearer {shared_issuer.token()}"})
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert "retry-after" in answer.headers


def test_without_its_broker_a_service_is_neither_ready_nor_drained(sample_database: str) -> None:
    with _serve(database.pool(sample_database, "health"), "127.0.0.1:9", broker_timeout_s=0.5) as client:
        assert client.get("/health/live").status_code == 200
        assert client.get("/health/ready").status_code == 503
        assert client.get("/health/drained").status_code == 503
