"""The API document says what the service answers. That it is current is held for all services at once; that no answer of
another test differs from it, by the tests' own client."""

from __future__ import annotations

from typing import Any

from employer_link.cli import documented
from employer_link.main import build_api
from streaming.clock import WallClock
from web.openapi import unlisted


def test_the_document_lists_every_route() -> None:
    assert unlisted(build_api(documented(), WallClock())) == []


def test_every_answer_that_is_documented_is_given_so(link: Any) -> None:
    link.known_case()
    webhook = f"/v1/employer/webhooks/{link.webhook()['webhook_id']}"
    e = link.agreed()
    consent = link.get("claimant", "/v1/claimants/cl-1/consents").json()["items"][0]["consent_id"]
    contact = "/v1/claimants/cl-1/employer-contact"
    for role, path in (
        ("claimant", f"/v1/consents/{consent}"),
        ("claimant", "/v1/claimants/cl-1/engagements"),
        ("coach", "/v1/engagements"),
        ("coach", "/v1/employers?q=quartz"),
        ("employer", f"/v1/employer/engagements/{e}"),
        ("employer", "/v1/employer/engagements"),
        ("employer", "/v1/employer/events"),
    ):
        assert link.call(role, "GET", path).status_code == 200, path
    (listed,) = link.get("employer", "/v1/employer/webhooks").json()["items"]
    link.call("employer", "DELETE", webhook, match=listed["etag"])
    link.move("coach", e, "contacts", {"channel": "phone", "outcome": "reached"})
    link.move("employer", e, "actions")
    link.move("coach", e, "close", {"reason": "completed"})
    again = link.shared(consent)
    link.move("employer", again, "answer", {"answer": "training"})
    planned = [{"owner": "claimant", "due_on": "2026-07-01"}, {"owner": "employer", "due_on": "2026-07-01"}]
    link.move("coach", again, "amend", {"actions": planned})
    for role in ("claimant", "employer", "coach"):
        link.move(role, again, "approve")
    link.move("claimant", again, "actions")
    link.change("claimant", "PUT", contact, {"employer_id": link.employer_id, "allowed": True}, of=contact)
    link.change("claimant", "DELETE", f"/v1/consents/{consent}", of=f"/v1/consents/{consent}")
    assert link.answers.unseen("/v1/") == set()
