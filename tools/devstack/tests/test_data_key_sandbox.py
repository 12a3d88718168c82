"""The data key sandbox answers as the feed's description says."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from .conftest import Sandboxes


def _issue(sandboxes: Sandboxes) -> dict[str, str]:
    answer = httpx.get(f"{sandboxes.data_key}/datakey", params={"correlationId": "c-1"})
    assert answer.status_code == 201
    return dict(answer.json())


def _decrypt(sandboxes: Sandboxes, key_id: str, wrapped: str, timeout: float = 5) -> httpx.Response:
    return httpx.post(
        f"{sandboxes.data_key}/datakey/actions/decrypt",
        params={"keyId": key_id, "correlationId": "c-2"},
        content=wrapped,
        headers={"Content-Type": "text/plain"},
        timeout=timeout,
    )


def test_an_issued_key_comes_back_from_its_wrapped_form(sandboxes: Sandboxes) -> None:
    issued = _issue(sandboxes)
    assert len(base64.b64decode(issued["plaintextDataKey"])) == 32
    answer = _decrypt(sandboxes, issued["dataKeyEncryptionKeyId"], issued["ciphertextDataKey"])
    assert answer.status_code == 200
    assert answer.json()["plaintextDataKey"] == issued["plaintextDataKey"]
    assert answer.json()["dataKeyEncryptionKeyId"] == issued["dataKeyEncryptionKeyId"]
    assert _issue(sandboxes)["plaintextDataKey"] != issued["plaintextDataKey"]


def _changed(wrapped: str) -> str:
    raw = bytearray(base64.b64decode(wrapped))
    raw[5] ^= 1
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize("garble", [_changed, lambda _: "not base64!", lambda w: w[:8], lambda _: ""])
def test_a_garbled_key_is_400(sandboxes: Sandboxes, garble: object) -> None:
    assert callable(garble)
    issued = _issue(sandboxes)
    assert _decrypt(sandboxes, issued["dataKeyEncryptionKeyId"], garble(issued["ciphertextDataKey"])).status_code == 400


def test_a_wrong_key_id_is_400(sandboxes: Sandboxes) -> None:
    assert _decrypt(sandboxes, "cloudhsm:9,9", _issue(sandboxes)["ciphertextDataKey"]).status_code == 400


@pytest.mark.parametrize(("mode", "status"), [("unavailable", 503), ("bad_request", 400)])
def test_it_fails_as_often_as_told_and_then_works_again(sandboxes: Sandboxes, mode: str, status: int) -> None:
    issued = _issue(sandboxes)
    httpx.put(f"{sandboxes.data_key}/sandbox/faults", json={"mode": mode, "times": 2}).raise_for_status()
    seen = [_decrypt(sandboxes, issued["dataKeyEncryptionKeyId"], issued["ciphertextDataKey"]).status_code for _ in range(3)]
    assert seen == [status, status, 200]


def test_it_is_slow_when_told_and_stops_when_told(sandboxes: Sandboxes) -> None:
    issued = _issue(sandboxes)
    httpx.put(f"{sandboxes.data_key}/sandbox/faults", json={"mode": "slow", "delay_s": 60}).raise_for_status()
    try:
        with pytest.raises(httpx.ReadTimeout):
            _decrypt(sandboxes, issued["dataKeyEncryptionKeyId"], issued["ciphertextDataKey"], timeout=0.3)
    finally:
        httpx.delete(f"{sandboxes.data_key}/sandbox/faults").raise_for_status()
    started = time.monotonic()
    assert _decrypt(sandboxes, issued["dataKeyEncryptionKeyId"], issued["ciphertextDataKey"]).status_code == 200
    assert time.monotonic() - started < 5


def test_an_unknown_fault_is_refused(sandboxes: Sandboxes) -> None:
    assert httpx.put(f"{sandboxes.data_key}/sandbox/faults", json={"mode": "explode"}).status_code == 422
