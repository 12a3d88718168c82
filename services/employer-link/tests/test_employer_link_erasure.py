"""What is forgotten when people and claims are erased, what must not be, and what never comes back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
import pytest

from contracts import earnings, referrals, topics
from employer_link import commands
from employer_link.model import Claim, Claimant
from employer_link.policy_files import load
from streaming import documents
from streaming.errors import Refused
from streaming.records import Cause
from streaming.work import Reply, Work

CONTACT = "/v1/claimants/cl-1/employer-contact"


def _document(link: Any, kind: str, key: str) -> Any:
    return documents.read(link.unit.conn, link.unit.spec, kind, key)


def _forbid(link: Any, **body: Any) -> None:
    body = {"employer_id": None, "allowed": False} | body
    assert link.change("claimant", "PUT", CONTACT, body, of=CONTACT).status_code == 200


def _erase(link: Any, claim_id: str) -> None:
    link.hears(topics.EARNINGS_CIRCUMSTANCES, earnings.ClaimErased(claim_id=claim_id))


def _consent_on_behalf(link: Any) -> Any:
    return link.call(
        "coach",
        "POST",
        "/v1/consents",
        {
            "claimant_id": "cl-1",
            "employer_id": link.employer_id,
            "fields": ["ask"],
            "purpose": "more_hours",
            "expires_on": "2026-07-01",
            "wording_version": "1",
            "on_behalf_of": "cl-1",
            "reason": "has no phone",
            "evidence": "form seen",
        },
    )


def _job(link: Any, kind: Any = earnings.EmploymentStarted, claimant_id: str = "cl-1") -> Any:
    job = {"claim_id": "c-1", "claimant_id": claimant_id, "employment_id": "j-2", "employer_id": link.employer_id}
    if kind is earnings.EmploymentStarted:
        return kind(**job, started_on=date(2026, 5, 4), frequency="M1")
    return kind(**job, ended_on=date(2026, 5, 31))


CASE = {"case_id": "k-2", "claim_id": "c-1", "claimant_id": "cl-1"}
LATE: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "job": (topics.EARNINGS_PAYMENT, _job),
    "job's end": (topics.EARNINGS_PAYMENT, lambda link: _job(link, earnings.EmploymentEnded)),
    "case": (topics.PROGRESSION_CASE, lambda link: referrals.CaseOpened(**CASE, flag_id="f-2")),
    "case's coach": (topics.PROGRESSION_CASE, lambda link: referrals.CaseReassigned(**CASE, to="co-2", reason="leave")),
    "case's end": (topics.PROGRESSION_CASE, lambda link: referrals.CaseClosed(**CASE, outcome="declined")),
}


@pytest.mark.parametrize("late", LATE)
def test_nothing_that_comes_late_brings_an_erased_person_back(link: Any, late: str) -> None:
    link.known_case()
    link.snapshot(2, "cl-2", kind=earnings.ClaimantErased, claimant_id="cl-1")
    erased = _document(link, "claim", "c-1")
    assert "cl-1" not in str(msgspec.structs.replace(erased, erased_people=frozenset()))
    topic, event = LATE[late]
    link.hears(topic, event(link))
    assert _document(link, "claim", "c-1") == erased
    link.hears(topics.EARNINGS_PAYMENT, _job(link, claimant_id="cl-2"))
    assert set(_document(link, "claim", "c-1").employments) == {"j-2"}, "the other person's job is kept"


def test_a_snapshot_that_names_an_erased_person_again_gives_no_access(link: Any) -> None:
    link.known_case()
    link.snapshot(2, "cl-2", kind=earnings.ClaimantErased, claimant_id="cl-1")
    link.snapshot(3, "cl-1", "cl-2")
    assert set(_document(link, "claim", "c-1").people) == {"cl-2"}
    assert link.get("coach", CONTACT).status_code == 404


@pytest.mark.parametrize("kind", [earnings.ClaimOpened, earnings.ClaimantErased])
def test_an_erased_claim_comes_again_by_a_newer_snapshot_only_and_without_what_was_agreed(link: Any, kind: Any) -> None:
    link.known_case()
    link.snapshot(4, "cl-1", "cl-2")
    engagement = link.shared()
    _erase(link, "c-1")
    erased = _document(link, "claim", "c-1")
    about = {"claimant_id": "cl-2"} if kind is earnings.ClaimantErased else {}
    link.snapshot(4, "cl-1", kind=kind, **about)
    link.hears(topics.EARNINGS_PAYMENT, _job(link))
    assert _document(link, "claim", "c-1") == erased == Claim(claim_id="c-1", version=4, status="erased")
    link.snapshot(5, "cl-1", kind=kind, **about)
    link.hears(topics.EARNINGS_PAYMENT, _job(link))
    claim = _document(link, "claim", "c-1")
    assert (claim.status, set(claim.people), set(claim.employments)) == ("open", {"cl-1"}, {"j-2"})
    assert link.employer_view(engagement).status_code == 410
    assert link.get("coach", f"/v1/engagements/{engagement}").status_code == 404
    assert link.get("claimant", "/v1/claimants/cl-1/engagements").json()["items"] == []
    assert link.consent()


@pytest.mark.parametrize("single", [False, True])
def test_an_old_claim_that_is_erased_leaves_the_hard_stop_to_the_new_one(link: Any, single: bool) -> None:
    link.known_case()
    _forbid(link, employer_id=link.employer_id if single else None)
    link.snapshot(2, "cl-1", "cl-2", kind=earnings.ClaimClosed, status="closed")
    link.snapshot(1, "cl-1", claim_id="c-2", kind=earnings.ClaimOpened)
    _erase(link, "c-1")
    refused = _consent_on_behalf(link)
    assert (refused.status_code, refused.json()["code"]) == (409, "employer-contact-forbidden")
    assert _document(link, "claimant", "cl-1").claims == {"c-2"}
    _erase(link, "c-2")
    assert link.stored("document", "kind = 'claimant'") == "[]", "no claim names them any more"


def test_a_hard_stop_goes_along_to_a_claim_that_is_known_only_after_the_old_one_let_go(link: Any) -> None:
    link.known_case()
    _forbid(link)
    link.snapshot(2, "cl-2")
    link.snapshot(1, "cl-1", claim_id="c-2", kind=earnings.ClaimOpened)
    assert _consent_on_behalf(link).json()["code"] == "employer-contact-forbidden"
    _erase(link, "c-1")
    assert _consent_on_behalf(link).json()["code"] == "employer-contact-forbidden"


def test_whoever_leaves_without_a_hard_stop_leaves_no_document(link: Any) -> None:
    link.known_case()
    link.snapshot(2, "cl-2")
    assert link.rows("SELECT key FROM document WHERE kind = 'claimant'") == [("cl-2",)]


def test_an_erased_person_is_forgotten_on_every_claim(link: Any) -> None:
    link.known_case()
    link.snapshot(1, "cl-1", claim_id="c-2", kind=earnings.ClaimOpened)
    _forbid(link)
    link.snapshot(2, "cl-2", kind=earnings.ClaimantErased, claimant_id="cl-1")
    link.snapshot(2, claim_id="c-2", kind=earnings.ClaimantErased, claimant_id="cl-1")
    assert link.rows("SELECT key FROM document WHERE kind = 'claimant'") == [("cl-2",)]


def test_a_hard_stop_that_comes_behind_the_erasure_brings_the_person_not_back(link: Any) -> None:
    link.known_case()
    link.snapshot(2, "cl-2", kind=earnings.ClaimantErased, claimant_id="cl-1")

    def behind(work: Work) -> Reply:  # the claim was looked up before
        return commands.set_contact(work, "c-1", [], "cl-1", None, False, None, load())

    with pytest.raises(Refused, match="not-found"):
        link.unit.internal((("claim", "c-1"), ("claimant", "cl-1")), Cause("request", "request"), behind)


def test_a_hard_stop_stored_before_it_named_claims_is_read_and_completed_by_the_next_snapshot(link: Any) -> None:
    link.known_case()
    _forbid(link)
    old = msgspec.to_builtins(_document(link, "claimant", "cl-1"))
    del old["claims"]
    link.unit.conn.execute(
        "UPDATE document SET state = %s WHERE kind = 'claimant' AND key = 'cl-1'", (msgspec.msgpack.encode(old),)
    )
    assert link.get("claimant", CONTACT).json()["allowed"] is False
    link.snapshot(2, "cl-1", "cl-2")
    assert _document(link, "claimant", "cl-1") == Claimant(claimant_id="cl-1", nobody=True, claims=frozenset({"c-1"}))


def test_a_person_with_an_id_that_the_database_cannot_hold_is_set_aside(link: Any) -> None:
    link.snapshot(1, "cl\0-1")
    assert link.rows("SELECT reason FROM dead_letter") == [("id_invalid",)]
