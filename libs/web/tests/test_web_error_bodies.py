"""Errors say what is wrong in our own words, never in the caller's, and carry a trace id."""

from __future__ import annotations

import socket
from typing import Any

import httpx
import pytest
from local_issuer import LocalIssuer
from sample_service import Case

from web import problems

CANARY = "QQ123456C"


def _problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert CANARY not in answer.text
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["trace_id"] == answer.headers["x-trace-id"]
    assert len(body["trace_id"]) == 32
    return body


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"until": CANARY, "code": "leave"}, [{"in": "body", "field": "until", "problem": "date_from_datetime_parsing"}]),
        ({"until": "2026-05-01", "code": CANARY}, [{"in": "body", "field": "code", "problem": "literal_error"}]),
        ({"until": "2026-05-01"}, [{"in": "body", "field": "code", "problem": "missing"}]),
        ({"until": "2026-05-01", "code": "leave", CANARY: 1}, [{"in": "body", "field": None, "problem": "extra_forbidden"}]),
        (
            {"until": "2026-05-01", "code": "leave", "labels": {CANARY: "x"}},
            [{"in": "body", "field": "labels", "problem": "int_parsing"}],
        ),
        ([CANARY], [{"in": "body", "field": None, "problem": "model_attributes_type"}]),
    ],
)
def test_a_bad_body_is_answered_with_field_names_of_ours_only(
    body: object, errors: list[dict[str, Any]], sample: httpx.Client, coach: dict[str, str], case: Case
) -> None:
    answer = sample.post(f"/v1/cases/{case.case_id}/hold", json=body, headers={**coach, "Idempotency-Key": "k"})
    assert _problem(answer, 422, "invalid")["errors"] == errors


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b'{"until": "QQ123456C"', id="cut off"),
        pytest.param(b"[" * 200_000, id="too deep"),
        pytest.param(b'{"a": "\xff QQ123456C"}', id="not UTF-8"),
        pytest.param(b'{"until": "2026-05-01", "code": "QQ123456C\\u0000"}', id="NUL"),
        pytest.param(b'{"until": "2026-05-01", "code": "QQ123456C\x00"}', id="raw NUL"),
        pytest.param(b'{"until": "2026-05-01", "code": "\\ud800QQ123456C"}', id="lone surrogate"),
    ],
)
def test_a_body_that_is_no_json_is_invalid(content: bytes, sample: httpx.Client, coach: dict[str, str], case: Case) -> None:
    headers = {**coach, "Idempotency-Key": "k", "Content-Type": "application/json"}
    _problem(sample.post(f"/v1/cases/{case.case_id}/hold", content=content, headers=headers), 422, "invalid")


@pytest.mark.parametrize("kind", [None, "application/x-www-form-urlencoded", "text/plain; charset=utf-8"])
def test_a_body_that_does_not_say_it_is_json_is_told_to(
    kind: str | None, sample: httpx.Client, coach: dict[str, str], case: Case
) -> None:
    headers = {**coach, "Idempotency-Key": "k"} | ({} if kind is None else {"Content-Type": kind})
    answer = sample.post(f"/v1/cases/{case.case_id}/hold", content=b'{"until": "QQ123456C"}', headers=headers)
    assert _problem(answer, 415, "unsupported-media-type")["detail"] == "Send application/json."


def test_kinds_of_json_are_read_and_no_body_is_a_missing_one(sample: httpx.Client, coach: dict[str, str], case: Case) -> None:
    path, headers = f"/v1/cases/{case.case_id}/hold", {**coach, "Idempotency-Key": "k"}
    for kind in ("application/json; charset=utf-8", "application/merge-patch+json"):
        answer = sample.post(path, content=b'{"until": "2026-05-01"}', headers={**headers, "Content-Type": kind})
        assert _problem(answer, 422, "invalid")["errors"] == [{"in": "body", "field": "code", "problem": "missing"}]
    assert _problem(sample.post(path, headers=headers), 422, "invalid")["errors"][0]["problem"] == "missing"


