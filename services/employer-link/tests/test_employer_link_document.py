"""The API document says what the service answers; that the committed one is current is held for all services at once."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from employer_link.api import answers
from employer_link.cli import documented
from employer_link.main import build_api
from streaming.clock import WallClock
from web.openapi import unlisted


def test_the_document_lists_every_route() -> None:
    assert unlisted(build_api(documented(), WallClock())) == []


def test_answers_have_the_documented_form(link: Any) -> None:
    link.known_case()
    link.webhook()
    e = link.agreed()
    consent = link.get("claimant", "/v1/claimants/cl-1/consents").json()["items"][0]["consent_id"]
    forms: list[tuple[str, str, type[BaseModel]]] = [
        ("claimant", f"/v1/consents/{consent}", answers.ConsentView),
        ("claimant", "/v1/claimants/cl-1/consents", answers.Page[answers.ConsentView]),
        ("coach", "/v1/claimants/cl-1/employer-contact", answers.EmployerContactView),
        ("coach", f"/v1/engagements/{e}", answers.EngagementView),
        ("claimant", "/v1/claimants/cl-1/engagements", answers.Page[answers.EngagementView]),
        ("coach", "/v1/engagements", answers.Page[answers.EngagementView]),
        ("coach", "/v1/employers?q=quartz", answers.Page[answers.EmployerEntry]),
        ("employer", f"/v1/employer/engagements/{e}", answers.EmployerEngagementView),
        ("employer", "/v1/employer/engagements", answers.Page[answers.EmployerEngagementView]),
        ("employer", "/v1/employer/events", answers.Page[answers.EventView]),
        ("employer", "/v1/employer/webhooks", answers.Page[answers.WebhookView]),
    ]
    for role, path, form in forms:
        got = link.call(role, "GET", path)
        assert got.status_code == 200, path
        form.model_validate(got.json())
    link.move("employer", e, "actions")
    link.move("coach", e, "close", {"reason": "completed"})
    answers.EngagementView.model_validate(link.get("coach", f"/v1/engagements/{e}").json())
    answers.EmployerEngagementView.model_validate(link.employer_view(e).json())
