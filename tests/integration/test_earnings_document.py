"""The API document says what earnings answers. No answer of another test here differs from it either: their client sees to
that."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from tests.support.documented_answers import Documented
from tests.support.foreign_feed import RTI, STATEMENT, Foreign, Household, opened

from earnings.cli import documented
from earnings.main import build_api
from web.openapi import unlisted


def test_the_document_lists_every_route() -> None:
    assert unlisted(build_api(documented())) == []


def test_every_answer_that_is_documented_is_given_so(feed: Foreign, answers: Documented) -> None:
    answers.seen.clear()
    house = Household()
    opened(feed, house)
    start = house.entitlement
    feed.row(feed.ucfs(STATEMENT, str(uuid.uuid4()), house.statement(start, start + timedelta(days=29))), "applied")
    for number in (1, 2):
        report = house.payment(start + timedelta(days=number), 700.0, taxablePayToDate=700.0 * number)
        feed.row(feed.send(RTI, report), "applied")
    claim, person = f"/v1/claims/{house.claim}", f"/v1/claimants/{house.people[0]}"
    for path in (claim, f"{claim}/ledger", f"{person}/payments", "/v1/intake/messages", "/v1/intake/summary"):
        feed.get(path)
    period = feed.get(f"{claim}/periods")["items"][-1]
    assert period["claimants"][0]["payments"]
    names = next(name for name, one in feed.credentials["clients"].items() if "profiles:read" in one["scopes"])

    def act(client: str, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
        sent = {"Authorization": f"Bearer {feed.token(client)}", "Idempotency-Key": str(uuid.uuid4()), **headers}
        answer = feed.http.request(method, path, json=body, headers=sent)
        assert answer.is_success, answer.text
        return {"etag": answer.headers.get("etag"), **answer.json()}

    act(names, "GET", f"{person}/profile")
    act(names, "POST", "/v1/claimants/profiles", {"claimant_ids": house.people, "purpose": "check"})
    decided = {"payment_id": report["uniquePaymentId"], "action": "disregard", "legal_basis": "61(3)(b)", "reason": "twice"}
    act("decision-maker-1", "POST", f"{claim}/determinations", decided)
    doubt = {"claimant_id": house.people[0], "period_id": period["period_id"], "cause": "several_periods"}
    query = f"/v1/queries/{act('coach-1', 'POST', f'{claim}/queries', doubt)['query_id']}"
    act("coach-1", "GET", "/v1/queries")
    tag = act("coach-1", "GET", query)["etag"]
    act("coach-1", "POST", f"{query}/resolve", {"resolution": "figures_stand", "reason": "asked"}, **{"If-Match": tag})
    assert answers.unseen("/v1/") == set()
