"""employer-link on a real database behind real HTTP, with an issuer, and an earnings that knows two people's names."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import httpx
import msgspec
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from tests.support.documented_answers import Documented

from contracts import earnings, envelope, ids, referrals, topics
from devstack import credentials
from devstack.layout import FIELD_KEY
from devstack.sandboxes import issuer
from employer_link.delivery import Post
from employer_link.main import build_api, build_spec
from employer_link.senders import Sender
from employer_link.settings import Settings
from employer_link.targets import TargetPolicy
from streaming import database
from streaming.crypto import FieldCipher
from streaming.records import Chunk, PreparedChunk, Record
from streaming.unit_of_work import ApplyResult, UnitOfWork

SCHEME = "123/A246"
OTHER_SCHEME = "456/BZ1357"
START = datetime(2026, 6, 1, 9, tzinfo=UTC)


class SetClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.value = START

    def now(self) -> datetime:
        return self.value


class Served:
    """An ASGI application on a port of its own."""

    def __init__(self, app: Any, listening: socket.socket) -> None:
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self._listening = listening
        self._server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on", timeout_graceful_shutdown=2))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listening]})
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            assert self._thread.is_alive(), "the server stopped while starting"
            assert time.monotonic() < deadline, "the server did not start in time"
            time.sleep(0.005)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._listening.close()


def listen() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


class EarningsDouble:
    """Answers `POST /v1/claimants/profiles` as earnings does; `down` makes it fail, `asked` counts."""

    def __init__(self) -> None:
        self.down = False
        self.asked: list[dict[str, Any]] = []
        self.app = FastAPI()

        @self.app.post("/v1/claimants/profiles")
        async def profiles(request: Request) -> JSONResponse:
            if self.down:
                return JSONResponse({"code": "unavailable"}, 503)
            assert request.headers["authorization"].startswith("Bearer ")
            body = await request.json()
            self.asked.append(body)
            return JSONResponse({"items": [self._profile(claimant_id) for claimant_id in body["claimant_ids"]]})

    def _profile(self, claimant_id: str) -> dict[str, Any]:
        jobs = [
            {"employment_id": "j-1", "employer_id": employer_of(SCHEME), "payroll_id": "PAY-7", "ended_on": None},
            {"employment_id": "j-9", "employer_id": "elsewhere", "payroll_id": "SECRET-9", "ended_on": None},
        ]
        return {"claimant_id": claimant_id, "name": "Quinn Quartz", "employments": jobs}


class Hook:
    """An employer's endpoint: keeps what it is sent and answers what it is told to."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                hook.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                status, headers = hook.answers.pop(0) if hook.answers else (200, {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def employer_of(scheme: str) -> str:
    return ids.employer_id(scheme)