def test_a_bug_is_answered_without_the_exceptions_words(sample: httpx.Client, shared_issuer: LocalIssuer) -> None:
    token = shared_issuer.token(scope="operator")
    body = _problem(sample.get("/v1/bug", headers={"Authorization": f"Bearer {token}"}), 500, "internal")
    assert body["detail"] == "Something went wrong on our side."


def test_a_bug_is_logged_without_the_exceptions_words(
    sample: httpx.Client, shared_issuer: LocalIssuer, capfd: pytest.CaptureFixture[str]
) -> None:
    token = shared_issuer.token(scope="operator")
    trace = sample.get("/v1/bug", headers={"Authorization": f"Bearer {token}"}).headers["x-trace-id"]
    logged = "".join(capfd.readouterr())
    assert "request.failed" in logged
    assert "RuntimeError" in logged
    assert trace in logged
    assert CANARY not in logged


def test_an_unknown_path_and_a_wrong_method_are_problems(sample: httpx.Client, coach: dict[str, str]) -> None:
    _problem(sample.get(f"/v1/{CANARY}", headers=coach), 404, "not-found")
    _problem(sample.delete("/v1/cases", headers=coach), 405, "method-not-allowed")


@pytest.mark.parametrize("path", ["/v1/cases/a%00b", "/v1/cases?state=%00"])
def test_a_nul_in_the_address_is_invalid(path: str, sample: httpx.Client, coach: dict[str, str]) -> None:
    _problem(sample.get(path, headers=coach), 422, "invalid")


def test_a_number_that_no_column_can_hold_is_invalid(sample: httpx.Client, coach: dict[str, str]) -> None:
    _problem(sample.get(f"/v1/numbers/{10**30}", headers=coach), 422, "invalid")


def test_a_filter_that_does_not_exist_is_named_invalid(sample: httpx.Client, coach: dict[str, str]) -> None:
    body = _problem(sample.get(f"/v1/cases?stat={CANARY}", headers=coach), 422, "unknown-query-parameter")
    assert body["parameters"] == ["cursor", "limit", "state"]
    assert set(body) <= set(problems.SCHEMA["properties"])


def test_a_declared_length_beyond_the_limit_is_too_large(sample: httpx.Client, coach: dict[str, str], case: Case) -> None:
    answer = sample.post(f"/v1/cases/{case.case_id}/hold", content=b"x" * 300_000, headers=coach)
    _problem(answer, 413, "too-large")


def test_a_body_without_declared_length_is_cut_off_at_the_limit(sample: httpx.Client, coach: dict[str, str], case: Case) -> None:
    def chunks() -> Any:
        for _ in range(30):
            yield b"x" * 10_000

    _problem(sample.post(f"/v1/cases/{case.case_id}/hold", content=chunks(), headers=coach), 413, "too-large")


def test_a_slow_body_is_cut_off_and_others_are_served_meanwhile(sample: httpx.Client, coach: dict[str, str]) -> None:
    address = (sample.base_url.host, sample.base_url.port or 80)
    with socket.create_connection(address, timeout=5) as slow:
        slow.sendall(b"POST /v1/receipts HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
        assert sample.get("/v1/cases", headers=coach).status_code == 200
        assert b" 408 " in slow.recv(4096).split(b"\r\n")[0]


def test_every_answer_has_the_security_headers(sample: httpx.Client, coach: dict[str, str]) -> None:
    for answer in (sample.get("/v1/cases", headers=coach), sample.get("/v1/cases"), sample.get("/nowhere")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_the_callers_trace_goes_on(sample: httpx.Client) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = sample.get("/nowhere", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    assert answer.headers["x-trace-id"] == trace
    assert sample.get("/nowhere", headers={"traceparent": "<script>"}).headers["x-trace-id"].isalnum()
