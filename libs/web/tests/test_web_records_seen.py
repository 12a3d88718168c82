"""A record is seen by those it concerns, is a 404 for everybody else, and every look is in the audit."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from local_issuer import LocalIssuer
from psycopg import Connection
from sample_service import Case

from contracts.ids import employer_id
from web.access import Subject, as_of_now, may_see
from web.principal import Principal, from_claims

ALL = ("coach", "team-leader", "claimant", "employer", "decision-maker", "analyst", "operator", "claims:read")
SUBJECT = Subject(
    claimant_ids=("person-1",), coach_ids=("coach-1",), office_ids=("office-1",), employer_id=employer_id("123/A246")
)


def principal(*scopes: str, **identity: Any) -> Principal:
    return Principal(client_id="c", scopes=frozenset(scopes), **identity)


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        (principal("coach", coach_id="coach-1"), True),
        (principal("coach", coach_id="coach-9", office_ids=("office-1",)), True),
        (principal("coach", coach_id="coach-9", office_ids=("office-2",)), False),
        (principal("coach"), False),
        (principal("team-leader", office_ids=("office-2", "office-1")), True),
        (principal("team-leader", coach_id="coach-1"), False),
        (principal("claimant", claimant_id="person-1"), True),
        (principal("claimant", claimant_id="person-2"), False),
        (principal("claimant"), False),
        (principal("employer", employer_ids=(employer_id("123/A246"),)), True),
        (principal("employer", employer_paye_references=("123/A246",)), True),
        (principal("employer", employer_paye_references=("123/a246",)), False),
        (principal("employer"), False),
        (principal("decision-maker"), True),
        (principal("claims:read"), True),
        (principal("profiles:read"), False),
        (principal(claimant_id="person-1", coach_id="coach-1", office_ids=("office-1",)), False),
    ],
)
def test_the_scopes_and_identities_of_a_token_decide_who_sees_a_record(who: Principal, sees: bool) -> None:
    assert may_see(who, SUBJECT, ALL) is sees


def test_a_scope_that_the_route_does_not_accept_opens_nothing() -> None:
    assert not may_see(principal("coach", coach_id="coach-1"), SUBJECT, ("claimant", "employer"))


def test_nobody_owns_a_record_without_owner() -> None:
    nobody = Subject()
    assert not may_see(principal("coach", "claimant", "employer", "team-leader"), nobody, ALL)


def test_identities_come_from_the_tokens_claims() -> None:
    found = from_claims(
        {
            "client_id": "c",
            "sub": "person",
            "scope": "coach claimant",
            "office_ids": ["a", "b"],
            "employer_paye_references": ["1/A"],
        }
    )
    assert (found.actor, found.role, found.office_ids) == ("c/person", "coach", ("a", "b"))
    assert found.employers == {employer_id("1/A")}


def test_a_coach_who_moved_sees_the_new_office_only() -> None:
    moved = as_of_now(principal("coach", office_ids=("office-1",)), active=True, offices=["office-2"])
    assert not may_see(moved, SUBJECT, ALL)
    assert may_see(moved, Subject(office_ids=("office-2",)), ALL)


def test_a_coach_who_was_disabled_sees_nothing() -> None:
    disabled = as_of_now(principal("coach", coach_id="coach-1", office_ids=("office-1",)), active=False, offices=["office-1"])
    assert not may_see(disabled, SUBJECT, ALL)


def _audit(db: Connection[Any], case_id: str) -> list[tuple[Any, ...]]:
    return db.execute(
        "SELECT actor, action, resource, granted, reason FROM audit WHERE ids ->> 'case_id' = %s ORDER BY seq", (case_id,)
    ).fetchall()


READ = "GET /v1/cases/{case_id}"


def test_a_granted_look_is_audited(sample: httpx.Client, coach: dict[str, str], case: Case, db: Connection[Any]) -> None:
    assert sample.get(f"/v1/cases/{case.case_id}", headers=coach).status_code == 200
    assert _audit(db, case.case_id) == [("coach-1", READ, "case", True, None)]


@pytest.mark.parametrize("scope", ["coach", "claimant", "team-leader"])
def test_a_stranger_gets_404_and_the_try_is_audited(
    scope: str, sample: httpx.Client, shared_issuer: LocalIssuer, case: Case, db: Connection[Any]
) -> None:
    token = shared_issuer.token(scope=scope, client_id="stranger", sub="stranger", office_ids=["office-2"], claimant_id="other")
    answer = sample.get(f"/v1/cases/{case.case_id}", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 404
    assert "etag" not in answer.headers
    assert _audit(db, case.case_id) == [("stranger", READ, "case", False, "not_theirs")]


def test_a_record_that_is_not_there_looks_the_same_as_a_strangers(
    sample: httpx.Client, shared_issuer: LocalIssuer, case: Case, db: Connection[Any]
) -> None:
    token = {"Authorization": f"Bearer {shared_issuer.token(office_ids=['office-2'])}"}
    theirs = sample.get(f"/v1/cases/{case.case_id}", headers=token)
    absent = sample.get(f"/v1/cases/no-{case.case_id}", headers=token)
    bodies = [{name: value for name, value in answer.json().items() if name != "trace_id"} for answer in (theirs, absent)]
    assert bodies[0] == bodies[1]
    assert _audit(db, f"no-{case.case_id}") == [("client-1", READ, "case", False, "absent")]


def test_a_coach_may_break_the_glass_with_a_reason_that_the_audit_keeps(
    sample: httpx.Client, shared_issuer: LocalIssuer, case: Case, db: Connection[Any]
) -> None:
    token = shared_issuer.token(client_id="coach-9", sub="coach-9", office_ids=["office-2"])
    headers = {"Authorization": f"Bearer {token}", "X-Break-Glass-Reason": "covering for a sick colleague"}
    assert sample.get(f"/v1/cases/{case.case_id}", headers=headers).status_code == 200
    assert _audit(db, case.case_id) == [("coach-9", READ, "case", True, "break-glass: covering for a sick colleague")]


def test_breaking_the_glass_needs_a_real_reason(sample: httpx.Client, shared_issuer: LocalIssuer, case: Case) -> None:
    token = shared_issuer.token(office_ids=["office-2"])
    answer = sample.get(
        f"/v1/cases/{case.case_id}", headers={"Authorization": f"Bearer {token}", "X-Break-Glass-Reason": "because"}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "break-glass-reason")


def test_only_a_coach_may_break_the_glass(sample: httpx.Client, shared_issuer: LocalIssuer, case: Case) -> None:
    token = shared_issuer.token(scope="claimant", claimant_id="other")
    headers = {"Authorization": f"Bearer {token}", "X-Break-Glass-Reason": "I would like to see it"}
    assert sample.get(f"/v1/cases/{case.case_id}", headers=headers).status_code == 404


def test_an_unchanged_record_is_not_sent_again(sample: httpx.Client, coach: dict[str, str], case: Case) -> None:
    tag = sample.get(f"/v1/cases/{case.case_id}", headers=coach).headers["etag"]
    for known in (tag, f"W/{tag}", f'"x", {tag}'):
        again = sample.get(f"/v1/cases/{case.case_id}", headers={**coach, "If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
