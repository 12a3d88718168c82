"""The committed API documents are what the code serves, say what answers hold, and name the headers that a change needs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from web.openapi import unsaid

SERVICES = Path(__file__).parents[2] / "services"
NAMES = ("earnings", "employer_link", "notifications", "referrals")
WITHOUT_KEY = {"POST /v1/claimants/profiles", "POST /v1/notify/receipts"}
"""A long question, and a provider's receipts, which carry ids of their own."""
NOTHING_READ = {
    "POST /v1/appointments", "POST /v1/cases/bulk-assign", "POST /v1/claimants/{claimant_id}/contest",
    "POST /v1/claimants/{claimant_id}/contest/close", "POST /v1/claims/{claim_id}/determinations",
    "POST /v1/claims/{claim_id}/queries", "POST /v1/consents", "POST /v1/employer/webhooks", "POST /v1/engagements",
    "POST /v1/what-if",
}  # fmt: skip
"""Changes that make something new, or name the version that was seen in the body."""
Operations = dict[str, dict[str, Any]]


def document(name: str) -> dict[str, Any]:
    """As committed."""
    found: dict[str, Any] = json.loads((SERVICES / name.replace("_", "-") / "openapi.json").read_text(encoding="utf-8"))
    return found


def headers(operation: dict[str, Any]) -> dict[str, bool]:
    """Name → whether it is required."""
    return {one["name"]: one["required"] for one in operation.get("parameters", []) if one["in"] == "header"}


@pytest.fixture(scope="module")
def operations() -> Operations:
    found = {}
    for name in NAMES:
        for path, methods in document(name)["paths"].items():
            found |= {f"{method.upper()} {path}": operation for method, operation in methods.items()}
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_document_is_current(name: str) -> None:
    # A process each, as `make generate` has: `typing` keeps one order of equal literals, that of the first service.
    done = subprocess.run([sys.executable, "-m", name, "openapi", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_the_form_of_every_answer_is_documented(name: str) -> None:
    assert unsaid(document(name)) == []


def test_every_post_that_changes_something_needs_an_idempotency_key(operations: Operations) -> None:
    posts = {place: operation for place, operation in operations.items() if place.startswith("POST ")}
    assert {place for place, operation in posts.items() if not headers(operation).get("Idempotency-Key")} == WITHOUT_KEY


def test_every_change_of_what_exists_takes_if_match_and_reading_it_gives_the_tag(operations: Operations) -> None:
    changes = {place: operation for place, operation in operations.items() if not place.startswith("GET ")}
    silent = {place for place, operation in changes.items() if "If-Match" not in headers(operation)}
    assert silent == WITHOUT_KEY | NOTHING_READ
    for place in changes.keys() - silent:
        path = place.partition(" ")[2]
        parts = path.split("/")
        read = next(
            (found for n in range(len(parts), 2, -1) if (found := operations.get(f"GET {'/'.join(parts[:n])}")) is not None), None
        )
        if "webhook" not in path:  # those are read as a list, whose items hold their tags
            assert read is not None, place
            assert "ETag" in read["responses"]["200"]["headers"], place
