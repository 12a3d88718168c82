"""A command is done once however often it is sent, on the version its sender saw, and answered the same every time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import msgspec
import pytest
from local_issuer import LocalIssuer
from psycopg import Connection
from sample_service import Case

BODY = {"until": "2026-09-01", "code": "leave"}
Headers = dict[str, str]


def _holds(db: Connection[Any], case: Case) -> int:
    row = db.execute("SELECT version FROM document WHERE key = %s", (case.case_id,)).fetchone()
    assert row is not None
    return int(row[0]) - 1


def _hold(sample: httpx.Client, case: Case, headers: Headers, body: dict[str, Any] | None = None) -> httpx.Response:
    return sample.post(f"/v1/cases/{case.case_id}/hold", json=body or BODY, headers=headers)


def _etag(sample: httpx.Client, case: Case, coach: Headers) -> str:
    return sample.get(f"/v1/cases/{case.case_id}", headers=coach).headers["etag"]


def test_a_repeat_with_the_same_key_has_one_effect_and_the_same_answer(
    sample: httpx.Client, coach: Headers, case: Case, db: Connection[Any]
) -> None:
    headers = {**coach, "Idempotency-Key": f"key-{case.case_id}", "If-Match": _etag(sample, case, coach)}
    first, second = _hold(sample, case, headers), _hold(sample, case, headers)
    assert (first.status_code, first.json()["state"], first.json()["holds"]) == (200, "held", 1)
    assert (second.status_code, second.content, second.headers["etag"]) == (200, first.content, first.headers["etag"])
    assert _holds(db, case) == 1


def test_fifty_at_once_with_the_same_key_have_one_effect(
    sample: httpx.Client, coach: Headers, case: Case, db: Connection[Any]
) -> None:
    headers = {**coach, "Idempotency-Key": f"many-{case.case_id}", "If-Match": _etag(sample, case, coach)}
    with ThreadPoolExecutor(50) as threads:
        answers = [task.result() for task in [threads.submit(_hold, sample, case, headers) for _ in range(50)]]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert _holds(db, case) == 1


def test_two_with_different_keys_on_one_version_have_one_winner(
    sample: httpx.Client, coach: Headers, case: Case, db: Connection[Any]
) -> None:
    tag = _etag(sample, case, coach)
    with ThreadPoolExecutor(2) as threads:
        tasks = [
            threads.submit(_hold, sample, case, {**coach, "Idempotency-Key": f"{case.case_id}-{n}", "If-Match": tag})
            for n in "ab"
        ]
    assert sorted(task.result().status_code for task in tasks) == [200, 412]
    assert _holds(db, case) == 1


def test_the_same_key_with_another_body_is_refused(sample: httpx.Client, coach: Headers, case: Case, db: Connection[Any]) -> None:
    headers = {**coach, "Idempotency-Key": f"two-{case.case_id}", "If-Match": _etag(sample, case, coach)}
    assert _hold(sample, case, headers).status_code == 200
    answer = _hold(sample, case, headers, {**BODY, "code": "other"})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused")
    assert _holds(db, case) == 1


def test_another_clients_same_key_is_another_command(
    sample: httpx.Client, coach: Headers, case: Case, shared_issuer: LocalIssuer, db: Connection[Any]
) -> None:
    key = {"Idempotency-Key": f"shared-{case.case_id}"}
    assert _hold(sample, case, {**coach, **key, "If-Match": _etag(sample, case, coach)}).status_code == 200
    token = shared_issuer.token(client_id="coach-2", sub="coach-2", office_ids=["office-1"])
    other = {"Authorization": f"Bearer {token}"}
    answer = _hold(sample, case, {**other, **key, "If-Match": _etag(sample, case, coach)})
    assert (answer.status_code, answer.json()["holds"]) == (200, 2)
    assert _holds(db, case) == 2


def test_a_post_without_key_is_told_to_send_one(sample: httpx.Client, coach: Headers, case: Case) -> None:
    answer = _hold(sample, case, {**coach, "If-Match": "*"})
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency-key-required")


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\tinside"])
def test_a_key_of_the_wrong_form_is_invalid(key: str, sample: httpx.Client, coach: Headers, case: Case) -> None:
    answer = _hold(sample, case, {**coach, "If-Match": "*", "Idempotency-Key": key})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-invalid")


def test_a_change_needs_the_version_it_was_made_on(sample: httpx.Client, coach: Headers, case: Case, db: Connection[Any]) -> None:
    absent = _hold(sample, case, {**coach, "Idempotency-Key": f"a-{case.case_id}"})
    stale = _hold(sample, case, {**coach, "Idempotency-Key": f"b-{case.case_id}", "If-Match": '"old"'})
    assert (absent.status_code, absent.json()["code"]) == (428, "if-match-required")
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    assert _holds(db, case) == 0


@pytest.mark.parametrize("without", ["{}", '{}, "other"', '"other", {}', "W/{}"])
def test_a_tag_without_its_quotation_marks_is_not_called_old(
    without: str, sample: httpx.Client, coach: Headers, case: Case
) -> None:
    bare = without.format(_etag(sample, case, coach).strip('"'))
    answer = _hold(sample, case, {**coach, "Idempotency-Key": f"bare-{case.case_id}", "If-Match": bare})
    assert (answer.status_code, answer.json()["code"]) == (400, "if-match-malformed")
    assert "quotation marks" in answer.json()["detail"]


def test_one_of_several_tags_is_enough(sample: httpx.Client, coach: Headers, case: Case) -> None:
    tags = f'"old", W/"older",{_etag(sample, case, coach)}'
    assert _hold(sample, case, {**coach, "Idempotency-Key": f"tags-{case.case_id}", "If-Match": tags}).status_code == 200


def test_a_refused_command_may_be_sent_again_with_the_same_key(sample: httpx.Client, coach: Headers, case: Case) -> None:
    headers = {**coach, "Idempotency-Key": f"again-{case.case_id}"}
    assert _hold(sample, case, {**headers, "If-Match": '"old"'}).status_code == 412
    assert _hold(sample, case, {**headers, "If-Match": _etag(sample, case, coach)}).status_code == 200


def test_the_replay_comes_before_the_version_check(sample: httpx.Client, coach: Headers, case: Case) -> None:
    tag = _etag(sample, case, coach)
    headers = {**coach, "Idempotency-Key": f"first-{case.case_id}", "If-Match": tag}
    assert _hold(sample, case, headers).status_code == 200
    assert _etag(sample, case, coach) != tag
    assert _hold(sample, case, headers).status_code == 200


def test_an_illegal_move_says_what_is_allowed(sample: httpx.Client, coach: Headers, db: Connection[Any], case: Case) -> None:
    closed = msgspec.structs.replace(case, state="closed")
    db.execute("UPDATE document SET state = %s WHERE key = %s", (msgspec.msgpack.encode(closed), case.case_id))
    answer = _hold(sample, case, {**coach, "Idempotency-Key": f"no-{case.case_id}", "If-Match": "*"})
    assert (answer.status_code, answer.json()["code"], answer.json()["allowed"]) == (409, "illegal-move", ["reopen"])


def test_a_record_locked_by_other_work_is_busy_and_worth_another_try(
    sample: httpx.Client, coach: Headers, db: Connection[Any], case: Case
) -> None:
    headers = {**coach, "Idempotency-Key": f"busy-{case.case_id}", "If-Match": "*"}
    with db.transaction():
        db.execute("SELECT 1 FROM document WHERE key = %s FOR UPDATE", (case.case_id,))
        answer = _hold(sample, case, headers)
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert int(answer.headers["retry-after"]) > 0
    assert _hold(sample, case, headers).status_code == 200


def test_a_command_carries_the_callers_trace_and_writes_one_audit_row(
    sample: httpx.Client, coach: Headers, db: Connection[Any], case: Case
) -> None:
    headers = {**coach, "Idempotency-Key": f"audit-{case.case_id}", "If-Match": "*"}
    for _ in range(2):
        assert _hold(sample, case, headers).status_code == 200
    rows = db.execute(
        "SELECT actor, resource, granted, ids FROM audit WHERE action = 'POST /v1/cases/{case_id}/hold'"
        " AND resource = 'cases' AND ids ->> 'case_id' = %s",
        (case.case_id,),
    ).fetchall()
    assert rows == [("coach-1", "cases", True, {"case_id": case.case_id})]
