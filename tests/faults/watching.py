"""People's requests, remembered with their answers, so that the audit can be compared with what really happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
from tests.faults.reading import rows

from devstack.demo.callers import Answer, Callers

RECORDS = ("/v1/cases/", "/v1/appointments/", "/v1/engagements/", "/v1/employer/engagements/")
"""Reads of one person's record."""
CHANGES = (
    "SELECT actor, count(*) FROM audit WHERE granted AND action !~ '^(GET|HEAD) ' AND action LIKE '%% /v1/%%'"
    " AND resource = split_part(action, '/', 3) GROUP BY actor"
)
"""A change's row is named after its route; the look at the record before it, after the kind of record."""
READS = "SELECT actor, count(*) FROM audit WHERE granted AND action LIKE 'GET /v1/%%' GROUP BY actor"


class Watched(Callers):
    """changes: (service, client, Idempotency-Key) of every change that was accepted. reads: answered, by service and client."""

    def __init__(self, urls: Mapping[str, str], token_endpoint: str) -> None:
        super().__init__(urls, token_endpoint)
        self.changes: set[tuple[str, str, str]] = set()
        self.reads: Counter[tuple[str, str]] = Counter()
        self._clients: dict[str, str] = {}

    def token(self, client: Any) -> tuple[str, float]:
        """As `Callers.token`; whose it is is remembered."""
        token, until = super().token(client)
        self._clients[f"Bearer {token}"] = client.client_id
        return token, until

    def send(self, method: str, service: str, path: str, headers: Mapping[str, str], body: Any) -> Answer:
        """As `Callers.send`."""
        answer = super().send(method, service, path, headers, body)
        self._note(method, service, path, headers, answer.ok)
        return answer

    def noted(self, service: str, path: str, headers: Mapping[str, str], answer: httpx.Response) -> None:
        """A POST that was sent without `send`."""
        self._note("POST", service, path, headers, answer.is_success)

    def _note(self, method: str, service: str, path: str, headers: Mapping[str, str], ok: bool) -> None:
        client = self._clients[headers["Authorization"]]
        if not ok:
            return
        if method != "GET":
            self.changes.add((service, client, headers["Idempotency-Key"]))
        elif path.startswith(RECORDS):
            self.reads[service, client] += 1

    def unaudited(self, databases: Mapping[str, str]) -> Iterator[str]:
        """One row for each accepted change, at least one for each answered read of a record."""
        for service, url in databases.items():
            wanted = Counter(client for at, client, _ in self.changes if at == service)
            held = dict(rows(url, CHANGES))
            for client in sorted(wanted.keys() | held.keys()):
                if wanted[client] != held.get(client, 0):
                    yield f"{service}: {held.get(client, 0)} changes of {client} in the audit, {wanted[client]} were made"
            looked = dict(rows(url, READS))
            for (at, client), count in self.reads.items():
                if at == service and looked.get(client, 0) < count:
                    yield f"{service}: {looked.get(client, 0)} reads of {client} in the audit, {count} were answered"