class RunningLink:
    """Everything of one test. Roles: claimant, other-claimant, coach, far-coach, employer, other-employer, operator."""

    def __init__(self, database_url: str, bootstrap: str, folder: Path) -> None:
        self.clock = SetClock()
        self.earnings = EarningsDouble()
        self.employer_id = employer_of(SCHEME)
        self._numbers = itertools.count(1)
        self._offsets: dict[str, int] = {}
        self._database_url = database_url
        self._bootstrap = bootstrap
        self._folder = folder
        self._tokens: dict[str, str] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        listening = listen()
        self.issuer_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self._clients = [
            credentials.client("claimant", "claimant", claimant_id="cl-1"),
            credentials.client("other-claimant", "claimant", claimant_id="cl-2"),
            credentials.client("coach", "coach", coach_id="co-1", office_ids=("of-1",)),
            credentials.client("far-coach", "coach", coach_id="co-9", office_ids=("of-9",)),
            credentials.client("employer", "employer", paye_references=(SCHEME,)),
            credentials.client("other-employer", "employer", paye_references=(OTHER_SCHEME,)),
            credentials.client("operator", "operator"),
            credentials.client("employer-link", "profiles:read", "claims:read", secret="own"),
        ]
        credentials.write(self._folder, self.issuer_url, self._clients)
        self._serve(issuer.create(self.issuer_url, self._folder / credentials.FILE), listening)
        names = self._serve(self.earnings.app, listen())
        self.hook = Hook()
        self._stack.callback(self.hook.stop)
        self.settings = Settings.model_validate(
            {
                "environment": "test",
                "kafka_bootstrap_servers": self._bootstrap,
                "field_key": FIELD_KEY,
                "oidc_issuer": self.issuer_url,
                "employer_link_database_url": self._database_url,
                "earnings_url": names.url,
                "employer_link_client_id": "employer-link",
                "employer_link_client_secret": "own",
                "webhook_allowed_hosts": f"127.0.0.1:{self.hook.port}",
            }
        )
        self.cipher = FieldCipher(FIELD_KEY)
        connect = database.connector(self._database_url, "test")
        self.unit = UnitOfWork(build_spec(), connect, self.clock, self.cipher)
        self._stack.callback(self.unit.close)
        api = self._serve(build_api(self.settings, self.clock), listen())
        self.answers = Documented.of("employer-link")
        hooks: dict[str, list[Any]] = {"response": [self.answers]}
        self.http = self._stack.enter_context(httpx.Client(base_url=api.url, timeout=10, event_hooks=hooks))
        return self

    def reset(self) -> None:
        """Empty tables, the first day, earnings up."""
        tables = [name for (name,) in self.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        self.unit.conn.execute(f"TRUNCATE {', '.join(set(tables) - {'alembic_version'})}")
        for topic in self.unit.spec.topics:
            self.unit.start(topic, 0, 0, "id")
        self._offsets.clear()
        self.clock.value = START
        self.earnings.down = False
        self.earnings.asked.clear()
        self.hook.got.clear()
        self.hook.answers.clear()
        self.answers.seen.clear()

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _serve(self, app: Any, listening: socket.socket) -> Served:
        served = Served(app, listening)
        self._stack.callback(served.stop)
        return served

    # ---- what other services publish ----

    def hears(self, topic: str, event: msgspec.Struct, *, key: str | None = None, event_id: str | None = None) -> ApplyResult:
        """One event through prepare, unit of work and database."""
        offset = self._offsets.get(topic, 0)
        self._offsets[topic] = offset + 1
        key = key or event.claim_id  # type: ignore[attr-defined]
        name = type(event).__name__
        number = event_id or f"event-{next(self._numbers)}"
        headers = envelope.headers(
            id=number,
            type=name,
            source="test",
            subject=key,
            time=self.clock.now(),
            partition_key=key,
            causation_id=number,
            correlation_id=number,
        )
        record = Record(topic, 0, offset, 0, key.encode(), msgspec.json.encode(event), tuple(headers))
        chunk = Chunk(topic, 0, offset, offset + 1, 1, [record])
        return self.unit.apply([PreparedChunk(chunk, list(self.unit.spec.topics[topic]([record])))])

    def snapshot(self, version: int, *people: str, kind: Any = earnings.ClaimChanged, **changes: Any) -> None:
        """A snapshot of claim c-1; people are looked after by coach co-1 in office of-1; changes say otherwise."""
        place = {"coach_id": changes.pop("coach_id", "co-1"), "office_id": changes.pop("office_id", "of-1")}
        claim_id = changes.pop("claim_id", "c-1")
        claimants = tuple(
            earnings.ClaimClaimant(claimant_id=person, **place, self_employed=False, dead=False, nino_known=True)
            for person in people
        )
        claim = earnings.Claim(
            claim_id=claim_id,
            version=version,
            couple=len(people) > 1,
            entitlement_date=date(2026, 1, 12),
            payment_day=12,
            claimants=claimants,
            status=changes.pop("status", "open"),
        )
        self.hears(topics.EARNINGS_CIRCUMSTANCES, kind(claim_id=claim_id, claim=claim, **changes))

    def known_case(self) -> None:
        """A claim with two people, the first of whom has a job with the employer and an open case."""
        self.snapshot(1, "cl-1", "cl-2", kind=earnings.ClaimOpened)
        self.hears(
            topics.EARNINGS_PAYMENT,
            earnings.EmploymentStarted(
                claim_id="c-1",
                claimant_id="cl-1",
                employment_id="j-1",
                employer_id=self.employer_id,
                employer_name="Quartz & Sons",
                started_on=date(2026, 1, 5),
                frequency="M1",
            ),
        )
        self.hears(
            topics.PROGRESSION_CASE,
            referrals.CaseOpened(
                case_id="k-1", claim_id="c-1", claimant_id="cl-1", coach_id="co-1", office_id="of-1", flag_id="f-1"
            ),
        )

    # ---- callers ----

    def token(self, role: str) -> str:
        if role not in self._tokens:
            secret = next(client.client_secret for client in self._clients if client.client_id == role)
            form = {"grant_type": "client_credentials", "client_id": role, "client_secret": secret}
            self._tokens[role] = httpx.post(f"{self.issuer_url}/token", data=form).json()["access_token"]
        return self._tokens[role]

    def call(
        self,
        role: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        match: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        sent = {"Authorization": f"Bearer {self.token(role)}", **(headers or {})}
        if method == "POST":
            sent["Idempotency-Key"] = key or f"key-{next(self._numbers)}"
        if match is not None:
            sent["If-Match"] = match
        return self.http.request(method, path, json=body, headers=sent)

    def get(self, role: str, path: str, **params: Any) -> httpx.Response:
        return self.http.get(path, params=params, headers={"Authorization": f"Bearer {self.token(role)}"})

    def change(
        self, role: str, method: str, path: str, body: Any = None, *, of: str | None = None, **more: Any
    ) -> httpx.Response:
        """A change with the ETag of the resource `of`, read first by the same caller."""
        match = None if of is None else self.get(role, of).headers["etag"]
        return self.call(role, method, path, body, match=match, **more)

    # ---- a short way to somewhere ----

    def consent(self, *fields: str, days: int = 90) -> str:
        body = {
            "claimant_id": "cl-1",
            "employer_id": self.employer_id,
            "fields": list(fields) or ["employee_name", "payroll_id", "ask", "coach_contact", "plan"],
            "purpose": "more_hours",
            "expires_on": (self.clock.now().date() + timedelta(days=days)).isoformat(),
            "wording_version": "1",
        }
        given = self.call("claimant", "POST", "/v1/consents", body)
        assert given.status_code == 201, given.text
        return str(given.json()["consent_id"])

    def opened(self, consent_id: str | None = None) -> str:
        consent_id = consent_id or self.consent()
        body = {"case_id": "k-1", "employer_id": self.employer_id, "consent_id": consent_id, "ask": "more_hours"}
        opened = self.call("coach", "POST", "/v1/engagements", body)
        assert opened.status_code == 201, opened.text
        return str(opened.json()["engagement_id"])

    def move(self, role: str, engagement_id: str, name: str, body: Any = None) -> httpx.Response:
        base = "/v1/employer/engagements" if role.endswith("employer") else "/v1/engagements"
        path = f"{base}/{engagement_id}"
        return self.change(role, "POST", f"{path}/{name}", body or {}, of=path)

    def shared(self, consent_id: str | None = None) -> str:
        engagement_id = self.opened(consent_id)
        done = self.move("coach", engagement_id, "share")
        assert done.status_code == 200, done.text
        return engagement_id

    def agreed(self) -> str:
        engagement_id = self.shared()
        for role, name, body in (
            ("employer", "answer", {"answer": "more_hours"}),
            ("claimant", "approve", None),
            ("employer", "approve", None),
            ("coach", "approve", None),
        ):
            done = self.move(role, engagement_id, name, body)
            assert done.status_code == 200, done.text
        return engagement_id

    def employer_view(self, engagement_id: str, role: str = "employer") -> httpx.Response:
        return self.get(role, f"/v1/employer/engagements/{engagement_id}")

    # ---- what happened ----

    def later(self, **span: int) -> None:
        """The clock moves on and everything due fires."""
        self.clock.value += timedelta(**span)
        while self.unit.fire_due():
            pass

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.unit.conn.execute(query, values).fetchall()

    def stored(self, table: str, where: str = "true") -> str:
        """Everything a table holds, as text."""
        return str(self.rows(f"SELECT * FROM {table} WHERE {where}"))  # noqa: S608 - a test's own names

    def published(self) -> list[tuple[str, dict[str, Any]]]:
        rows = self.rows("SELECT type, value FROM outbox ORDER BY seq")
        return [(kind, msgspec.json.decode(value)) for kind, value in rows]

    def names(self) -> list[str]:
        return [kind for kind, _ in self.published()]

    @contextmanager
    def sender(self, *, guarded: bool = False) -> Iterator[Sender]:
        """One sending thread. guarded: without the exemption for this machine's own port."""
        allowed = frozenset() if guarded else self.settings.private_targets
        post = Post(TargetPolicy(allowed), 2.0)
        try:
            yield Sender(self.unit, post, self.cipher)
        finally:
            post.close()

    def sends(self, **how: bool) -> int:
        """Send whatever is due; how many went on."""
        with self.sender(**how) as sender:
            return sender.step()

    def webhook(self, role: str = "employer") -> dict[str, Any]:
        """Register the hook; the answer with its secret."""
        made = self.call(role, "POST", "/v1/employer/webhooks", {"url": self.hook.url})
        assert made.status_code == 201, made.text
        return dict(made.json())
