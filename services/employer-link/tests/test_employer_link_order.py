"""Topics come in any order to each other, and callers at the same time: the outcome is the same."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest

from contracts import earnings, referrals, topics
from employer_link.model import Claim
from streaming import documents

CIRCUMSTANCES = "circumstances"
PAYMENT = "payment"
CASE = "case"


def _streams(link: Any) -> dict[str, list[Any]]:
    """What each topic says, in its own order."""
    job = {"claim_id": "c-1", "claimant_id": "cl-1", "employment_id": "j-1", "employer_id": link.employer_id}
    case = {"case_id": "k-1", "claim_id": "c-1", "claimant_id": "cl-1"}
    started = earnings.EmploymentStarted(**job, started_on=date(2026, 1, 5), frequency="M1")
    ended = earnings.EmploymentEnded(**job, ended_on=date(2026, 5, 1))
    opened = referrals.CaseOpened(**case, coach_id="co-1", office_id="of-1", flag_id="f-1")
    passed_on = referrals.CaseReassigned(**case, from_="co-1", to="co-2", reason="leave")
    return {
        CIRCUMSTANCES: [lambda: link.snapshot(1, "cl-1", "cl-2"), lambda: link.snapshot(2, "cl-1")],
        PAYMENT: [lambda: link.hears(topics.EARNINGS_PAYMENT, started), lambda: link.hears(topics.EARNINGS_PAYMENT, ended)],
        CASE: [lambda: link.hears(topics.PROGRESSION_CASE, opened), lambda: link.hears(topics.PROGRESSION_CASE, passed_on)],
    }


ORDERS = sorted(set(itertools.permutations([CIRCUMSTANCES, PAYMENT, CASE] * 2)))[::9]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: "-".join(name[:2] for name in order))
def test_every_interleaving_of_topics_ends_in_the_same_facts(link: Any, order: tuple[str, ...]) -> None:
    streams = _streams(link)
    for name in order:
        streams[name].pop(0)()
    claim: Claim = documents.read(link.unit.conn, link.unit.spec, "claim", "c-1")
    assert (claim.version, set(claim.people)) == (2, {"cl-1"})
    assert (claim.cases["k-1"].coach_id, claim.cases["k-1"].office_id) == ("co-2", "of-1")
    job = claim.employments["j-1"]
    assert (job.started_on, job.ended_on) == (date(2026, 1, 5), date(2026, 5, 1))


def test_whoever_had_the_case_sees_nothing_once_it_moved_to_another_office(link: Any) -> None:
    link.known_case()
    path = "/v1/claimants/cl-1/consents"
    assert link.get("coach", path).status_code == 200
    case = {"case_id": "k-1", "claim_id": "c-1", "claimant_id": "cl-1"}
    moved = referrals.CaseReassigned(**case, from_="co-1", to="co-2", reason="office_move", office_id="of-2")
    link.snapshot(2, "cl-1", coach_id="co-2", office_id="of-2")
    link.hears(topics.PROGRESSION_CASE, moved)
    assert link.get("coach", path).status_code == 404


def test_of_many_who_open_the_same_engagement_at_once_one_succeeds(link: Any) -> None:
    link.known_case()
    body = {"case_id": "k-1", "employer_id": link.employer_id, "consent_id": link.consent(), "ask": "training"}
    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(lambda n: link.call("coach", "POST", "/v1/engagements", body, key=f"at-once-{n}"), range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert link.names().count("EngagementOpened") == 1


def test_a_withdrawal_and_a_share_at_once_never_leave_anything_to_see(link: Any) -> None:
    link.known_case()
    for _ in range(5):
        consent = link.consent()
        e = link.opened(consent)
        tag = link.get("claimant", f"/v1/consents/{consent}").headers["etag"]
        with ThreadPoolExecutor(2) as callers:
            share = callers.submit(link.call, "coach", "POST", f"/v1/engagements/{e}/share", {}, match="*")
            withdrawal = callers.submit(link.call, "claimant", "DELETE", f"/v1/consents/{consent}", match=tag)
        assert withdrawal.result().status_code == 200
        assert share.result().status_code in (200, 409)
        assert link.employer_view(e).status_code == (410 if share.result().status_code == 200 else 404)
